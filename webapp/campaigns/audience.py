"""Whom a campaign reaches, and who of its audience is left out and why. The same SQL counts, shows and lays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, exists, false, func, literal, null, select

from webapp.campaigns import queries
from webapp.campaigns.models import Campaign
from webapp.coupons import counters
from webapp.coupons import queries as coupons
from webapp.coupons.models import Offer, OfferAllowance
from webapp.groups import fields as groups  # noqa: F401  registers the group as a field of rules
from webapp.kernel.scope import Scope
from webapp.lifecycle import fields  # noqa: F401  registers the stage as a field of rules
from webapp.matrix import queries as matrices
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
NO_ROW = "no_row"  # no row of the matrix fits that has an offer which gives coupons
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
    """An audience, counted now: all of it = reached + everyone in left_out. by_offer: how many of those reached get a coupon
    of which offer, by its id."""

    total: int = 0
    reached: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    by_offer: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gift:
    """An offer that a campaign gives coupons of. fits: what must hold of a Member to get this one, unless one before it
    fits; who: what must hold of a Member to whom the offer gives any; left_today: how many it gives on this day yet, None:
    no limit."""

    offer: Offer
    fits: ColumnElement[bool] | None
    who: tuple[ColumnElement[bool], ...] = ()
    left_today: int | None = None


@dataclass(frozen=True, slots=True)
class Aim:
    """What laying, counting and previewing need to know of a campaign. gifts: what it gives, the first that fits a member
    counts; choosing: by a matrix, so that there may be members whom none fits."""

    rule: Rule
    day: date
    channel: str
    identity: str
    purpose: str
    gifts: tuple[Gift, ...] = ()
    choosing: bool = False

    @property
    def offer(self) -> Offer | None:
        """The one offer that all get; None: no coupon, or a matrix chooses."""
        return self.gifts[0].offer if self.gifts and not self.choosing else None


def aim(scope: Scope, campaign: Campaign) -> Aim:
    """Of a campaign as it stands. A channel that is gone reaches nobody (identity blank)."""
    bound = calls.channel(scope, campaign.channel)
    gifts: list[Gift] = []
    if campaign.matrix_id is not None:
        gifts = [
            _gift(scope, one.offer, matrices.fits(scope, one.row))
            for one in matrices.giving(scope, campaign.matrix_id)
        ]
    elif campaign.offer_id is not None:
        gifts = [_gift(scope, coupons.offer(scope, campaign.offer_id), None)]
    return Aim(
        queries.rule(queries.version(scope, campaign)),
        queries.day_of(scope, campaign),
        campaign.channel,
        bound.impl.identity if bound else "",
        campaign.purpose,
        tuple(gifts),
        campaign.matrix_id is not None,
    )


def _gift(scope: Scope, offer: Offer, fits: ColumnElement[bool] | None) -> Gift:
    left = None if offer.per_day is None else counters.left_on(scope, offer.id, offer.per_day, scope.today)
    return Gift(offer, fits, _who(scope, offer), left)


def _who(scope: Scope, offer: Offer) -> tuple[ColumnElement[bool], ...]:
    """As giving asks (coupons.who): as of today, and nobody where the rule cannot be read."""
    if offer.who is None:
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
        "no_row": NO_ROW,
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
    return case(*tests, else_=_ungiven(at))


def _ungiven(at: Aim) -> ColumnElement[Any]:
    """Why a Member gets no coupon of the offer that is meant for them; NULL where they do, or where none is given."""
    if not at.gifts and not at.choosing:
        return null()
    if not at.choosing:
        return _refused_by(at.gifts[0])
    rows = [(one.fits, _refused_by(one)) for one in at.gifts if one.fits is not None]
    return case(*rows, else_=literal(NO_ROW)) if rows else literal(NO_ROW)


def _refused_by(gift: Gift) -> ColumnElement[str | None]:
    tests: list[Any] = []
    if gift.who:
        fits = func.coalesce(and_(*gift.who), false())  # a condition on what is not known holds for nobody
        tests.append((~fits, literal(NOT_FOR_THEM)))
    had = exists().where(
        OfferAllowance.brand_id == Member.brand_id,
        OfferAllowance.offer_id == gift.offer.id,
        OfferAllowance.person_id == Member.id,
        OfferAllowance.used >= gift.offer.per_person,
    )
    return case(*tests, (had, literal(COUPON_LIMIT)), else_=null())


def _which(at: Aim) -> ColumnElement[Any]:
    """Which of the gifts is meant for a Member; NULL: none."""
    if at.choosing and at.gifts:
        rows = [(one.fits, n) for n, one in enumerate(at.gifts) if one.fits is not None]
        return case(*rows, else_=null())
    return literal(0) if at.gifts else null()


def count(scope: Scope, at: Aim) -> Counted:
    """Everyone, by what would happen to them if it were sent now."""
    each = (
        select(reason(at).label("reason"), _which(at).label("which"))
        .select_from(Member)
        .where(*segments.conditions(scope, at.rule, at.day))
        .subquery()
    )
    rows: Sequence[Any] = scope.session.execute(
        select(each.c.reason, each.c.which, func.count()).group_by(each.c.reason, each.c.which)
    ).all()
    by_reason: dict[str, int] = {}
    given: dict[int, int] = {}  # offer -> how many members it is meant for, who may have it
    reached = 0
    for why, which, n in rows:
        if why is not None:
            by_reason[why] = by_reason.get(why, 0) + n
            continue
        reached += n
        if which is not None:
            offer_id = at.gifts[which].offer.id
            given[offer_id] = given.get(offer_id, 0) + n
    total = reached + sum(by_reason.values())
    short = _too_few(at, given)
    left_out = {
        why: n
        for why in (NO_ADDRESS, NO_CONSENT, ORDERED, NO_ROW, NOT_FOR_THEM, COUPON_LIMIT, NO_COUPON, DAY_LIMIT)
        if (n := by_reason.get(why, 0) + short.get(why, 0))
    }
    return Counted(total, reached - sum(short.values()), left_out, given)


def _too_few(at: Aim, given: dict[int, int]) -> dict[str, int]:
    """How many get none since the stock or the day ends before them; what is left of `given` is what is given."""
    short: dict[str, int] = {}
    gifts = {one.offer.id: one for one in at.gifts}
    for offer_id in given:
        gift = gifts[offer_id]
        stock = None if gift.offer.stock is None else max(0, gift.offer.stock - gift.offer.issued)
        for why, left in ((NO_COUPON, stock), (DAY_LIMIT, gift.left_today)):
            if left is not None and left < given[offer_id]:
                short[why] = short.get(why, 0) + given[offer_id] - left
                given[offer_id] = left
    return short


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
