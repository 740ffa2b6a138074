"""Reading offers, coupons and redemptions; figures.py counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, true
from sqlalchemy.orm import Session

from webapp.coupons.models import Coupon, CouponChange, Offer, OfferTerms, Redemption
from webapp.kernel import money, secrets
from webapp.kernel.errors import NotFound
from webapp.kernel.reach import within
from webapp.kernel.scope import Scope
from webapp.members.models import Member
from webapp.orders.models import Order
from webapp.plugin_runtime import calls
from webapp.plugin_runtime.runtime import registry
from webapp.plugin_runtime.words import words
from webapp.staff.models import Staff

# States in which a coupon can be used, given its days and, while it is held, its time.
USABLE = ("issued", "claimed", "held", "reversed")
EXPIRED = "expired"  # shown, never stored
PAGE = 50
# Joins from a coupon: its offer, and the terms that it was given with, whatever the offer says now.
ITS_OFFER = and_(Offer.brand_id == Coupon.brand_id, Offer.id == Coupon.offer_id)
ITS_TERMS = and_(
    OfferTerms.brand_id == Coupon.brand_id,
    OfferTerms.offer_id == Coupon.offer_id,
    OfferTerms.version == Coupon.terms_version,
)


def coupon_path(token: str) -> str:
    """The path of a member's page; kernel.links.absolute makes it an address."""
    return f"/c/{token}"


def standing() -> ColumnElement[bool]:
    """A redemption that has not been undone."""
    return Redemption.open_coupon_id.is_not(None)


def expired(today: date) -> ColumnElement[bool]:
    """Usable by its state, but its last day has passed."""
    return and_(Coupon.state.in_(USABLE), Coupon.valid_until < today)


def _hold_over(now: datetime) -> ColumnElement[bool]:
    return and_(Coupon.state == "held", Coupon.held_until <= now)


def lapsed(now: datetime) -> ColumnElement[bool]:
    """It was kept for somebody who did not come: on its way back to the stock."""
    return and_(_hold_over(now), Coupon.claimed_at.is_(None))


def state_on(now: datetime, today: date) -> ColumnElement[str]:
    """A coupon's state as people see it at a moment: a hold that is over is what it goes back to (holds.py)."""
    return case(
        (lapsed(now), "void"), (expired(today), EXPIRED), (_hold_over(now), "claimed"), else_=Coupon.state
    )


def shown_state(coupon: Coupon, now: datetime, today: date) -> str:
    """The same for a loaded row."""
    over = coupon.state == "held" and coupon.held_until is not None and coupon.held_until <= now
    if over and coupon.claimed_at is None:
        return "void"
    if coupon.state in USABLE and coupon.valid_until is not None and coupon.valid_until < today:
        return EXPIRED
    return "claimed" if over else coupon.state


# ---------------------------------------------------------------------------------------------------------------- offers


def offer(scope: Scope, offer_id: int) -> Offer:
    """By id, as it is now. Raises NotFound."""
    found = scope.session.get(Offer, (scope.brand.id, offer_id))
    if found is None:
        raise NotFound(f"offer {offer_id}")
    return found


def offer_by_code(scope: Scope, code: str) -> Offer | None:
    """By its code."""
    return scope.session.scalars(
        select(Offer).where(Offer.brand_id == scope.brand.id, Offer.code == code)
    ).one_or_none()


def terms(scope: Scope, offer_id: int, version: int) -> OfferTerms:
    """One version of what an offer promises. Raises NotFound."""
    found = scope.session.scalars(
        select(OfferTerms).where(
            OfferTerms.brand_id == scope.brand.id,
            OfferTerms.offer_id == offer_id,
            OfferTerms.version == version,
        )
    ).one_or_none()
    if found is None:
        raise NotFound(f"terms {version} of offer {offer_id}")
    return found


def with_terms() -> Select[Offer, OfferTerms]:
    """Offers beside their current terms, of whatever brand: the caller fences."""
    return select(Offer, OfferTerms).join(
        OfferTerms,
        and_(
            OfferTerms.brand_id == Offer.brand_id,
            OfferTerms.offer_id == Offer.id,
            OfferTerms.version == Offer.terms_version,
        ),
    )


