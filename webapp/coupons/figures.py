"""What coupons brought, in groups, and the coupons behind every number.

A number and its rows come from the same statement (`_rows`), so that they cannot differ: figures count it by group, `behind`
picks the coupons of one group out of it. A handful of statements, however many offers there are.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain
from statistics import median
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, distinct, func, null, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from webapp.coupons.models import Coupon, CouponChange, Offer, Redemption
from webapp.coupons.queries import ITS_OFFER, expired, in_reach, standing
from webapp.kernel import clock
from webapp.kernel.scope import Scope
from webapp.lifecycle.models import StageChange
from webapp.members.models import Member
from webapp.orders.models import Order
from webapp.tags.models import MemberTag
from webapp.tags.queries import counts_today

# What figures are grouped by. home: the store of the member; giver: who gave it by hand; store, staff: where and by whom it
# was used.
BY = ("offer", "type", "stage", "tag", "home", "giver", "store", "staff")
# Whose days a period means: of giving, or of using.
OF = ("issued", "used")
# The numbers that open to coupons.
WHAT = ("issued", "claimed", "redeemed", "people", "reversed", "ordered", "gifts", "expired")
UNUSED_TOO = ("issued", "claimed", "expired")  # those that count coupons nobody used (Ask.cohort)
ALL: Final = "all"  # one group
EVERY: Final = object()  # the key of all groups together

_GIVEN, _USED, _UNDONE = "given", "used", "undone"  # which redemption stands beside a coupon


@dataclass(frozen=True, slots=True)
class CouponFigures:
    """Counted from rows, now; void coupons count nowhere.

    issued: out or used; claimed: ever taken; redeemed: their use stands; people: persons who used at least one; reversed:
    coupons of which a use was undone, used again since or not; expired: unused, and their last day has passed. saved_minor,
    gifts: of uses that stand. orders, revenue_minor: the orders that joined them by till number and what was paid on
    them, each order once in its group. median_seconds: from taking to using, half were quicker; None where none was used.
    """

    issued: int = 0
    claimed: int = 0
    redeemed: int = 0
    saved_minor: int = 0
    orders: int = 0
    revenue_minor: int = 0
    people: int = 0
    reversed: int = 0
    expired: int = 0
    gifts: int = 0
    median_seconds: float | None = None

    @property
    def median_days(self) -> float | None:
        """Days, with their fraction."""
        return None if self.median_seconds is None else self.median_seconds / 86_400


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for: groups, a period of local days (both included, None: open) and whose days they are, and perhaps
    one offer or one campaign."""

    by: str = ALL
    of: str = "issued"
    since: date | None = None
    until: date | None = None
    offer_id: int | None = None
    campaign_id: int | None = None

    @property
    def cohort(self) -> bool:
        """Are there coupons that were not used among these? Otherwise issued, claimed and expired mean nothing: what was
        not used belongs to no till, to no clerk and to no day of use."""
        return self.of == "issued" and self.by not in ("store", "staff")


def coupon_figures(scope: Scope, campaign_id: int) -> CouponFigures:
    """What a campaign's coupons did."""
    return total(scope, Ask(campaign_id=campaign_id)) if campaign_id else CouponFigures()


def offer_figures(scope: Scope, offer_ids: Sequence[int]) -> dict[int, CouponFigures]:
    """What each offer's coupons did; an offer without coupons has zeros."""
    one = offer_ids[0] if len(offer_ids) == 1 else None
    found = figures(scope, Ask("offer", offer_id=one)) if offer_ids else {}
    return {offer_id: found.get(offer_id, CouponFigures()) for offer_id in offer_ids}


def total(scope: Scope, ask: Ask) -> CouponFigures:
    """All groups together: an order, a person or a coupon with two tags counts once here."""
    found = figures(scope, replace(ask, by=ALL))
    return next(iter(found.values()), CouponFigures())


def report(scope: Scope, ask: Ask) -> tuple[dict[Any, CouponFigures], CouponFigures]:
    """The groups, and all of them together: what adds up is added up."""
    found, times = _gather(scope, ask)
    if ask.by == "tag" or (ask.of == "issued" and not ask.cohort):
        return found, total(scope, ask)
    alone = replace(ask, by=ALL)
    values: dict[str, Any] = {
        name: sum(getattr(one, name) for one in found.values())
        for name in ("issued", "claimed", "redeemed", "saved_minor", "reversed", "expired", "gifts")
    }
    values |= next(iter(_revenue(scope, alone).values()), {})
    if times:
        values["median_seconds"] = median(chain.from_iterable(times.values()))
    return found, CouponFigures(people=_people(scope, alone), **values)


def figures(scope: Scope, ask: Ask) -> dict[Any, CouponFigures]:
    """key of each group (None: those without) -> what its coupons did."""
    return _gather(scope, ask)[0]


