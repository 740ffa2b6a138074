"""Birthday presents: coupons that the nightly work gives some days before members' birthdays, once a member and year.

The occurrence of a coupon names the year in which the birthday falls. A birthday on 29 February is on the 28th in other
years. Nights that were missed are made up for as long as the birthday is not LATE days past.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, extract, func, select, true

from webapp.coupons import queries as coupons
from webapp.coupons import service as giving
from webapp.coupons.models import Coupon, Offer
from webapp.kernel.audit import Audit
from webapp.kernel.db import Database
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import BrandRef, Scope
from webapp.kernel.steps import Done, Next, run_steps
from webapp.matrix import queries, service
from webapp.matrix.models import BirthdayPresent
from webapp.members import queries as members
from webapp.members.models import Member

HOUR = 5  # of the brand's day, from which on it is due: after the night's looks, before the shop opens
LATE = 7
MOST_DAYS = 60
LIFETIME = 100  # coupons a person, for presents of all their years
CHUNK = 100  # members a unit gives presents to
LOOK = 20_000  # members that a unit looks at for them
STEPS = "birthday"
VERB, SUBJECT = "birthday.given", "birthday"


# ------------------------------------------------------------------------------------------------------- what is given


def present(scope: Scope) -> BirthdayPresent | None:
    """What the brand gives; None, or a row without offer and matrix: nothing."""
    return scope.session.get(BirthdayPresent, scope.brand.id, populate_existing=True)


def set_present(
    scope: Scope, offer_id: int | None, matrix_id: int | None, days_before: int
) -> BirthdayPresent | Refused:
    """From the next night on. Refused: no_offer (draft or closed, or of another brand), no_matrix, days (most)."""
    if not 0 <= days_before <= MOST_DAYS:
        return Refused("days", {"most": MOST_DAYS})
    was = present(scope)
    kept = was is not None and (was.offer_id, was.matrix_id) == (offer_id, matrix_id)
    try:
        if offer_id is not None and coupons.offer(scope, offer_id).state != "open" and not kept:
            return Refused("no_offer")
        if matrix_id is not None:
            queries.get(scope, matrix_id)
            if not queries.giving(scope, matrix_id) and not kept:
                return Refused("no_matrix")
    except NotFound:
        return Refused("no_offer")
    scope.session.execute(
        insert_or_ignore(scope, BirthdayPresent).values(brand_id=scope.brand.id, days_before=days_before)
    )
    row = _hold(scope)
    assert row is not None
    was_off = row.offer_id is None and row.matrix_id is None
    row.offer_id, row.matrix_id, row.days_before = offer_id, matrix_id, days_before
    if was_off:  # nights without presents are not made up for
        early = scope.now.astimezone(ZoneInfo(scope.brand.timezone)).hour < HOUR
        row.given_on = scope.today - timedelta(days=early)
    scope.session.flush()
    scope.audit("birthday.set", SUBJECT, None, offer=offer_id, matrix=matrix_id, days=days_before)
    return row


def _hold(scope: Scope) -> BirthdayPresent | None:
    mine = select(BirthdayPresent).where(BirthdayPresent.brand_id == scope.brand.id).with_for_update()
    return scope.session.scalars(mine.execution_options(populate_existing=True)).one_or_none()


def by_matrix(scope: Scope, matrix_id: int) -> list[queries.Use]:
    """Whether birthday presents are chosen by a matrix."""
    row = present(scope)
    return [queries.Use("birthday", 0, "")] if row is not None and row.matrix_id == matrix_id else []


queries.USERS.append(by_matrix)


def offers(scope: Scope, row: BirthdayPresent) -> list[Offer]:
    """Those whose coupons may be given."""
    if row.offer_id is not None:
        return [coupons.offer(scope, row.offer_id)]
    return [one.offer for one in queries.lines(scope, row.matrix_id)] if row.matrix_id is not None else []


def once_only(scope: Scope, row: BirthdayPresent) -> list[Offer]:
    """Those of them that give a person one coupon in all, and so one birthday present in a lifetime."""
    return list({one.id: one for one in offers(scope, row) if one.per_person == 1}.values())


def every_year(scope: Scope) -> list[Offer]:
    """Those that give one coupon in all give up to LIFETIME from now on: a present a year. The offers that were changed."""
    row = _hold(scope)
    found = once_only(scope, row) if row is not None else []
    for one in sorted(found, key=lambda offer: offer.id):
        giving.allow_each(scope, one.id, LIFETIME)
    return found


# ------------------------------------------------------------------------------------------------------------ the night


def due(scope: Scope, brand: BrandRef) -> bool:
    """There is a present, it is time, and this local day's are not given."""
    row = scope.session.get(BirthdayPresent, brand.id)
    if row is None or (row.offer_id is None and row.matrix_id is None):
        return False
    local = scope.now.astimezone(ZoneInfo(brand.timezone))
    return local.hour >= HOUR and (row.given_on is None or row.given_on < local.date())