def offers(scope: Scope, *, state: str | None = None) -> list[tuple[Offer, OfferTerms]]:
    """Every offer with its current terms, newest first."""
    where = [Offer.brand_id == scope.brand.id]
    if state is not None:
        where.append(Offer.state == state)
    rows = scope.session.execute(with_terms().where(*where).order_by(Offer.id.desc())).all()
    return [(found, version) for found, version in rows]


def giveable(found: Offer) -> bool:
    """Staff, campaigns and codes can give its coupons: they are not for its own page alone (CouponType.own_page)."""
    _plugin, kind = registry().coupon_types.get(found.type_key, ("", None))
    return kind is None or not kind.own_page


def to_choose(scope: Scope, chosen: int | None = None) -> list[tuple[int, str]]:
    """(id, name) of open offers whose coupons can be given, newest first; and of the one that is chosen already."""
    return [
        (found.id, found.name)
        for found, _version in offers(scope)
        if (found.state == "open" and giveable(found)) or found.id == chosen
    ]


def describe(
    scope: Scope, found: Offer, version: OfferTerms, locale: str, *, staff: bool = False
) -> list[str] | None:
    """What the offer promises, in sentences of a language; None while its coupon type is not there (it is parked). staff:
    with what its type says to staff alone."""
    bound = calls.coupon_type(scope, found.type_key)
    if bound is None:
        return None

    def show(minor: int) -> str:
        return money.show(minor, scope.brand.currency, locale)

    say = words(bound.plugin, locale)

    def sentences() -> list[str]:
        more = bound.impl.for_staff(version.terms, show, say) if staff else []
        return [*bound.impl.describe(version.terms, show, say), *more]

    lines = calls.decide(bound.plugin, sentences)
    return lines if isinstance(lines, list) else None


def type_label(scope: Scope, type_key: str, locale: str) -> str:
    """What the coupon type is called; its key while it is not there."""
    bound = calls.coupon_type(scope, type_key)
    return words(bound.plugin, locale)(bound.impl.label) if bound else type_key


# ----------------------------------------------------------------------------------------------------- whose, and how many


def in_reach(scope: Scope) -> ColumnElement[bool]:
    """Coupons of the members whom the actor's stores reach."""
    if scope.actor.stores is None:
        return true()
    mine = select(Member.id).where(Member.brand_id == scope.brand.id, within(scope, Member.store_id))
    return Coupon.member_id.in_(mine)


def coupons_by_state(scope: Scope) -> dict[str, int]:
    """state as people see it today -> how many coupons of the brand."""
    state = state_on(scope.now, scope.today)
    rows: Sequence[Any] = scope.session.execute(
        select(state, func.count()).where(Coupon.brand_id == scope.brand.id, in_reach(scope)).group_by(state)
    ).all()
    return dict(rows)


# --------------------------------------------------------------------------------------------- the rows behind a figure

# Which rows a figure opens to; the keys stand in addresses.
WHICH = ("all", "issued", "claimed", "redeemed", "usable", "expired", "void")


def which(name: str, now: datetime, today: date) -> ColumnElement[bool]:
    """The condition on Coupon of a key of WHICH, as figures.CouponFigures counts."""
    conditions: dict[str, ColumnElement[bool]] = {
        "all": true(),
        "issued": Coupon.state != "void",
        "claimed": and_(Coupon.claimed_at.is_not(None), Coupon.state != "void"),
        "redeemed": Coupon.state == "redeemed",
        "usable": and_(
            Coupon.state.in_(USABLE),
            ~lapsed(now),
            or_(Coupon.valid_until.is_(None), Coupon.valid_until >= today),
        ),
        "expired": expired(today),
        "void": Coupon.state == "void",
    }
    return conditions[name]


@dataclass(frozen=True, slots=True)
class CouponRow:
    """A coupon in a list: whose (number, no personal data), what it is today, and what it saved where it was used."""

    coupon: Coupon
    offer_name: str
    member_number: str
    state: str
    redemption: Redemption | None
    order_number: str | None
    paid_minor: int | None


