"""Reading redemptions: what was used where, by whom, and the totals of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, func, select

from webapp.brands.models import Store
from webapp.coupons.models import Coupon, Offer, Redemption
from webapp.coupons.queries import standing
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


def of_day(scope: Scope, day: date, *, store_id: int | None = None, limit: int = 10) -> list[RedemptionRow]:
    """The newest redemptions of a local day, undone ones too; of one store, or of all that the actor reaches."""
    query = _redemptions(scope).where(Redemption.redeemed_on == day, within(scope, Redemption.store_id))
    if store_id is not None:
        query = query.where(Redemption.store_id == store_id)
    rows = scope.session.execute(
        query.order_by(Redemption.redeemed_at.desc(), Redemption.id.desc()).limit(limit)
    )
    return [_redemption_row(*row) for row in rows]


def day_total(scope: Scope, day: date, *, store_id: int | None = None) -> tuple[int, int]:
    """(redemptions that stand, what they saved) of a local day."""
    where = [
        Redemption.brand_id == scope.brand.id,
        Redemption.redeemed_on == day,
        within(scope, Redemption.store_id),
        standing(),
    ]
    if store_id is not None:
        where.append(Redemption.store_id == store_id)
    count, saved = scope.session.execute(
        select(func.count(), func.coalesce(func.sum(Redemption.saving_minor), 0)).where(*where)
    ).one()
    return count, int(saved)


def _redemptions(scope: Scope) -> Select[*tuple[Any, ...]]:
    return (
        select(Redemption, Coupon, Offer.name, Store.name, Staff.name, Staff.email, Order.number)
        .join(Coupon, and_(Coupon.brand_id == Redemption.brand_id, Coupon.id == Redemption.coupon_id))
        .join(Offer, and_(Offer.brand_id == Coupon.brand_id, Offer.id == Coupon.offer_id))
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
