"""Which coupons are to be reminded of, and what became of the reminders."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, exists, false, func, or_, select

from webapp.coupons import queries as coupons
from webapp.coupons.models import Coupon, Offer
from webapp.kernel import clock
from webapp.kernel.bulk import among
from webapp.kernel.scope import BrandRef, Scope
from webapp.outbox.models import Delivery
from webapp.reminders.models import RemindedCoupon, ReminderRun

# Members are written to at an hour at which one may write to them: from the first hour of the brand's day, before the second.
FIRST_HOUR, LAST_HOUR = 9, 20
LATE = 2  # days for which a reminder is made good that a machine which was off has missed


class Due(NamedTuple):
    """A coupon to be named in a reminder."""

    id: int
    person_id: int
    valid_until: date


def is_time(scope: Scope, brand: BrandRef) -> bool:
    """May members be written to at this hour?"""
    return FIRST_HOUR <= scope.now.astimezone(ZoneInfo(brand.timezone)).hour < LAST_HOUR


def owed(scope: Scope, brand: BrandRef, today: date) -> bool:
    """Has a brand whose offers remind not laid this day's reminders yet?"""
    reminds = exists().where(Offer.brand_id == brand.id, Offer.remind_days.is_not(None))
    laid = exists().where(
        ReminderRun.brand_id == brand.id, ReminderRun.made_on == today, ReminderRun.state != "laying"
    )
    return bool(scope.session.scalar(select(reminds & ~laid)))


def run(scope: Scope, run_id: int, *, hold: bool = False) -> ReminderRun | None:
    """By id. hold: nobody else lays it until this unit ends."""
    query = select(ReminderRun).where(ReminderRun.brand_id == scope.brand.id, ReminderRun.id == run_id)
    if hold:
        query = query.with_for_update().execution_options(populate_existing=True)
    return scope.session.scalars(query).one_or_none()


def run_of(scope: Scope, day: date) -> ReminderRun | None:
    """Of a local day."""
    return scope.session.scalars(
        select(ReminderRun).where(ReminderRun.brand_id == scope.brand.id, ReminderRun.made_on == day)
    ).one_or_none()


# ------------------------------------------------------------------------------------------------------ which are due


def alive(scope: Scope) -> ColumnElement[bool]:
    """A coupon that somebody has and can still use. One that is kept aside at this moment (for a basket, for a team that is not
    complete) is not spoken of; the next day it may be."""
    return and_(coupons.which("usable", scope.now, scope.today), Coupon.state != "held")


def _not_yet() -> ColumnElement[bool]:
    return ~exists().where(RemindedCoupon.brand_id == Coupon.brand_id, RemindedCoupon.coupon_id == Coupon.id)


def _today(scope: Scope) -> ColumnElement[bool]:
    """A Coupon whose Offer reminds on this day; or did on one of the LATE days before, when the shop's machine was off. One
    that was given or taken only since then is too fresh to be reminded of."""
    wanted = scope.session.scalars(
        select(Offer.remind_days)
        .distinct()
        .where(Offer.brand_id == scope.brand.id, Offer.remind_days.is_not(None))
        .order_by(Offer.remind_days)
    ).all()
    since = func.coalesce(Coupon.claimed_at, Coupon.issued_at)
    return or_(
        false(),
        *(
            and_(
                Offer.remind_days == days,
                Coupon.valid_until == scope.today + timedelta(days=days - late),
                since < clock.day_starts(scope.today - timedelta(days=late), scope.brand.timezone),
            )
            for days in wanted
            if days is not None
            for late in range(min(LATE, days) + 1)
        ),
    )


def people(scope: Scope, after: int, limit: int) -> Sequence[int]:
    """The next people by id who have a coupon to be reminded of on this day."""
    return scope.session.scalars(
        select(Coupon.person_id)
        .distinct()
        .join(Offer, coupons.ITS_OFFER)
        .where(
            Coupon.brand_id == scope.brand.id,
            Coupon.person_id > after,
            alive(scope),
            _today(scope),
            _not_yet(),
        )
        .order_by(Coupon.person_id)
        .limit(limit)
    ).all()


def due(scope: Scope, person_ids: Collection[int]) -> list[Due]:
    """What to name to some people: their coupons to be reminded of on this day, and those of the same person that end on the
    same day and whose offers would remind later. These are not named again then."""
    rows = scope.session.execute(
        select(
            Coupon.id, Coupon.person_id, Coupon.valid_until, case((_today(scope), 1), else_=0).label("now")
        )
        .join(Offer, coupons.ITS_OFFER)
        .where(
            Coupon.brand_id == scope.brand.id,
            among(Coupon.person_id, person_ids),
            alive(scope),
            Coupon.valid_until.is_not(None),
            Offer.remind_days.is_not(None),
            _not_yet(),
        )
        .order_by(Coupon.person_id, Coupon.valid_until, Coupon.id)
    ).all()
    named = {(one.person_id, one.valid_until) for one in rows if one.now}
    return [
        Due(one.id, one.person_id, one.valid_until)
        for one in rows
        if (one.person_id, one.valid_until) in named
    ]


# ----------------------------------------------------------------------------------------------- what became of them


@dataclass(frozen=True, slots=True)
class Told:
    """Coupons of an offer of which members were reminded; those on their way; those left out (no consent, no address, used
    meanwhile); those whose message failed or may not have arrived."""

    told: int = 0
    waiting: int = 0
    left_out: int = 0
    failed: int = 0

    @property
    def any(self) -> bool:
        """Was there anything to remind of?"""
        return bool(self.told or self.waiting or self.left_out or self.failed)


_AS = {
    "sent": "told",
    "left_out": "left_out",
    "failed": "failed",
    "unknown": "failed",
    "cancelled": "left_out",
}


def told(scope: Scope, offer_id: int) -> Told:
    """What became of the reminders of an offer's coupons, as far as the actor sees them."""
    rows = scope.session.execute(
        select(Delivery.state, func.count())
        .select_from(Coupon)
        .join(
            RemindedCoupon,
            and_(RemindedCoupon.brand_id == Coupon.brand_id, RemindedCoupon.coupon_id == Coupon.id),
        )
        .join(
            Delivery,
            and_(Delivery.brand_id == RemindedCoupon.brand_id, Delivery.id == RemindedCoupon.delivery_id),
        )
        .where(Coupon.brand_id == scope.brand.id, Coupon.offer_id == offer_id, coupons.in_reach(scope))
        .group_by(Delivery.state)
    )
    counts: dict[str, int] = {}
    for state, number in rows:
        name = _AS.get(state, "waiting")
        counts[name] = counts.get(name, 0) + number
    return Told(**counts)