@dataclass(frozen=True, slots=True)
class CouponPage:
    """Some coupons, newest first. next: the id to continue after, None at the end."""

    rows: list[CouponRow]
    next: int | None


def coupons(
    scope: Scope,
    *,
    offer_id: int | None = None,
    campaign_id: int | None = None,
    person_id: int | None = None,
    show: str = "all",
    among: ColumnElement[bool] | None = None,
    after: int | None = None,
    limit: int = PAGE,
) -> CouponPage:
    """The rows behind a figure of an offer, a campaign or a person: `show` is a key of WHICH, `among` of figures.behind."""
    where = [Coupon.brand_id == scope.brand.id, in_reach(scope), which(show, scope.now, scope.today)]
    for column, value in (
        (Coupon.offer_id, offer_id),
        (Coupon.campaign_id, campaign_id),
        (Coupon.person_id, person_id),
    ):
        if value is not None:
            where.append(column == value)
    if among is not None:
        where.append(among)
    if after is not None:
        where.append(Coupon.id < after)
    query = _rows().where(*where).order_by(Coupon.id.desc()).limit(limit + 1)
    found = [_row(scope, *row) for row in scope.session.execute(query).all()]
    rows = found[:limit]
    return CouponPage(rows, rows[-1].coupon.id if len(found) > limit else None)


def coupon_row(scope: Scope, coupon_id: int) -> CouponRow:
    """One coupon as lists show it. Raises NotFound."""
    row = scope.session.execute(
        _rows().where(Coupon.brand_id == scope.brand.id, Coupon.id == coupon_id, in_reach(scope))
    ).one_or_none()
    if row is None:
        raise NotFound(f"coupon {coupon_id}")
    return _row(scope, *row)


def _rows() -> Select[*tuple[Any, ...]]:
    return (
        select(Coupon, Offer.name, Member.number, Redemption, Order.number, Order.paid_minor)
        .join(Offer, ITS_OFFER)
        .join(Member, and_(Member.brand_id == Coupon.brand_id, Member.id == Coupon.member_id))
        .outerjoin(
            Redemption, and_(Redemption.brand_id == Coupon.brand_id, Redemption.open_coupon_id == Coupon.id)
        )
        .outerjoin(Order, and_(Order.brand_id == Redemption.brand_id, Order.id == Redemption.order_id))
    )


def _row(
    scope: Scope, coupon: Coupon, offer_name: str, number: str, used: Redemption | None, *order: Any
) -> CouponRow:
    return CouponRow(coupon, offer_name, number, shown_state(coupon, scope.now, scope.today), used, *order)


# --------------------------------------------------------------------------------------------------------- one coupon


def by_token(session: Session, token: str) -> Coupon | None:
    """The coupon of a member's page; the word itself names the brand."""
    brand_id = secrets.brand_of(token) if len(token) <= 40 else None
    if brand_id is None:
        return None
    return session.scalars(
        select(Coupon).where(Coupon.brand_id == brand_id, Coupon.token == token)
    ).one_or_none()


def by_code(scope: Scope, code: str) -> Coupon | None:
    """The coupon of a code as stored (secrets.read_code)."""
    return scope.session.scalars(
        select(Coupon).where(Coupon.brand_id == scope.brand.id, Coupon.code == code)
    ).one_or_none()


def history(scope: Scope, coupon_id: int) -> list[tuple[CouponChange, str]]:
    """Every transition of a coupon with the name of the staff member who made it (blank: nobody of the staff)."""
    rows = scope.session.execute(
        select(CouponChange, Staff.name, Staff.email)
        .outerjoin(Staff, and_(CouponChange.actor_kind == "staff", Staff.id == CouponChange.actor_id))
        .where(CouponChange.brand_id == scope.brand.id, CouponChange.coupon_id == coupon_id)
        .order_by(CouponChange.id)
    ).all()
    return [(change, name or email or "") for change, name, email in rows]
