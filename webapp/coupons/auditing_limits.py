"""The promises of auditing.py about the counters of days and codes: what they say is what the coupons say."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Select, String, and_, cast, exists, func, or_, select

from webapp.coupons.issue import BY_CODE
from webapp.coupons.models import Coupon, CouponChange, OfferCode, OfferDay

Broken = Select[Any]
ID_DIGITS = 19  # of the code's id in an occurrence (take.py)


def day_counted(brand: int) -> tuple[Broken, ...]:
    """A coupon that was counted on a day says so in the first step of its history."""
    counted = (
        select(Coupon.offer_id, CouponChange.detail["day"].as_string().label("day"))
        .join(
            CouponChange, and_(CouponChange.brand_id == Coupon.brand_id, CouponChange.coupon_id == Coupon.id)
        )
        .where(Coupon.brand_id == brand, Coupon.state != "void", CouponChange.from_state.is_(None))
        .subquery()
    )
    counts = (
        select(counted.c.offer_id, counted.c.day, func.count().label("n"))
        .where(counted.c.day.is_not(None))
        .group_by(counted.c.offer_id, counted.c.day)
        .subquery()
    )
    same = and_(OfferDay.offer_id == counts.c.offer_id, cast(OfferDay.day, String) == counts.c.day)
    return (
        select(OfferDay.offer_id.label("id"))
        .outerjoin(counts, same)
        .where(OfferDay.brand_id == brand, OfferDay.used != func.coalesce(counts.c.n, 0)),
        select(counts.c.offer_id.label("id")).where(~exists().where(OfferDay.brand_id == brand, same)),
    )


def _by_code(brand: int) -> Any:
    """The coupons that a code brought, with the code's id."""
    return (
        select(
            Coupon.offer_id,
            Coupon.state,
            cast(func.substr(Coupon.occurrence, len(BY_CODE) + 1, ID_DIGITS), BigInteger).label("code_id"),
        )
        .where(Coupon.brand_id == brand, Coupon.occurrence.like(f"{BY_CODE}%"))
        .subquery()
    )


def code_counted(brand: int) -> tuple[Broken, ...]:
    """A code has brought as many coupons as it says, all of its own offer."""
    brought = _by_code(brand)
    counts = (
        select(brought.c.code_id, func.count().label("n"))
        .where(brought.c.state != "void")
        .group_by(brought.c.code_id)
        .subquery()
    )
    known = exists().where(
        OfferCode.brand_id == brand,
        OfferCode.id == brought.c.code_id,
        OfferCode.offer_id == brought.c.offer_id,
    )
    return (
        select(OfferCode.offer_id.label("id"))
        .outerjoin(counts, counts.c.code_id == OfferCode.id)
        .where(OfferCode.brand_id == brand, OfferCode.used != func.coalesce(counts.c.n, 0)),
        select(brought.c.offer_id.label("id")).where(~known),
    )


def code_kept(brand: int) -> tuple[Broken, ...]:
    """The database refuses it, too; a check that was lost would be seen here."""
    wrong = or_(OfferCode.used > OfferCode.most, OfferCode.used < 0)
    return (select(OfferCode.offer_id.label("id")).where(OfferCode.brand_id == brand, wrong),)
