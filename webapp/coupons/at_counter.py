"""Whom the counter may ask about: any member of the brand, by whole number or phone, and only what a counter needs."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from webapp.coupons import queries
from webapp.coupons.models import Coupon, Offer
from webapp.kernel.scope import Scope
from webapp.members import queries as members
from webapp.members.identities import mask_name

MOST = 20


@dataclass(frozen=True, slots=True)
class AtCounter:
    """A member as the counter sees them. name: masked. coupons: usable today, those that end first on top."""

    member_id: int
    store_id: int | None
    name: str
    coupons: list[tuple[Coupon, Offer, list[str] | None]]


def find(scope: Scope, typed: str, locale: str = "en") -> AtCounter | None:
    """The one member whom the whole number, phone or address names, whatever store is theirs. None: nobody."""
    member = members.find(scope, typed)
    if member is None:
        return None
    rows = scope.session.execute(
        select(Coupon, Offer)
        .join(Offer, (Offer.brand_id == Coupon.brand_id) & (Offer.id == Coupon.offer_id))
        .where(
            Coupon.brand_id == scope.brand.id,
            Coupon.person_id == member.person_id,
            queries.which("usable", scope.now, scope.today),
            Coupon.valid_from <= scope.today,
        )
        .order_by(Coupon.valid_until.is_(None), Coupon.valid_until, Coupon.id)
        .limit(MOST)
    )
    coupons = [
        (
            coupon,
            offer,
            queries.describe(scope, offer, queries.terms(scope, offer.id, coupon.terms_version), locale),
        )
        for coupon, offer in rows
    ]
    return AtCounter(member.id, member.store_id, mask_name(member.name), coupons)
