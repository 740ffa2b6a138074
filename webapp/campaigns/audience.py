"""Whom a campaign reaches, and who of its audience is left out and why. The same SQL counts, shows and lays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, case, exists, false, func, literal, null, select

from webapp.campaigns import queries
from webapp.campaigns.models import Campaign
from webapp.coupons import counters
from webapp.coupons import queries as coupons
from webapp.coupons.models import Offer, OfferAllowance
from webapp.groups import fields as groups  # noqa: F401  registers the group as a field of rules
from webapp.kernel.scope import Scope
from webapp.lifecycle import fields  # noqa: F401  registers the stage as a field of rules
from webapp.members.models import ConsentNow, Member, MemberIdentity
from webapp.orders.models import Order
from webapp.plugin_runtime import calls
from webapp.segments import compile as segments
from webapp.segments import rules
from webapp.segments.rules import Rule

# Why a member of the audience gets nothing, in the order in which it is looked at: the first that holds counts.
NO_ADDRESS = "no_address"
NO_CONSENT = "no_consent"
ORDERED = "ordered_since"
NOT_FOR_THEM = "not_for_them"  # the offer is for other members
COUPON_LIMIT = "coupon_limit"  # has had as many of the offer's coupons as a person may
NO_COUPON = "no_coupon"  # the stock is used up
DAY_LIMIT = "day_limit"  # what the offer gives on a day is given
NO_OFFER = "no_offer"  # the offer gave nobody a coupon: closed, over, outside its window, its plugin off
RECIPIENT = "recipient"  # the identity of a channel that is told who is meant: "member:17"


class Person(NamedTuple):
    """A member of the audience. reason: why left out, None: to be written to."""

    member_id: int
    person_id: int
    draw: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Counted:
    """An audience, counted now: all of it = reached + everyone in left_out."""

    total: int = 0
    reached: int = 0
    left_out: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Aim:
    """What laying, counting and previewing need to know of a campaign. who: what must hold of a Member to whom the offer
    gives a coupon; left_today: how many it gives on this day yet, None: no limit."""

    rule: Rule
    day: date
    channel: str
    identity: str
    purpose: str
    offer: Offer | None
    who: tuple[ColumnElement[bool], ...] = ()
    left_today: int | None = None


def aim(scope: Scope, campaign: Campaign) -> Aim:
    """Of a campaign as it stands. A channel that is gone reaches nobody (identity blank)."""
    bound = calls.channel(scope, campaign.channel)
    offer = coupons.offer(scope, campaign.offer_id) if campaign.offer_id else None
    return Aim(
        queries.rule(queries.version(scope, campaign)),
        queries.day_of(scope, campaign),
        campaign.channel,
        bound.impl.identity if bound else "",
        campaign.purpose,
        offer,
        _who(scope, offer),
        None
        if offer is None or offer.per_day is None
        else counters.left_on(scope, offer.id, offer.per_day, scope.today),
    )


def _who(scope: Scope, offer: Offer | None) -> tuple[ColumnElement[bool], ...]:
    """As giving asks (coupons.who): as of today, and nobody where the rule cannot be read."""
    if offer is None or offer.who is None:
        return ()
    try:
        return tuple(segments.conditions(scope, rules.load(offer.who), scope.today))
    except rules.BadRule:
        return (false(),)


def of_refusal(code: str) -> str:
    """Why a member is left out to whom the offer gave no coupon."""
    return {
        "sold_out": NO_COUPON,
        "per_person": COUPON_LIMIT,
        "per_day": DAY_LIMIT,
        "not_for_you": NOT_FOR_THEM,
    }.get(code, NO_OFFER)


def ordered_since(day: date) -> ColumnElement[bool]:
    """Has the Member ordered on `day` or after? The audience, as of that day, does not know of it yet."""
    return exists().where(
        Order.brand_id == Member.brand_id, Order.person_id == Member.id, Order.ordered_on >= day
    )


def reason(at: Aim) -> ColumnElement[str | None]:
    """Why a Member is left out; NULL for those to be written to. Stock is not in it: it is counted."""
    address = exists().where(
        MemberIdentity.brand_id == Member.brand_id,
        MemberIdentity.member_id == Member.id,
        MemberIdentity.kind == at.identity,
    )
    consent = exists().where(
        ConsentNow.brand_id == Member.brand_id,
        ConsentNow.member_id == Member.id,
        ConsentNow.channel == at.channel,
        ConsentNow.purpose == at.purpose,
        ConsentNow.granted.is_(True),
    )
    tests: list[tuple[ColumnElement[bool], ColumnElement[str]]] = [(~consent, literal(NO_CONSENT))]
    if at.identity != RECIPIENT:  # told who is meant, a channel needs no address
        tests.insert(0, (~address, literal(NO_ADDRESS)))
    if queries.wins_back(at.rule):
        tests.append((ordered_since(at.day), literal(ORDERED)))
    if at.who:
        fits = func.coalesce(and_(*at.who), false())  # a condition on what is not known holds for nobody
        tests.append((~fits, literal(NOT_FOR_THEM)))
    if at.offer is not None:
        had = exists().where(
            OfferAllowance.brand_id == Member.brand_id,
            OfferAllowance.offer_id == at.offer.id,
            OfferAllowance.person_id == Member.id,
            OfferAllowance.used >= at.offer.per_person,
        )
        tests.append((had, literal(COUPON_LIMIT)))
    return case(*tests, else_=null())


def count(scope: Scope, at: Aim) -> Counted:
    """Everyone, by what would happen to them if it were sent now."""
    each = (
        select(reason(at).label("reason"))
        .select_from(Member)
        .where(*segments.conditions(scope, at.rule, at.day))
        .subquery()
    )
    rows = scope.session.execute(select(each.c.reason, func.count()).group_by(each.c.reason))
    by_reason: dict[str | None, int] = dict(rows.all())
    reached = by_reason.pop(None, 0)
    left_out = {
        why: by_reason[why]
        for why in (NO_ADDRESS, NO_CONSENT, ORDERED, NOT_FOR_THEM, COUPON_LIMIT)
        if by_reason.get(why)
    }
    total = reached + sum(left_out.values())
    stock = left_in_stock(at)
    if stock is not None and stock < reached:
        left_out[NO_COUPON] = reached - stock
        reached = stock
    if at.left_today is not None and at.left_today < reached:
        left_out[DAY_LIMIT] = reached - at.left_today
        reached = at.left_today
    return Counted(total, reached, left_out)


def left_in_stock(at: Aim) -> int | None:
    """How many coupons the offer still has; None: no offer, or no limit."""
    if at.offer is None or at.offer.stock is None:
        return None
    return max(0, at.offer.stock - at.offer.issued)


def chunk(scope: Scope, at: Aim, after: int, limit: int) -> list[Person]:
    """The next members of the audience by id."""
    rows = scope.session.execute(
        select(Member.id, Member.person_id, Member.draw, reason(at))
        .where(*segments.conditions(scope, at.rule, at.day), Member.id > after)
        .order_by(Member.id)
        .limit(limit)
    )
    return [Person(*row) for row in rows]


def neighbours(scope: Scope, at: Aim, member_id: int) -> tuple[int | None, int | None]:
    """Those before and after a member among the ones who would be written to, for the preview."""
    reached = (*segments.conditions(scope, at.rule, at.day), reason(at).is_(None))
    before = scope.session.scalar(
        select(Member.id).where(*reached, Member.id < member_id).order_by(Member.id.desc()).limit(1)
    )
    after = scope.session.scalar(
        select(Member.id).where(*reached, Member.id > member_id).order_by(Member.id).limit(1)
    )
    return before, after


def some(scope: Scope, at: Aim, limit: int = 1) -> Sequence[int]:
    """The first ones who would be written to."""
    return scope.session.scalars(
        select(Member.id)
        .where(*segments.conditions(scope, at.rule, at.day), reason(at).is_(None))
        .order_by(Member.id)
        .limit(limit)
    ).all()
