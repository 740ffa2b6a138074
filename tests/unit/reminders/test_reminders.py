"""Reminders: once a coupon, one message a person and day, to who agreed, of what can still be used; in the brand's own days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests import factories as make
from tests.support.databases import OTHER_IN_DRILL
from tests.unit.outbox.post import Scripted, in_house, scripted
from webapp.campaigns import results
from webapp.coupons import service
from webapp.coupons.models import Coupon, Redemption
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.members import service as members
from webapp.members.models import Member
from webapp.outbox import drain, reaching
from webapp.outbox.models import Delivery
from webapp.plugin_runtime import context
from webapp.reminders import jobs, laying, queries
from webapp.reminders.models import ReminderRun
from webapp.tasks import jobs as _tasks  # noqa: F401  lets plugins give tasks
from webapp.tasks.models import Task

LAST = date(2026, 5, 20)
GIVEN = datetime(2026, 5, 10, 4, tzinfo=UTC)
DAY = timedelta(days=1)


def nine(day: int) -> datetime:
    """Nine in the morning of a day of May in Shanghai."""
    return datetime(2026, 5, day, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(reaching, "CHANNELS", ("scripted",))
    with in_house(tmp_path, monkeypatch):
        yield


@pytest.fixture
def channel() -> Scripted:
    return scripted()


def offer(db: Database, brand: BrandRef, name: str, remind: int | None, **more: Any) -> int:
    details = {"valid_days": None, "valid_until": LAST, "remind_days": remind} | more
    return db.write(lambda s: make.make_offer(s, name=name, **details).id, brand=brand, now=GIVEN)


def people(db: Database, brand: BrandRef, count: int, **more: Any) -> list[Member]:
    return db.write(
        lambda s: make.make_members(s, count, **({"consents": {"scripted": True}} | more)),
        brand=brand,
        now=GIVEN,
    )


def give(db: Database, brand: BrandRef, offer_id: int, *some: Member, now: datetime = GIVEN) -> list[Coupon]:
    def unit(scope: Scope) -> list[Coupon]:
        found = [service.give(scope, offer_id, one.id, f"key-{offer_id}-{one.id}") for one in some]
        assert all(isinstance(one, Coupon) for one in found), found
        return found  # type: ignore[return-value]

    return db.write(unit, brand=brand, now=now)


def night(db: Database, brand: BrandRef, now: datetime) -> int | None:
    """What the shop's processes do in one day: lay, send. Returns how many people are new."""
    with clock.fixed(now):
        laid = jobs.lay(db, brand.id) if brand.timezone == "Asia/Shanghai" else laying.lay(db, brand)
        for brand_id, run_id in _going(db):
            assert brand_id == brand.id
            drain.drain(db, brand, run_id)
        return laid


def _going(db: Database) -> list[tuple[int, int]]:
    with db.read() as scope:
        rows = scope.session.execute(
            select(ReminderRun.brand_id, ReminderRun.id).where(ReminderRun.state == "sending")
        )
        return [(one.brand_id, one.id) for one in rows]


def reasons(db: Database) -> list[tuple[str, str | None]]:
    with db.read() as scope:
        rows = scope.session.execute(
            select(Delivery.state, Delivery.reason).order_by(Delivery.recipient_id, Delivery.id)
        )
        return [(one.state, one.reason) for one in rows]


