"""What redemptions promise: statements that name the rows that break it, registered in auditing.py."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from webapp.coupons.models import Coupon, CouponChange, Offer, Redemption
from webapp.coupons.models_counter import BasketReturn

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
    """Nothing is saved only where something is handed over instead, or a part of the basket came back."""
    wrong = or_(
        Redemption.saving_minor < 0,
        and_(Redemption.saving_minor == 0, Redemption.gift == "", Redemption.bought_minor.is_(None)),
        Redemption.saving_minor > Redemption.basket_minor,
    )
    return (select(Redemption.coupon_id.label("id")).where(Redemption.brand_id == brand, wrong),)


def returned(brand: int) -> tuple[Broken, ...]:
    """What stays is what the newest return left; it is no more, and saves no more, than what was bought; each return is
    within what there was, and pays back or leaves short, never both."""
    here = func.coalesce(Redemption.basket_id, Redemption.id)
    newest = (
        select(BasketReturn.first_id, func.max(BasketReturn.n).label("n"))
        .where(BasketReturn.brand_id == brand)
        .group_by(BasketReturn.first_id)
        .subquery()
    )
    left = (
        select(BasketReturn.first_id, BasketReturn.left_minor)
        .join(newest, and_(newest.c.first_id == BasketReturn.first_id, newest.c.n == BasketReturn.n))
        .where(BasketReturn.brand_id == brand)
        .subquery()
    )
    wrong = or_(
        Redemption.bought_minor.is_(None) != Redemption.first_saving_minor.is_(None),
        Redemption.basket_minor > Redemption.bought_minor,
        Redemption.saving_minor > Redemption.first_saving_minor,
        and_(Redemption.bought_minor.is_not(None), left.c.first_id.is_(None)),
        and_(Redemption.open_coupon_id.is_not(None), Redemption.basket_minor != left.c.left_minor),
    )
    never = or_(
        BasketReturn.left_minor < 0,
        BasketReturn.left_minor > BasketReturn.was_minor,
        BasketReturn.saves_minor > BasketReturn.left_minor,
        BasketReturn.back_minor < 0,
        BasketReturn.back_minor > BasketReturn.was_minor - BasketReturn.saved_minor,
        BasketReturn.short_minor < 0,
        and_(BasketReturn.back_minor > 0, BasketReturn.short_minor > 0),
    )
    first = and_(Redemption.brand_id == BasketReturn.brand_id, Redemption.id == BasketReturn.first_id)
    return (
        select(Redemption.coupon_id.label("id"))
        .outerjoin(left, left.c.first_id == here)
        .where(Redemption.brand_id == brand, wrong),
        select(Redemption.coupon_id.label("id"))
        .select_from(BasketReturn)
        .join(Redemption, first)
        .where(BasketReturn.brand_id == brand, never),
    )


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