def _gather(scope: Scope, ask: Ask) -> tuple[dict[Any, CouponFigures], dict[Any, array[int]]]:
    found: _Found = {}
    for rows in (_counts(scope, ask), _undone(scope, ask), _revenue(scope, ask)):
        for key, values in rows.items():
            found.setdefault(key, {}).update(values)
    times = _times(scope, ask)
    for key, some in times.items():
        found[key]["median_seconds"] = median(some)
    return {key: CouponFigures(**values) for key, values in found.items()}, times


def behind(scope: Scope, ask: Ask, what: str, key: Any = EVERY) -> ColumnElement[bool]:
    """A condition on Coupon: exactly the coupons that the number `what` of a group counts; of people, each one's first."""
    if what not in _COUNTED:
        raise KeyError(what)
    if what in UNUSED_TOO and not ask.cohort:
        raise ValueError(f"{what} is not counted by {ask.by} of {ask.of}")
    rows = _rows(scope, ask, _COUNTED[what], Coupon.id, Coupon.person_id, *_flags(scope)).subquery()
    which: Select[Any] = select(func.min(rows.c.id) if what == "people" else rows.c.id)
    if key is not EVERY:
        which = which.where(rows.c.key.is_(None) if key is None else rows.c.key == key)
    if what in ("claimed", "expired", "ordered", "gifts"):
        which = which.where(rows.c[what] == 1)
    if what == "people":
        which = which.group_by(rows.c.person_id)
    return Coupon.id.in_(which)


_COUNTED = {
    "issued": _GIVEN,
    "claimed": _GIVEN,
    "expired": _GIVEN,
    "redeemed": _USED,
    "people": _USED,
    "ordered": _USED,
    "gifts": _USED,
    "reversed": _UNDONE,
}


# ---------------------------------------------------------------------------------------------------------- the one source


def _rows(scope: Scope, ask: Ask, beside: str, *columns: Any) -> Select[Any]:
    """Coupons with the key of their group and a redemption beside them: the one that stands, if any (given), the one that
    stands (used), each that was undone (undone). With tags a coupon stands in each of its tags."""
    query = select(_key(scope, ask.by).label("key"), *columns).select_from(Coupon)
    of_coupon = (Redemption.open_coupon_id if beside != _UNDONE else Redemption.coupon_id) == Coupon.id
    query = query.join(
        Redemption,
        and_(Redemption.brand_id == Coupon.brand_id, of_coupon),
        isouter=beside == _GIVEN,
    )
    if ask.by == "type":
        query = query.join(Offer, ITS_OFFER)
    elif ask.by == "home":
        query = query.join(Member, and_(Member.brand_id == Coupon.brand_id, Member.id == Coupon.member_id))
    elif ask.by == "giver":
        query = query.outerjoin(
            CouponChange,
            and_(
                CouponChange.brand_id == Coupon.brand_id,
                CouponChange.coupon_id == Coupon.id,
                CouponChange.from_state.is_(None),
                Coupon.occurrence.like("staff:%"),  # looks for a giver only where there was one
            ),
        )
    elif ask.by == "tag":
        query = query.outerjoin(
            MemberTag,
            and_(
                MemberTag.brand_id == Coupon.brand_id,
                MemberTag.member_id == Coupon.person_id,
                counts_today(scope),
            ),
        )
    return query.where(*_which(scope, ask, beside))


def _key(scope: Scope, by: str) -> ColumnElement[Any]:
    keys: dict[str, Any] = {
        ALL: Coupon.brand_id,
        "offer": Coupon.offer_id,
        "type": Offer.type_key,
        "stage": _stage_then(),
        "tag": MemberTag.tag_id,
        "home": Member.store_id,
        "giver": case((CouponChange.actor_kind == "staff", CouponChange.actor_id), else_=null()),
        "store": Redemption.store_id,
        "staff": Redemption.staff_id,
    }
    key: ColumnElement[Any] = keys[by]
    return key


def _stage_then() -> ColumnElement[str]:
    """The stage that had been decided last when the coupon was given. History is never rewritten, so this is what the shop
    knew; None: nobody had looked yet."""
    return (
        select(StageChange.stage)
        .where(
            StageChange.brand_id == Coupon.brand_id,
            StageChange.member_id == Coupon.person_id,
            StageChange.at <= Coupon.issued_at,
        )
        .order_by(StageChange.decided_on.desc(), StageChange.id.desc())
        .limit(1)
        .correlate(Coupon)
        .scalar_subquery()
    )