def give(db: Database, brand: BrandRef, *, seconds: float | None = None) -> Done | Next:
    """Give this day's presents, or go on with them. Safe at any time, by anyone, as often as they like."""
    with db.read(brand=brand) as scope:
        key = scope.today.isoformat()
    return run_steps(db, brand, STEPS, key, step, start={"after": 0, "given": 0, "not": {}}, seconds=seconds)


def step(scope: Scope, cursor: dict[str, Any], size: int = CHUNK) -> Next | Done:
    """One chunk of members. The brand's row is held, so that two at once take turns."""
    row = _hold(scope)
    if row is None or (row.offer_id is None and row.matrix_id is None):
        return Done()
    days = birthdays(row.given_on, scope.today, row.days_before)
    until = members.nth_after(scope, cursor["after"], LOOK)
    people: Sequence[Any] = scope.session.execute(
        select(Member.id, Member.birthday)
        .where(
            *_among(scope, days),
            Member.id > cursor["after"],
            true() if until is None else Member.id <= until,
        )
        .order_by(Member.id)
        .limit(size)
    ).all()
    given, refused = cursor["given"], dict(cursor["not"])
    years: dict[int, list[int]] = {}
    for member_id, born in people:
        years.setdefault(days[born.month, born.day].year, []).append(member_id)
    for year, ids in sorted(years.items()):
        for answer in _give(scope, row, ids, year):
            if isinstance(answer, Refused):
                refused[answer.code] = refused.get(answer.code, 0) + 1
            else:
                given += 1
    after = people[-1].id if len(people) == size else until
    if after is not None:
        return Next({"after": after, "given": given, "not": refused})
    row.given_on = scope.today
    scope.session.flush()
    scope.audit(VERB, SUBJECT, scope.today.toordinal(), given=given, refused=refused)
    return Done({"given": given, "refused": refused})


def _give(scope: Scope, row: BirthdayPresent, member_ids: list[int], year: int) -> list[Coupon | Refused]:
    """Of those who have none for that year yet, of whichever offer."""
    occurrence = f"birthday:{year}"
    had = service.given(scope, member_ids, occurrence)
    people = [(id_, id_) for id_ in member_ids if id_ not in had]
    if not people:
        return []
    if row.matrix_id is not None:
        return list(service.issue(scope, row.matrix_id, people, occurrence=occurrence).values())
    assert row.offer_id is not None
    return list(giving.issue(scope, row.offer_id, people, occurrence=occurrence).values())


def birthdays(given_on: date | None, today: date, days_before: int) -> Mapping[tuple[int, int], date]:
    """(month, day) of the birthdays that are looked at on a day -> the day on which they fall. given_on: the last one on
    which presents were given."""
    first = (
        today
        if given_on is None
        else min(today, max(given_on + timedelta(days=1), today - timedelta(days=LATE)))
    )
    days: dict[tuple[int, int], date] = {}
    for n in range((today - first).days + days_before + 1):
        day = first + timedelta(days=n)
        days[day.month, day.day] = day
        if (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3:
            days[2, 29] = day
    return days


def _among(scope: Scope, days: Mapping[tuple[int, int], date]) -> list[ColumnElement[bool]]:
    """Persons whose birthday is on one of these."""
    written = extract("month", Member.birthday) * 100 + extract("day", Member.birthday)
    return [
        Member.brand_id == scope.brand.id,
        Member.person_id == Member.id,
        Member.birthday.is_not(None),
        written.in_([month * 100 + day for month, day in days]),
    ]


# ------------------------------------------------------------------------------------------------------------ for a page


def last(scope: Scope) -> Audit | None:
    """What the newest night gave."""
    return scope.session.scalars(
        select(Audit)
        .where(Audit.brand_id == scope.brand.id, Audit.subject == SUBJECT, Audit.verb == VERB)
        .order_by(Audit.subject_id.desc(), Audit.id.desc())
        .limit(1)
    ).one_or_none()


def known(scope: Scope, days: int) -> tuple[int, int, int]:
    """(members, those whose birthday is known, those whose birthday is within so many days from today)."""
    persons = (Member.brand_id == scope.brand.id, Member.person_id == Member.id)
    counted = select(func.count(), func.count(Member.birthday)).where(*persons)
    row = scope.session.execute(counted).one()
    soon = select(func.count()).where(*_among(scope, birthdays(None, scope.today, days)))
    return row[0], row[1], scope.session.scalar(soon) or 0
