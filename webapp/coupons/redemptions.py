"""Reading redemptions: what was used where, by whom, and the totals of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from webapp.brands.models import Store
from webapp.coupons.models import Coupon, Offer, Redemption
from webapp.coupons.queries import ITS_OFFER, standing
from webapp.kernel.errors import NotFound
from webapp.kernel.reach import within
from webapp.kernel.scope import Scope
from webapp.orders.models import Order
from webapp.staff.models import Staff


@dataclass(frozen=True, slots=True)
class RedemptionRow:
    """A redemption with what the counter shows of it. clerk: who did it; store: blank where none was said."""

    redemption: Redemption
    coupon: Coupon
    offer_name: str
    store: str
    clerk: str
    order_number: str | None


def get(scope: Scope, redemption_id: int) -> RedemptionRow:
    """By id. Raises NotFound."""
    row = scope.session.execute(_redemptions(scope).where(Redemption.id == redemption_id)).one_or_none()
    if row is None:
        raise NotFound(f"redemption {redemption_id}")
    return _redemption_row(*row)


def standing_of(scope: Scope, coupon_id: int) -> RedemptionRow | None:
    """Where and when a redeemed coupon was used."""
    row = scope.session.execute(
        _redemptions(scope).where(Redemption.open_coupon_id == coupon_id)
    ).one_or_none()
    return _redemption_row(*row) if row else None


def of_basket(scope: Scope, basket_id: int) -> list[RedemptionRow]:
    """Those that were used together, undone ones too, in the order in which they were reckoned."""
    rows = scope.session.execute(
        _redemptions(scope).where(Redemption.basket_id == basket_id).order_by(Redemption.id)
    )
    return [_redemption_row(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class ClerkDay:
    """What one clerk did on a day. used, saved_minor: of redemptions that stand; undone: of those that do not."""

    clerk: str
    used: int
    saved_minor: int
    undone: int


def whose(scope: Scope) -> int | None:
    """Whose redemptions the actor sees in lists: their own, unless they oversee the counter (None: everybody's)."""
    if scope.actor.kind != "staff" or scope.actor.can("counter.oversee"):
        return None
    return scope.actor.id


def of_day(scope: Scope, day: date, *, store_id: int | None = None, limit: int = 10) -> list[RedemptionRow]:
    """The newest redemptions of a local day that the actor may see, undone ones too; of one store, or of all in reach."""
    rows = scope.session.execute(
        _redemptions(scope)
        .where(*_of_day(scope, day, store_id))
        .order_by(Redemption.redeemed_at.desc(), Redemption.id.desc())
        .limit(limit)
    )
    return [_redemption_row(*row) for row in rows]


def day_total(scope: Scope, day: date, *, store_id: int | None = None) -> tuple[int, int]:
    """(redemptions that stand, what they saved) of a local day, as far as the actor may see them."""
    count, saved = scope.session.execute(
        select(func.count(), func.coalesce(func.sum(Redemption.saving_minor), 0)).where(
            Redemption.brand_id == scope.brand.id, *_of_day(scope, day, store_id), standing()
        )
    ).one()
    return count, int(saved)


def by_clerk(scope: Scope, day: date) -> list[ClerkDay]:
    """A local day of the stores in reach, by who stood at the counter; most first."""
    stands = case((standing(), 1), else_=0)
    used = func.sum(stands)
    rows = scope.session.execute(
        select(
            func.max(Staff.name),
            func.max(Staff.email),
            used,
            func.sum(stands * Redemption.saving_minor),
            func.count(),
        )
        .select_from(Redemption)
        .outerjoin(Staff, Staff.id == Redemption.staff_id)
        .where(Redemption.brand_id == scope.brand.id, *_of_day(scope, day, None))
        .group_by(Redemption.staff_id)
        .order_by(used.desc(), Redemption.staff_id)
    )
    return [
        ClerkDay(name or email or "", int(n), int(saved), int(rows_) - int(n))
        for name, email, n, saved, rows_ in rows
    ]


def _of_day(scope: Scope, day: date, store_id: int | None) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [Redemption.redeemed_on == day, within(scope, Redemption.store_id)]
    if store_id is not None:
        where.append(Redemption.store_id == store_id)
    if (staff_id := whose(scope)) is not None:
        where.append(Redemption.staff_id == staff_id)
    return where


def _redemptions(scope: Scope) -> Select[*tuple[Any, ...]]:
    return (
        select(Redemption, Coupon, Offer.name, Store.name, Staff.name, Staff.email, Order.number)
        .join(Coupon, and_(Coupon.brand_id == Redemption.brand_id, Coupon.id == Redemption.coupon_id))
        .join(Offer, ITS_OFFER)
        .outerjoin(Store, and_(Store.brand_id == Redemption.brand_id, Store.id == Redemption.store_id))
        .outerjoin(Staff, Staff.id == Redemption.staff_id)
        .outerjoin(Order, and_(Order.brand_id == Redemption.brand_id, Order.id == Redemption.order_id))
        .where(Redemption.brand_id == scope.brand.id)
    )


def _redemption_row(
    used: Redemption,
    coupon: Coupon,
    name: str,
    store: str | None,
    clerk: str | None,
    email: str | None,
    order: str | None,
) -> RedemptionRow:
    return RedemptionRow(used, coupon, name, store or "", clerk or email or "", order)
