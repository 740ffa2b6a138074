"""A redemption that was a mistake, or whose goods came back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from webapp.coupons import conditions, queries, steps, undo_limit
from webapp.coupons.issue import return_to_stock
from webapp.coupons.models import Coupon, Redemption
from webapp.coupons.using import unspend
from webapp.kernel.errors import Forbidden, NotFound, Refused
from webapp.kernel.reach import reaches
from webapp.kernel.scope import Scope

LATER = "counter.oversee"  # the permission to undo what a clerk cannot undo any more


def reverse(scope: Scope, redemption_id: int) -> Redemption | Refused:
    """Undo a redemption: the coupon is usable again if its days allow, or returns to its offer's stock, as its terms say.
    What it saved can be saved again. Undone twice is undone once.

    Refused: undo_late (as `too_late`). Raises NotFound; Forbidden for one of a store that the actor does not reach.
    """
    used = scope.session.get(Redemption, (scope.brand.id, redemption_id))
    if used is None:
        raise NotFound(f"redemption {redemption_id}")
    if not reaches(scope, used.store_id):
        raise Forbidden("a redemption of another store")
    coupon = steps.locked(scope, used.coupon_id)
    scope.session.refresh(used)  # as it stands now that nobody else can move it
    if used.reversed_at is not None:
        return used
    if (refusal := too_late(scope, used)) is not None:
        return refusal
    if put_back(scope, used, coupon, {}):
        return_to_stock(scope, [coupon])
    unspend(scope, coupon.offer_id, used.saving_minor)
    return used


def put_back(scope: Scope, used: Redemption, coupon: Coupon, why: dict[str, Any]) -> bool:
    """A redemption that stands does not any more, and its coupon (locked) is usable again; True where it is not: it goes back
    to its offer's stock, and the caller sees to that and to the offer's budget."""
    done = scope.session.execute(
        update(Redemption)
        .where(
            Redemption.brand_id == scope.brand.id,
            Redemption.id == used.id,
            Redemption.open_coupon_id == coupon.id,
        )
        .values(open_coupon_id=None, reversed_at=scope.now, reversed_by=scope.actor.staff_id)
        .execution_options(synchronize_session=False)
    )
    steps.once_only(done, f"redemption {used.id}")
    scope.session.refresh(used)
    detail = {"redemption": used.id} | why
    steps.move(scope, coupon, ("redeemed",), "reversed", detail, redeemed_at=None)
    scope.audit("coupon.reverse", "coupon", coupon.id, redemption=used.id)
    terms = queries.terms(scope, coupon.offer_id, coupon.terms_version)
    if conditions.load(terms.conditions).undone != "returned":
        return False
    steps.move(scope, coupon, ("reversed",), "void", detail)
    return True


def too_late(scope: Scope, used: Redemption) -> Refused | None:
    """Why the actor cannot undo it any more, by what the brand says (undo_limit.py). Refused: undo_late, with `on`, the day
    of the use; `days`: even the managers' time is over; `hours` or `never`: what holds for clerks where it is not the day.
    """
    limit, zone = undo_limit.of(scope), scope.brand.timezone
    if scope.now < limit.clerk_until(used.redeemed_at, used.redeemed_on, zone):
        return None
    end = limit.manager_until(used.redeemed_on, zone)
    if scope.actor.can(LATER) and (end is None or scope.now < end):
        return None
    facts: dict[str, Any] = {"on": used.redeemed_on.isoformat()}
    if end is not None and scope.now >= end:
        facts["days"] = limit.manager_days
    elif limit.clerk == "hours":
        facts["hours"] = limit.hours
    elif limit.clerk == "never":
        facts["never"] = True
    return Refused("undo_late", facts)