def _which(scope: Scope, ask: Ask, beside: str) -> list[ColumnElement[bool]]:
    where = [Coupon.brand_id == scope.brand.id, in_reach(scope), Coupon.state != "void"]
    if beside == _USED:
        where.append(standing())
    if beside == _UNDONE:
        where.append(Redemption.reversed_at.is_not(None))
    if ask.offer_id is not None:
        where.append(Coupon.offer_id == ask.offer_id)
    if ask.campaign_id is not None:
        where.append(Coupon.campaign_id == ask.campaign_id)
    zone = scope.brand.timezone
    if ask.of == "used":
        if ask.since is not None:
            where.append(Redemption.redeemed_on >= ask.since)
        if ask.until is not None:
            where.append(Redemption.redeemed_on <= ask.until)
    else:
        if ask.since is not None:
            where.append(Coupon.issued_at >= clock.day_starts(ask.since, zone))
        if ask.until is not None:
            where.append(Coupon.issued_at < clock.day_starts(ask.until + timedelta(days=1), zone))
    return where


def _flags(scope: Scope) -> tuple[ColumnElement[int], ...]:
    """1 for the coupons that a number counts, else 0."""

    def flag(condition: ColumnElement[bool], name: str) -> Any:
        return case((condition, 1), else_=0).label(name)

    return (
        flag(Coupon.claimed_at.is_not(None), "claimed"),
        flag(expired(scope.today), "expired"),
        flag(Redemption.order_id.is_not(None), "ordered"),
        flag(Redemption.gift != "", "gifts"),
    )


# ------------------------------------------------------------------------------------------------------------- statements

_Found = dict[Any, dict[str, Any]]


def _counts(scope: Scope, ask: Ask) -> _Found:
    columns = (Coupon.person_id, Redemption.id.label("used"), Redemption.saving_minor, *_flags(scope))
    rows = _rows(scope, ask, _GIVEN if ask.cohort else _USED, *columns).subquery()
    counted = select(
        rows.c.key,
        func.count(),
        func.sum(rows.c.claimed),
        func.sum(rows.c.expired),
        func.count(rows.c.used),
        func.sum(rows.c.gifts),
        func.coalesce(func.sum(rows.c.saving_minor), 0),
        func.count(distinct(case((rows.c.used.is_not(None), rows.c.person_id), else_=null()))),
    ).group_by(rows.c.key)
    found: _Found = {}
    for key, issued, claimed, over, used, gifts, saved, people in scope.session.execute(counted):
        out = {"issued": issued, "claimed": int(claimed), "expired": int(over)} if ask.cohort else {}
        found[key] = {
            "redeemed": used,
            "gifts": int(gifts),
            "saved_minor": int(saved),
            "people": people,
        } | out
    return found


def _undone(scope: Scope, ask: Ask) -> _Found:
    rows = _rows(scope, ask, _UNDONE, Coupon.id).subquery()
    counted = select(rows.c.key, func.count(distinct(rows.c.id))).group_by(rows.c.key)
    return {key: {"reversed": n} for key, n in scope.session.execute(counted)}


def _revenue(scope: Scope, ask: Ask) -> _Found:
    rows = (
        _rows(scope, ask, _USED, Redemption.order_id)
        .where(Redemption.order_id.is_not(None))
        .distinct()
        .subquery()
    )
    paid = (
        select(rows.c.key, func.count(), func.sum(Order.paid_minor))
        .join(Order, and_(Order.brand_id == scope.brand.id, Order.id == rows.c.order_id))
        .group_by(rows.c.key)
    )
    return {
        key: {"orders": orders, "revenue_minor": int(minor)}
        for key, orders, minor in scope.session.execute(paid)
    }


def _times(scope: Scope, ask: Ask) -> dict[Any, array[int]]:
    """key -> seconds from taking to using, of each use: one number a use is read, eight bytes each. SQLite has no median, and
    a window over all of them takes longer."""
    took = _seconds(Coupon.claimed_at, Redemption.redeemed_at).label("took")
    rows = _rows(scope, ask, _USED, took).where(Coupon.claimed_at.is_not(None))
    times: dict[Any, array[int]] = defaultdict(lambda: array("q"))
    # Past the ORM's loading, which costs more than the rows.
    for key, seconds in scope.session.connection().execute(rows):
        times[key].append(seconds)
    return times


def _people(scope: Scope, ask: Ask) -> int:
    rows = _rows(scope, ask, _USED, Coupon.person_id).subquery()
    return scope.session.scalar(select(func.count(distinct(rows.c.person_id)))) or 0


class _seconds(FunctionElement[int]):
    """Whole seconds between two moments, each taken down to its second."""

    type = BigInteger()
    inherit_cache = True


@compiles(_seconds)
def _by_epoch(element: Any, compiler: Any, **options: Any) -> str:
    first, last = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CAST(floor(extract(epoch FROM {last})) - floor(extract(epoch FROM {first})) AS BIGINT)"


@compiles(_seconds, "sqlite")
def _by_strftime(element: Any, compiler: Any, **options: Any) -> str:
    first, last = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(CAST(strftime('%s', {last}) AS INTEGER) - CAST(strftime('%s', {first}) AS INTEGER))"
