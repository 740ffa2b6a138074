"""One step of a coupon's way: the row locked, a conditional update whose count is checked, and its row in the history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import CursorResult, select, update

from webapp.coupons import queries
from webapp.coupons.models import Coupon, CouponChange, OfferTerms
from webapp.kernel.errors import NotFound
from webapp.kernel.scope import Scope


def locked(scope: Scope, coupon_id: int) -> Coupon:
    """The coupon as it stands, kept until the unit ends (SQLite's unit keeps everything already). Raises NotFound.

    Where a unit needs several, it takes them by id, so that two units wait for one another and never each for the other.
    """
    coupon = scope.session.scalars(
        select(Coupon)
        .where(Coupon.brand_id == scope.brand.id, Coupon.id == coupon_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if coupon is None:
        raise NotFound(f"coupon {coupon_id}")
    return coupon


def move(
    scope: Scope,
    coupon: Coupon,
    before: Sequence[str],
    state: str,
    detail: dict[str, Any] | None = None,
    **values: Any,
) -> None:
    """One transition. Whatever it was held for ends with it, unless `values` hold it anew."""
    was = coupon.state
    done = scope.session.execute(
        update(Coupon)
        .where(Coupon.brand_id == scope.brand.id, Coupon.id == coupon.id, Coupon.state.in_(before))
        .values(state=state, **{"held_until": None} | values)
        .execution_options(synchronize_session=False)
    )
    once_only(done, f"coupon {coupon.id}: {was} -> {state}")
    scope.session.refresh(coupon)
    scope.session.add(
        CouponChange(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            coupon_id=coupon.id,
            from_state=was,
            state=state,
            at=scope.now,
            actor_kind=scope.actor.kind,
            actor_id=scope.actor.id,
            detail=detail or {},
        )
    )
    scope.session.flush()


def claimed(scope: Scope, coupon: Coupon) -> None:
    """The member takes a coupon that was given, or kept for them: its days begin."""
    terms = queries.terms(scope, coupon.offer_id, coupon.terms_version)
    ends = last_day(scope, coupon, terms)
    move(scope, coupon, ("issued", "held"), "claimed", claimed_at=scope.now, valid_until=ends)


def last_day(scope: Scope, coupon: Coupon, terms: OfferTerms) -> date | None:
    """Of a coupon that is claimed today."""
    ends = coupon.valid_until
    if terms.valid_days is not None:
        # The day of the claim is the first; before the window opens, its first day is.
        counted = max(scope.today, coupon.valid_from) + timedelta(days=terms.valid_days - 1)
        ends = min(counted, ends) if ends is not None else counted
    return ends


def once_only(done: Any, what: str) -> None:
    """Exactly one row was changed, or this is a fault and all is rolled back."""
    assert isinstance(done, CursorResult)
    if done.rowcount != 1:
        raise RuntimeError(f"{what} was moved by somebody else")
