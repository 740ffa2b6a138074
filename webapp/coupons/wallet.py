"""A member's coupons, as they see them by their private link. The word in the link is that of their own page
(webapp.members.pages): one link entitles to both."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, not_, or_, select

from webapp.coupons import queries
from webapp.coupons.models import Coupon, Offer, OfferTerms
from webapp.kernel import links
from webapp.kernel.scope import Scope
from webapp.members import pages
from webapp.members.models import Member

MOST_USABLE = 200
PAGE = 20


@dataclass(frozen=True, slots=True)
class Kept:
    """A coupon in the wallet. state: as people see it today; lines: what it promises, None while its type is switched off."""

    coupon: Coupon
    offer: Offer
    state: str
    lines: list[str] | None


@dataclass(frozen=True, slots=True)
class Wallet:
    """usable: those that end first come first; past: used and over ones, the newest first; next: the id to go on after."""

    usable: list[Kept]
    past: list[Kept]
    next: int | None


def path(brand_id: int, member_id: int) -> str:
    """The address without the host."""
    return "/w/" + pages.token(brand_id, member_id)


def url(brand_id: int, member_id: int) -> str:
    """The whole address. Raises UserError in a process that was told no address."""
    return links.absolute(None, path(brand_id, member_id))


def of_member(scope: Scope, member: Member, locale: str, *, after: int | None = None) -> Wallet:
    """What the bearer of this member's link may see: all of the person's where this membership is the one that counts,
    else only what this very membership was given."""
    mine = Coupon.person_id == member.id if member.person_id == member.id else Coupon.member_id == member.id
    ended = or_(
        Coupon.state == "redeemed",
        and_(Coupon.valid_until.is_not(None), Coupon.valid_until < scope.today),
    )
    usable = (
        _rows(scope, mine, not_(ended))
        .order_by(Coupon.valid_until.is_(None), Coupon.valid_until, Coupon.id)
        .limit(MOST_USABLE)
    )
    past = _rows(scope, mine, ended).order_by(Coupon.id.desc()).limit(PAGE + 1)
    if after is not None:
        past = past.where(Coupon.id < after)
    older = _load(scope, past, locale)
    return Wallet(
        _load(scope, usable, locale), older[:PAGE], older[PAGE - 1].coupon.id if len(older) > PAGE else None
    )


def of_offer(scope: Scope, member_id: int, offer_id: int) -> Coupon | None:
    """The newest coupon of an offer that a member has, used ones too."""
    return scope.session.scalars(
        select(Coupon)
        .where(
            Coupon.brand_id == scope.brand.id,
            Coupon.member_id == member_id,
            Coupon.offer_id == offer_id,
            Coupon.state != "void",
            ~queries.lapsed(scope.now),
        )
        .order_by(Coupon.id.desc())
        .limit(1)
    ).first()


def _rows(scope: Scope, *where: ColumnElement[bool]) -> Select[Coupon, Offer, OfferTerms]:
    return (
        select(Coupon, Offer, OfferTerms)
        .join(Offer, queries.ITS_OFFER)
        .join(OfferTerms, queries.ITS_TERMS)
        .where(Coupon.brand_id == scope.brand.id, Coupon.state != "void", *where)
    )


def _load(scope: Scope, query: Select[Coupon, Offer, OfferTerms], locale: str) -> list[Kept]:
    found = [
        Kept(
            coupon,
            offer,
            queries.shown_state(coupon, scope.now, scope.today),
            queries.describe(scope, offer, terms, locale),
        )
        for coupon, offer, terms in scope.session.execute(query).all()
    ]
    return [one for one in found if one.state != "void"]  # kept for somebody who came too late
