"""Birthday presents: some days before, once a member and year, whatever happens in the night."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select

from tests import factories as make
from tests.support.databases import OTHER_IN_DRILL
from webapp.coupons.models import Coupon
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.kernel.steps import Done, Next
from webapp.matrix import birthday, jobs, service
from webapp.members.models import Member
from webapp.segments.rules import Condition, Rule


def night(day: date) -> datetime:
    """Six in the morning of a local day in Shanghai."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=2)


def give(db: Database, brand: BrandRef, day: date) -> list[tuple[str, str]]:
    """(member's name, occurrence) of what a night gave, done by hand as the job does it."""
    with db.read(brand=brand) as scope:
        before = set(scope.session.scalars(select(Coupon.id)))
    done: Next | Done = Next({"after": 0, "given": 0, "not": {}})
    while isinstance(done, Next):
        cursor = done.cursor
        done = db.write(partial(birthday.step, cursor=cursor, size=3), brand=brand, now=night(day))
    with db.read(brand=brand) as scope:
        rows = scope.session.execute(
            select(Member.name, Coupon.occurrence, Coupon.id)
            .join(Coupon, (Coupon.brand_id == Member.brand_id) & (Coupon.member_id == Member.id))
            .order_by(Member.name)
        ).all()
    return [(name, occurrence) for name, occurrence, id_ in rows if id_ not in before]


def born(scope: Scope, **people: str) -> None:
    for name, day in people.items():
        make.make_member(scope, name=name, birthday=day)


def test_once_a_year_some_days_before(db: Database, brand: BrandRef) -> None:
    def fill(scope: Scope) -> None:
        born(scope, An="1990-12-28", Bo="1985-01-02", Cy="2001-01-03", Di="1999-06-01", Ed="1970-01-01")
        make.make_member(scope, name="Nobody knows")
        offer = make.make_offer(scope, per_person=5)
        assert birthday.set_present(scope, offer.id, None, 61) == Refused("days", {"most": 60})
        done = birthday.set_present(scope, offer.id, None, 5)
        assert not isinstance(done, Refused)

    first = date(2026, 12, 28)
    db.write(fill, brand=brand, now=night(first - timedelta(days=1)))
    assert give(db, brand, first) == [
        ("An", "birthday:2026"),
        ("Bo", "birthday:2027"),
        ("Ed", "birthday:2027"),
    ]
    assert give(db, brand, first) == []  # twice in one night
    assert give(db, brand, first + timedelta(days=1)) == [("Cy", "birthday:2027")]

    def swap(scope: Scope) -> None:  # another offer is no second present
        done = birthday.set_present(scope, make.make_offer(scope, name="Other").id, None, 6)
        assert not isinstance(done, Refused)

    db.write(swap, brand=brand, now=night(first + timedelta(days=1)))
    assert give(db, brand, first + timedelta(days=3)) == []
    assert give(db, brand, date(2027, 12, 22)) == [("An", "birthday:2027")]
    with db.read(brand=brand) as scope:
        said = birthday.last(scope)
        assert said is not None and said.detail == {"given": 1, "refused": {}}
        assert birthday.known(scope, 30)[:2] == (6, 5)


@OTHER_IN_DRILL
def test_nights_that_were_missed_and_the_29th_of_february(db: Database, brand: BrandRef) -> None:
    def fill(scope: Scope) -> None:
        born(scope, Leap="2000-02-29", Past="1980-02-20", Soon="1980-02-24", Today="1980-02-28")
        done = birthday.set_present(scope, make.make_offer(scope).id, None, 0)
        assert not isinstance(done, Refused)

    db.write(fill, brand=brand, now=night(date(2027, 2, 10)))
    assert give(db, brand, date(2027, 2, 28)) == [
        (name, "birthday:2027") for name in ("Leap", "Soon", "Today")
    ]
    assert list(birthday.birthdays(None, date(2028, 2, 28), 0)) == [(2, 28)]
    assert (2, 29) in birthday.birthdays(None, date(2028, 2, 29), 0)
    assert (2, 29) not in birthday.birthdays(None, date(2027, 3, 1), 3)


def test_by_a_matrix_and_by_the_shops_own_work(
    db: Database, brand: BrandRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(scope: Scope) -> tuple[int, int]:
        today = scope.today
        loyal = make.make_member(scope, name="An", birthday=today.replace(year=1980, day=min(today.day, 28)))
        make.make_member(scope, name="Bo", birthday=today.replace(year=1990, day=min(today.day, 28)))
        make.make_order(scope, loyal, today - timedelta(days=1))
        gold, plain = make.make_offer(scope, name="Gold"), make.make_offer(scope, name="Plain")
        made = service.new(scope, "Birthdays")
        assert not isinstance(made, Refused)
        service.add_row(scope, made.id, Rule((Condition("orders", least=1),)), gold.id)
        service.add_row(scope, made.id, Rule(), plain.id)
        done = birthday.set_present(scope, None, made.id, 3)
        assert not isinstance(done, Refused)
        done.given_on = today - timedelta(days=4)
        assert service.remove(scope, made.id) == Refused("in_use", {"places": 1, "name": ""})
        return gold.id, plain.id

    gold, plain = db.write(fill, brand=brand)
    monkeypatch.setattr(birthday, "HOUR", 0)
    rings = jobs.due(db)
    assert [one.ids for one in rings] == [{"brand_id": brand.id}]
    jobs.give(db, brand.id)
    assert jobs.due(db) == []
    jobs.give(db, brand.id)
    with db.read(brand=brand) as scope:
        assert sorted(scope.session.scalars(select(Coupon.offer_id))) == sorted([gold, plain])