def test_one_message_names_all_that_end_on_that_day_and_nothing_twice(
    db: Database, brand: BrandRef, channel: Scripted
) -> None:
    early, late, silent = (
        offer(db, brand, "Early", 3),
        offer(db, brand, "Late", 1),
        offer(db, brand, "Silent", None),
    )
    li, wang = people(db, brand, 2)
    for one in (early, late, silent):
        give(db, brand, one, li)
    give(db, brand, late, wang)
    for day in (14, 15, 16):
        assert night(db, brand, nine(day)) == 0
    assert night(db, brand, nine(17)) == 1
    (said,) = channel.said
    assert said.to.value == "m00001@example.com" and said.unsubscribe_url and said.preferences_url
    assert said.content["subject"] == "Your coupons end on May 20, 2026"
    text = said.content["text"]
    assert "Dear Member 1," in text and "Early (" in text and "Late (" in text and "Silent" not in text
    assert text.count("https://shop.example/c/") == 2
    assert night(db, brand, nine(17) + timedelta(hours=2)) is None, "a day's reminders are laid once"
    assert night(db, brand, nine(18)) == 0
    assert night(db, brand, nine(19)) == 1, "wang's only: li was told of both"
    assert [one.to.value for one in channel.said] == ["m00001@example.com", "m00002@example.com"]
    assert channel.said[1].content["subject"] == "Late: until May 20, 2026"
    assert night(db, brand, nine(20)) == 0 and len(channel.said) == 2
    with db.read(brand=brand) as scope:
        assert [queries.told(scope, one).told for one in (early, late, silent)] == [1, 2, 0]
        assert not queries.told(scope, silent).any
        assert [called.title for _one, called, _at in results.messages_to(scope, li.id)] == [
            "A reminder of coupons that end soon"
        ]
    assert not _going(db), "every run has come to its end"


@OTHER_IN_DRILL
def test_who_did_not_agree_and_what_was_used_meanwhile_is_left_out(
    db: Database, brand: BrandRef, channel: Scripted
) -> None:
    three, two = offer(db, brand, "Three", 3), offer(db, brand, "Two", 3)
    never, withdrawn, used, partly = people(db, brand, 4)
    db.write(lambda s: members.set_consent(s, never.id, "scripted", "marketing", False, "test"), brand=brand)
    nowhere = db.write(lambda s: make.make_member(s, consents={"scripted": True}), brand=brand, now=GIVEN)
    everybody = (never, withdrawn, used, partly, nowhere)
    coupons = {one.member_id: one for one in give(db, brand, three, *everybody)}
    give(db, brand, two, partly)
    with clock.fixed(nine(17)):
        assert laying.lay(db, brand) == 5
        db.write(
            lambda s: members.set_consent(s, withdrawn.id, "scripted", "marketing", False, "unsubscribe"),
            brand=brand,
        )
        for one in (used, partly):
            code = coupons[one.id].code

            def use(scope: Scope, code: str = code) -> Redemption | Refused:
                return service.redeem(scope, typed=code, basket_minor=150_00, key=f"key-{code}")

            assert isinstance(db.write(use, brand=brand), Redemption)
    assert night(db, brand, nine(17) + timedelta(minutes=5)) is None
    assert reasons(db) == [
        ("left_out", "no_consent"),
        ("left_out", "no_consent"),
        ("left_out", "used_since"),
        ("sent", None),
        ("left_out", "no_address"),
    ]
    (said,) = channel.said
    assert said.to.value == "m00004@example.com" and "Two (" in said.content["text"]
    assert "Three" not in said.content["text"]
    with db.read(brand=brand) as scope:
        told = queries.told(scope, three)
    assert (told.told, told.left_out, told.waiting, told.failed) == (1, 4, 0, 0)


def test_laying_that_is_killed_goes_on_and_two_at_a_time_name_each_once(
    db: Database, brand: BrandRef, channel: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laying, "CHUNK", 2)
    one = offer(db, brand, "Three", 3)
    give(db, brand, one, *people(db, brand, 5))
    with clock.fixed(nine(17)):
        run_id = db.write(laying.begin, brand=brand)
        assert run_id is not None
        with db.read(brand=brand) as scope:
            some = queries.people(scope, 0, 2)
        for _ in range(2):  # the other worker read the same people
            db.write(lambda s: laying.lay_some(s, run_id, some), brand=brand)
        with db.read() as scope:
            assert scope.session.get_one(ReminderRun, (brand.id, run_id)).state == "laying"
        assert [ring.ids for ring in jobs.owed(db)] == [{"brand_id": brand.id}]
    # killed here; begun anew, on this day or the next
    assert night(db, brand, nine(18)) == 3
    assert sorted(channel.addresses().values()) == [1] * 5
    assert not _going(db) and reasons(db) == [("sent", None)] * 5
    with clock.fixed(nine(18)):
        assert jobs.owed(db) == []


@OTHER_IN_DRILL
def test_a_switched_off_machine_and_a_coupon_too_fresh(
    db: Database, brand: BrandRef, channel: Scripted
) -> None:
    """What a day missed is made good for two days; a coupon given within them is not reminded of at once."""
    one, short = offer(db, brand, "Three", 3), offer(db, brand, "Week", 6, valid_until=None, valid_days=7)
    li, wang, zhao = people(db, brand, 3)
    give(db, brand, one, li)
    give(db, brand, one, wang, now=nine(18))
    (claimed,) = give(db, brand, short, zhao, now=nine(19) - timedelta(hours=3))
    db.write(lambda s: service.claim(s, claimed.id), brand=brand, now=nine(19) - timedelta(hours=2))
    assert night(db, brand, nine(19)) == 1
    assert list(channel.addresses()) == ["m00001@example.com"]
    assert night(db, brand, nine(20)) == 0, "zhao's ended its first day yesterday"


@OTHER_IN_DRILL
def test_the_brands_own_day_and_hours(db: Database, brand: BrandRef, channel: Scripted) -> None:
    """In New York, where the clocks are put back on 1 November: the day counts, not the hours; nobody is written to at
    night."""
    york = replace(brand, timezone="America/New_York")
    (li,) = people(db, york, 1)
    one = offer(db, york, "Two", 2, valid_until=date(2026, 11, 3))
    give(db, york, one, li)
    evening = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)  # half past midnight there, summer time still
    for now in (
        datetime(2026, 10, 31, 23, tzinfo=UTC),  # seven in the evening of the day before
        evening,
        datetime(2026, 11, 1, 13, 59, tzinfo=UTC),  # a minute to nine
    ):
        assert night(db, york, now) in (None, 0) and not channel.said
    assert night(db, york, datetime(2026, 11, 1, 14, tzinfo=UTC)) == 1 and len(channel.said) == 1
    assert night(db, york, datetime(2026, 11, 3, 1, tzinfo=UTC)) is None, "eight in the evening is too late"


@OTHER_IN_DRILL
def test_a_brand_that_can_write_with_nothing_has_its_day_all_the_same(
    db: Database, brand: BrandRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a coupon whose plugin is off is not spoken of."""
    one = offer(db, brand, "Three", 3)
    (coupon,) = give(db, brand, one, *people(db, brand, 1))
    assert night(db, brand, nine(17)) is None
    with db.read() as scope:
        assert scope.session.scalars(select(ReminderRun.state)).all() == ["done"]
    channel = scripted()
    db.write(lambda s: context.switch(s, "coupon_spend_and_save", on=False), brand=brand)
    db.write(lambda s: s.session.execute(update(Coupon).values(valid_until=LAST + DAY)), brand=brand)
    assert night(db, brand, nine(18)) == 1 and not channel.said
    assert reasons(db) == [("left_out", "used_since")] and coupon.state == "issued"


@OTHER_IN_DRILL
def test_a_guide_is_told_where_there_is_no_other_way(
    db: Database, brand: BrandRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaching, "CHANNELS", ("email", "task"))  # the e-mail channel is not set up here
    one = offer(db, brand, "Three", 3)
    give(db, brand, one, *people(db, brand, 1, consents={"task": True}), *people(db, brand, 1, first=2))
    assert night(db, brand, nine(17)) == 2
    with db.read(brand=brand) as scope:
        (task,) = scope.session.scalars(select(Task)).all()
    assert task.title == "Remind of a coupon: Three, until May 20, 2026" and "Dear Member 1," in task.text
    assert task.source.startswith("reminder:")
    assert reasons(db) == [("sent", None), ("left_out", "no_consent")]
