"""Coupons that are kept for their members until a plugin says so (take.py, `until`): all of them come alive, or go back.

They are held under a key that nobody names (holds.WAITS), count against stock and limits, and cannot be used. If the plugin
says nothing, they go back by themselves at their moment (holds.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import CursorResult, insert, select, update

from webapp.coupons import holds, queries, steps
from webapp.coupons.models import Coupon, CouponChange, OfferTerms
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.scope import Scope

MOST = 200  # coupons a unit


def grant(scope: Scope, coupon_ids: Sequence[int]) -> list[Coupon] | Refused:
    """Their members' from now on, their days begin: all of them, or none and why. One that is its member's already stays so.

    Refused: void (taken away, or its moment has passed), expired; facts: coupon. Raises NotFound. Coupons come before
    counters: in a unit that gives coupons too, this is done first.
    """
    coupons = _locked(scope, coupon_ids)
    for coupon in coupons:
        state = queries.shown_state(coupon, scope.now, scope.today)
        if state in ("void", queries.EXPIRED):
            return Refused(state, {"coupon": coupon.id})
    by_day: dict[date | None, list[Coupon]] = {}
    known: dict[tuple[int, int], OfferTerms] = {}  # a team's coupons are of one offer
    for coupon in coupons:
        if coupon.claimed_at is None:
            version = coupon.offer_id, coupon.terms_version
            if version not in known:
                known[version] = queries.terms(scope, *version)
            by_day.setdefault(steps.last_day(scope, coupon, known[version]), []).append(coupon)
    for day, some in by_day.items():
        _claimed(scope, some, day)
    if not by_day:
        return coupons
    scope.session.expire_all()
    return _locked(scope, coupon_ids)  # all of them in one look


def _claimed(scope: Scope, coupons: list[Coupon], day: date | None) -> None:
    done = scope.session.execute(
        update(Coupon)
        .where(
            Coupon.brand_id == scope.brand.id,
            Coupon.id.in_([coupon.id for coupon in coupons]),
            Coupon.state.in_(("issued", "held")),
            Coupon.claimed_at.is_(None),
        )
        .values(state="claimed", claimed_at=scope.now, valid_until=day, held_until=None)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(done, CursorResult)
    if done.rowcount != len(coupons):
        raise RuntimeError("coupons that were locked have moved")
    scope.session.execute(
        insert(CouponChange),
        [
            {
                "brand_id": scope.brand.id,
                "id": id_,
                "coupon_id": coupon.id,
                "from_state": coupon.state,
                "state": "claimed",
                "at": scope.now,
                "actor_kind": scope.actor.kind,
                "actor_id": scope.actor.id,
                "detail": {},
            }
            for coupon, id_ in zip(coupons, scope.new_ids(len(coupons)), strict=True)
        ],
    )


def let_go(scope: Scope, coupon_ids: Sequence[int]) -> list[Coupon]:
    """Those that are only kept return to the stock and their persons' allowance now. Raises NotFound."""
    coupons = _locked(scope, coupon_ids)
    kept = [coupon for coupon in coupons if coupon.state == "held" and coupon.claimed_at is None]
    if kept:
        holds.back(scope, kept)
    return coupons


def _locked(scope: Scope, coupon_ids: Sequence[int]) -> list[Coupon]:
    wanted = sorted(set(coupon_ids))
    if len(wanted) > MOST:
        raise ValueError(f"at most {MOST} coupons at once")
    coupons = scope.session.scalars(
        select(Coupon)
        .where(Coupon.brand_id == scope.brand.id, Coupon.id.in_(wanted))
        .order_by(Coupon.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if len(coupons) != len(wanted):
        raise NotFound("coupon")
    return list(coupons)
