"""Using the coupons of a bill: their redemptions, their steps, and last what each offer's redemptions save in all.

Coupons are locked by whoever reckoned the bill; the offer's row is the hottest and is touched last, by id where there are
several.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, or_, update

from webapp.coupons import holds, join, queries, quoting, receipts, steps
from webapp.coupons.models import Coupon, Offer, Redemption
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.plugin_api import Basket

# What higher rooms ask before coupons are used: (scope, coupons, using) -> refusals by the ids of those refused. using
# False: they are only looked at, and nothing is written.
Guard = Callable[[Scope, Sequence[Coupon], bool], Mapping[int, Refused]]
GUARDS: list[Guard] = []


def guarded(scope: Scope, coupons: Sequence[Coupon], *, using: bool) -> dict[int, Refused]:
    """What higher rooms say: why some of the coupons cannot be used, by their ids."""
    refused: dict[int, Refused] = {}
    for guard in GUARDS:
        asked = [coupon for coupon in coupons if coupon.id not in refused]
        if asked:
            refused |= guard(scope, asked, using)
    return refused


class _Stop(Exception):
    def __init__(self, one: quoting.NotUsed) -> None:
        self.one = one


def write_down(
    scope: Scope,
    bill: quoting.Bill,
    coupons: Mapping[str, Coupon],
    *,
    store_id: int | None = None,
    till: str = "",
) -> list[Redemption] | quoting.NotUsed:
    """Use the coupons of a bill together on its basket: all of them, or none and why. coupons: by the keys of their wishes,
    locked by id (steps.locked) in this unit before the bill was reckoned. Refused: what guards
    say, till_has_coupon, budget_spent."""
    try:
        with scope.session.begin_nested():  # a refusal keeps its idempotency row and leaves no other
            return _write_down(scope, bill, coupons, store_id, till)
    except _Stop as stop:
        return stop.one


def _write_down(
    scope: Scope, bill: quoting.Bill, coupons: Mapping[str, Coupon], store_id: int | None, till: str
) -> list[Redemption]:
    joins = all(one.wish.conditions.joins for one in bill.applied)
    if bill.applied and (why := receipts.taken(scope, store_id, till, joins=joins)) is not None:
        raise _Stop(quoting.NotUsed(bill.applied[0].wish, why))
    made: list[Redemption] = []
    spent: dict[int, tuple[quoting.Wish, int]] = {}
    for one in bill.applied:
        coupon = coupons[one.wish.key]
        for why in guarded(scope, [coupon], using=True).values():
            raise _Stop(quoting.NotUsed(one.wish, why))
        made.append(_use(scope, coupon, one, bill.basket, store_id, till, made[0].id if made else None))
        before = spent[coupon.offer_id][1] if coupon.offer_id in spent else 0
        spent[coupon.offer_id] = one.wish, before + one.saving_minor
    for offer_id, (one_wish, saving) in sorted(spent.items()):
        if saving and not _spend(scope, offer_id, saving):
            offer = queries.offer(scope, offer_id)
            scope.session.refresh(offer)
            why = over_budget(offer, saving) or Refused("budget_spent")
            raise _Stop(quoting.NotUsed(one_wish, why))
    return made


def _use(
    scope: Scope,
    coupon: Coupon,
    one: quoting.Applied,
    basket: Basket,
    store_id: int | None,
    till: str,
    basket_id: int | None,
) -> Redemption:
    """A redemption and the coupon's steps to it."""
    if coupon.claimed_at is None:  # given, or kept for its member
        steps.claimed(scope, coupon)
    elif coupon.state == "held":
        holds.free(scope, coupon)
    new_id = scope.new_id()
    used = Redemption(
        brand_id=scope.brand.id,
        id=new_id,
        coupon_id=coupon.id,
        open_coupon_id=coupon.id,
        store_id=store_id,
        staff_id=scope.actor.staff_id,
        basket_minor=basket.total_minor,
        saving_minor=one.saving_minor,
        till_number=till or None,
        order_id=None,
        basket_id=basket_id or new_id,
        lines=_lines(basket, one),
        gift=one.gift,
        redeemed_at=scope.now,
        redeemed_on=scope.today,
        reversed_at=None,
        reversed_by=None,
    )
    scope.session.add(used)
    scope.session.flush()
    steps.move(
        scope, coupon, ("claimed", "reversed"), "redeemed", {"redemption": used.id}, redeemed_at=scope.now
    )
    scope.audit(
        "coupon.redeem",
        "coupon",
        coupon.id,
        redemption=used.id,
        basket=used.basket_minor,
        saving=used.saving_minor,
    )
    if till and not join.join_redemption(scope, used, coupon):
        # the order may be about to be committed, or come later
        scope.emit("coupon.used", redemption_id=used.id)
    return used


def _lines(basket: Basket, one: quoting.Applied) -> list[dict[str, Any]] | None:
    """What each line was saved, as it is kept."""
    if not basket.lines:
        return None
    return [
        {
            "product": line.product,
            "category": line.category,
            "quantity": line.quantity,
            "amount_minor": line.amount_minor,
            "saving_minor": saved,
        }
        for line, saved in zip(basket.lines, one.lines, strict=True)
    ]


# --------------------------------------------------------------------------------------------- what an offer may save


def over_budget(offer: Offer, saving_minor: int) -> Refused | None:
    """What all redemptions of the offer may save is not enough for this one, read without a lock."""
    if offer.budget_minor is None or not saving_minor:
        return None
    left = offer.budget_minor - offer.saved_minor
    return Refused("budget_spent", {"left_minor": max(0, left)}) if saving_minor > left else None


def _spend(scope: Scope, offer_id: int, saving_minor: int) -> bool:
    """Count what is saved, within what the offer may save in all."""
    within = or_(Offer.budget_minor.is_(None), Offer.saved_minor + saving_minor <= Offer.budget_minor)
    return _add(scope, offer_id, saving_minor, within)


def unspend(scope: Scope, offer_id: int, saving_minor: int) -> None:
    """A redemption was undone: what it saved can be saved again."""
    if saving_minor:
        _add(scope, offer_id, -saving_minor)


def correct(scope: Scope, offer_id: int, more_minor: int) -> bool:
    """A redemption saves more, or less, than was counted. False: the offer may not save so much in all."""
    if more_minor <= 0:
        unspend(scope, offer_id, -more_minor)
        return True
    return _spend(scope, offer_id, more_minor)


def _add(scope: Scope, offer_id: int, minor: int, *where: ColumnElement[bool]) -> bool:
    done = scope.session.execute(
        update(Offer)
        .where(Offer.brand_id == scope.brand.id, Offer.id == offer_id, *where)
        .values(saved_minor=Offer.saved_minor + minor)
        .execution_options(synchronize_session=False)
    )
    scope.session.expire(queries.offer(scope, offer_id))
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult
