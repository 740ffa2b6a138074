"""Coupons kept aside for a while: for the basket that a member is about to pay (`hold`), or for the member who has just taken
one of a few (CouponType.keeps; take.py writes that).

What a hold goes back to when it is over: a coupon that was taken before is usable again; one that was only kept, and never
used, returns to the offer's stock and its person's allowance, and is void. No sweep can be late: whoever looks at a coupon or
uses it takes a hold that is over for what it goes back to (queries.shown_state, `settle`).

Rows are touched in the order of giving: coupons by id, allowances by person, the offer last.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import exists, insert, select, update

from webapp.coupons import queries, steps
from webapp.coupons.issue import return_to_stock
from webapp.coupons.models import Coupon, CouponChange, Redemption
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope

LONGEST = timedelta(hours=24)
WAITS = "plugin:"  # begins the key of what waits for a plugin's word (waiting.py): nobody uses it before
BATCH = 200  # coupons a unit


def hold(scope: Scope, coupon_id: int, until: datetime, *, key: str = "") -> Coupon | Refused:
    """Keep a coupon aside until a moment, at most 24 hours ahead and never beyond its last day.

    key: whose hold it is (a basket's); one with a key is given to nobody who does not name it, one without can be used by
    whoever has the code. Held again with the same key it is held until the new moment. A coupon that was not taken yet is
    taken by being held. Refused: void, used, expired, until (the moment has passed or is too far), held (by another key).
    """
    coupon = settle(scope, steps.locked(scope, coupon_id))
    state = queries.shown_state(coupon, scope.now, scope.today)
    if state == "void":
        return Refused("void")
    if state == "redeemed":
        return Refused("used")
    if state == queries.EXPIRED:
        assert coupon.valid_until is not None
        return Refused("expired", {"until": coupon.valid_until.isoformat()})
    if not scope.now < until <= scope.now + LONGEST:
        return Refused("until", {"hours": int(LONGEST.total_seconds()) // 3600})
    if (refusal := others(scope, coupon, key)) is not None:
        return refusal
    if coupon.claimed_at is None and coupon.state == "issued":
        steps.claimed(scope, coupon)
    until = in_its_days(scope, coupon.valid_until, until)
    if coupon.state == "held" and coupon.held_until == until:
        return coupon
    _hold(scope, coupon, until, key)
    return coupon


def release(scope: Scope, coupon_id: int) -> Coupon:
    """End a hold before its time; one that is not held stays as it is. Raises NotFound."""
    coupon = steps.locked(scope, coupon_id)
    if coupon.state == "held":
        _back(scope, coupon)
    return coupon


def let_go(scope: Scope, coupon_id: int) -> Coupon | Refused:
    """A clerk ends the hold for another purchase, for the member who stands before them; a coupon that is not kept for one
    stays as it is. Refused: waiting (only the plugin that keeps it ends that). Raises NotFound."""
    coupon = steps.locked(scope, coupon_id)
    why = others(scope, coupon)
    if why is None or why.code != "held":
        return why or coupon
    _back(scope, coupon)
    scope.audit("coupon.let_go", "coupon", coupon.id)
    return coupon


def free(scope: Scope, coupon: Coupon) -> None:
    """A locked coupon that is held for whoever uses it now is what it was before."""
    _back(scope, coupon)


def settle(scope: Scope, coupon: Coupon) -> Coupon:
    """A locked coupon whose hold is over goes back now."""
    if coupon.state == "held" and over(coupon, scope.now):
        _back(scope, coupon)
    return coupon


def over(coupon: Coupon, now: datetime) -> bool:
    """Its time has come."""
    return coupon.held_until is not None and coupon.held_until <= now


def others(scope: Scope, coupon: Coupon, key: str = "") -> Refused | None:
    """It is held for somebody who named another key."""
    if coupon.state != "held" or over(coupon, scope.now) or coupon.held_until is None:
        return None
    until = coupon.held_until.isoformat()
    mine = key_of(scope, coupon)
    if mine.startswith(WAITS):
        return Refused("waiting", {"until": until})
    return Refused("held", {"until": until}) if mine and mine != key else None


def key_of(scope: Scope, coupon: Coupon) -> str:
    """Whose hold it is; blank: nobody's in particular."""
    until = coupon.held_until.isoformat() if coupon.held_until is not None else ""
    details = scope.session.scalars(
        select(CouponChange.detail)
        .where(
            CouponChange.brand_id == scope.brand.id,
            CouponChange.coupon_id == coupon.id,
            CouponChange.state == "held",
        )
        .order_by(CouponChange.at.desc(), CouponChange.id.desc())
    ).all()
    return next((str(one.get("key", "")) for one in details if one.get("until") == until), "")


def end(scope: Scope, offer_id: int | None = None, limit: int = BATCH) -> int:
    """End holds that are over, of an offer or of the brand, at most `limit` (200 a unit, law 3). Returns how many.

    In a unit of its own: a unit that has already counted on an offer must not touch coupons after it.
    """
    where = [Coupon.brand_id == scope.brand.id, Coupon.held_until <= scope.now, Coupon.state == "held"]
    if offer_id is not None:
        where.append(Coupon.offer_id == offer_id)
    coupons = scope.session.scalars(
        select(Coupon)
        .where(*where)
        .order_by(Coupon.id)
        .limit(limit)
        .with_for_update(skip_locked=True)  # somebody is using that one: they settle it
        .execution_options(populate_existing=True)
    ).all()
    if coupons:
        back(scope, coupons)
    return len(coupons)


def back(scope: Scope, coupons: Sequence[Coupon]) -> None:
    """Locked ones (by id) are what they were before, or in the stock again; in a few statements, however many there are."""
    kept = [coupon for coupon in coupons if coupon.claimed_at is None]
    used = _used_before(scope, [coupon.id for coupon in coupons if coupon.claimed_at is not None])
    to = {
        coupon.id: "void" if coupon.claimed_at is None else "reversed" if coupon.id in used else "claimed"
        for coupon in coupons
    }
    for state in sorted(set(to.values())):
        scope.session.execute(
            update(Coupon)
            .where(
                Coupon.brand_id == scope.brand.id,
                Coupon.id.in_([id_ for id_, one in to.items() if one == state]),
            )
            .values(state=state, held_until=None)
            .execution_options(synchronize_session=False)
        )
    scope.session.execute(
        insert(CouponChange),
        [
            {
                "brand_id": scope.brand.id,
                "id": id_,
                "coupon_id": coupon.id,
                "from_state": "held",
                "state": to[coupon.id],
                "at": scope.now,
                "actor_kind": scope.actor.kind,
                "actor_id": scope.actor.id,
                "detail": {"over": True} if over(coupon, scope.now) else {},
            }
            for coupon, id_ in zip(coupons, scope.new_ids(len(coupons)), strict=True)
        ],
    )
    if kept:
        return_to_stock(scope, kept)
    scope.session.expire_all()


def due(scope: Scope, brand_id: int) -> bool:
    """A hold of this brand is over."""
    found = exists().where(Coupon.brand_id == brand_id, Coupon.held_until <= scope.now)
    return bool(scope.session.scalar(select(found)))


def _hold(scope: Scope, coupon: Coupon, until: datetime, key: str) -> None:
    detail = {"until": until.isoformat()} | ({"key": key} if key else {})
    steps.move(scope, coupon, ("issued", "claimed", "held", "reversed"), "held", detail, held_until=until)


def _back(scope: Scope, coupon: Coupon) -> None:
    detail: dict[str, Any] = {"over": True} if over(coupon, scope.now) else {}
    if coupon.claimed_at is None:
        steps.move(scope, coupon, ("held",), "void", detail)
        return_to_stock(scope, [coupon])
    else:
        state = "reversed" if _used_before(scope, [coupon.id]) else "claimed"
        steps.move(scope, coupon, ("held",), state, detail)


def _used_before(scope: Scope, coupon_ids: Sequence[int]) -> set[int]:
    """Those that were used and given back: what they are again."""
    if not coupon_ids:
        return set()
    rows = scope.session.scalars(
        select(Redemption.coupon_id).where(
            Redemption.brand_id == scope.brand.id, Redemption.coupon_id.in_(coupon_ids)
        )
    )
    return set(rows)


def in_its_days(scope: Scope, last: date | None, until: datetime) -> datetime:
    """A moment, or the end of a coupon's last day in the brand's zone where that is sooner."""
    if last is None:
        return until
    ends = datetime.combine(last + timedelta(days=1), time(), ZoneInfo(scope.brand.timezone))
    return min(until, ends.astimezone(scope.now.tzinfo))
