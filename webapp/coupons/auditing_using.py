"""What redemptions promise: statements that name the rows that break it, registered in auditing.py."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from webapp.coupons.models import Coupon, CouponChange, Offer, Redemption

Broken = Select[Any]  # of the ids that break a promise, in a column named id


def _standing() -> Any:
    return exists().where(Redemption.brand_id == Coupon.brand_id, Redemption.open_coupon_id == Coupon.id)


def used_without(brand: int) -> tuple[Broken, ...]:
    return (select(Coupon.id).where(Coupon.brand_id == brand, Coupon.state == "redeemed", ~_standing()),)


def standing_unused(brand: int) -> tuple[Broken, ...]:
    return (select(Coupon.id).where(Coupon.brand_id == brand, Coupon.state != "redeemed", _standing()),)


def redemption_whole(brand: int) -> tuple[Broken, ...]:
    stands = Redemption.open_coupon_id.is_not(None)
    undone = and_(Redemption.reversed_at.is_not(None), Redemption.reversed_by.is_not(None))
    untouched = and_(Redemption.reversed_at.is_(None), Redemption.reversed_by.is_(None))
    wrong = or_(
        and_(stands, or_(~untouched, Redemption.open_coupon_id != Redemption.coupon_id)),
        and_(~stands, ~undone),
    )
    return (select(Redemption.coupon_id.label("id")).where(Redemption.brand_id == brand, wrong),)


def redemption_recorded(brand: int) -> tuple[Broken, ...]:
    def steps(*which: ColumnElement[bool]) -> Any:
        return (
            select(func.count())
            .select_from(CouponChange)
            .where(
                CouponChange.brand_id == Coupon.brand_id,
                CouponChange.coupon_id == Coupon.id,
                *which,
            )
            .correlate(Coupon)
            .scalar_subquery()
        )

    def rows(*where: ColumnElement[bool]) -> Any:
        return (
            select(func.count())
            .select_from(Redemption)
            .where(Redemption.brand_id == Coupon.brand_id, Redemption.coupon_id == Coupon.id, *where)
            .correlate(Coupon)
            .scalar_subquery()
        )

    used, undone = CouponChange.state == "redeemed", CouponChange.from_state == "redeemed"
    wrong = or_(rows() != steps(used), rows(Redemption.open_coupon_id.is_(None)) != steps(undone))
    return (select(Coupon.id).where(Coupon.brand_id == brand, wrong),)


def saving(brand: int) -> tuple[Broken, ...]:
    """Nothing is saved only where something is handed over instead."""
    wrong = or_(
        Redemption.saving_minor < 0,
        and_(Redemption.saving_minor == 0, Redemption.gift == ""),
        Redemption.saving_minor > Redemption.basket_minor,
    )
    return (select(Redemption.coupon_id.label("id")).where(Redemption.brand_id == brand, wrong),)


def budget_counted(brand: int) -> tuple[Broken, ...]:
    """Counted whether the offer has a budget or not, so that one may be set at any time."""
    sums = (
        select(Coupon.offer_id, func.sum(Redemption.saving_minor).label("saved"))
        .join(
            Redemption,
            and_(Redemption.brand_id == Coupon.brand_id, Redemption.open_coupon_id == Coupon.id),
        )
        .where(Coupon.brand_id == brand)
        .group_by(Coupon.offer_id)
        .subquery()
    )
    wrong = Offer.saved_minor != func.coalesce(sums.c.saved, 0)
    return (
        select(Offer.id).outerjoin(sums, sums.c.offer_id == Offer.id).where(Offer.brand_id == brand, wrong),
    )


def budget_kept(brand: int) -> tuple[Broken, ...]:
    """A budget that is lowered is never set below what is saved already."""
    return (select(Offer.id).where(Offer.brand_id == brand, Offer.saved_minor > Offer.budget_minor),)
