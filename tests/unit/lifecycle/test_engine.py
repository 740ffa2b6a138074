"""The engine: few are looked at, nothing is lost on the way, and what stops it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from tests.factories import make_member, make_order
from tests.support.databases import ONE_DATABASE, OTHER_IN_DRILL
from tests.unit.lifecycle.shop import PLUGIN, START, Shop, new_shop
from webapp.kernel import clock, events
from webapp.kernel.db import Database
from webapp.kernel.scope import Ring, Scope
from webapp.lifecycle import jobs, queries, service
from webapp.lifecycle.models import LifecycleRun, MemberStage, StageChange
from webapp.members import queries as members
from webapp.members.models import Member
from webapp.orders.models import Order
from webapp.plugin_runtime import context
from webapp.plugin_runtime.runtime import registry

pytestmark = OTHER_IN_DRILL


def policy_class() -> type[Any]:
    return type(registry().policies["five_stage"][1])


def scalar(shop: Shop, query: Any) -> Any:
    with shop.db.read(brand=shop.brand) as scope:
        return scope.session.scalar(query)


def rings(shop: Shop, when: datetime | None = None) -> list[Ring]:
    """What the sweep rings for, of this shop's brand."""
    moment = when or datetime.combine(shop.today, datetime.min.time(), ZoneInfo(shop.brand.timezone))
    with clock.fixed(moment):
        return [ring for ring in jobs.due(shop.db) if ring.ids["brand_id"] == shop.brand.id]


def test_a_member_passes_through_the_stages(db: Database) -> None:
    shop = new_shop(db)
    shop.live([("join",)])
    seen = []
    for days, orders in ((0, 0), (1, 0), (5, 1), (1, 0), (31, 0), (1, 4), (1, 0), (91, 0), (90, 0)):
        shop.live([("advance", days), *[("buy", 0)] * orders, ("run",)])
        seen.extend(shop.stages().values())
    assert seen == [
        ("introduction", "joined_today"),
        ("introduction", "no_order_yet"),
        ("introduction", "no_order_yet"),
        ("introduction", "first_order"),
        ("growth", "orders"),
        ("growth", "orders"),
        ("maturity", "orders"),
        ("dormancy", "no_order"),
        ("churn", "no_order"),
    ]


def test_only_those_are_looked_at_whose_day_has_come(db: Database) -> None:
    shop = new_shop(db)
    shop.live([*[("join", 100)] * 5, ("buy", 0, -30), ("run",)])
    assert shop.run().looked_at == 0  # the same day again
    shop.live([("advance", 1)])
    assert shop.run().looked_at == 1  # the only order of the first one ends the introduction
    shop.live([("buy", 3, -2), ("buy", 4, 0), ("buy", 2, 5)])
    assert shop.run().looked_at == 1  # today's order is seen tomorrow, that of next week in a week
    shop.live([("advance", 1)])
    assert shop.run().looked_at == 1


def test_history_tells_what_was_decided_and_is_not_rewritten(db: Database) -> None:
    shop = new_shop(db)
    shop.live(
        [("join",), ("run",), ("advance", 1), ("run",), ("advance", 3), ("buy", 0, -1), ("run",), ("run",)]
    )
    shop.live([("remove", 0), ("run",)])
    with db.read(brand=shop.brand) as scope:
        told = [
            ((row.decided_on - START).days, row.from_stage, row.stage, row.reason)
            for row in reversed(queries.history(scope, shop.members[0], 10))
        ]
        since = queries.standings(scope, shop.members)[shop.members[0]].since
    assert told == [
        (0, None, "introduction", "joined_today"),
        (1, "introduction", "introduction", "no_order_yet"),
        (4, "introduction", "introduction", "first_order"),
        (4, "introduction", "introduction", "no_order_yet"),
    ]
    assert since == START  # the stage itself never changed


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    """Payloads of lifecycle.changed, as its subscribers get them."""
    got: list[dict[str, Any]] = []
    events.on("lifecycle.changed", "tests")(lambda scope, payload: got.append(payload))
    yield got
    del events.SUBSCRIBERS["lifecycle.changed"]["tests"]


def test_changes_are_told_once_a_chunk(db: Database, heard: list[dict[str, Any]]) -> None:
    shop = new_shop(db)
    shop.live([("join", 50), ("join", 300), ("run",), ("run",)])
    with shop.now():
        events.deliver(db, shop.brand.id)
    first, second = shop.members
    assert heard == [
        {"day": START.isoformat(), "changes": [[first, None, "introduction"], [second, None, "churn"]]}
    ]
    shop.live(
        [("advance", 1), ("buy", 0, -1), ("run",)]
    )  # another reason, the same stage: nobody needs to know
    with shop.now():
        events.deliver(db, shop.brand.id)
    assert len(heard) == 1


# --- facts that change while the engine decides ------------------------------------------------------------------------


def test_a_fact_written_while_the_engine_decides_stays_dirty(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = new_shop(db)
    shop.live([("join", 100), ("join", 100)])
    late, other = shop.members
    other_db = Database(db.url)
    at_work: list[Scope] = []

    def arrives(scope: Scope) -> None:
        make_order(scope, members.get(scope, late), START - timedelta(days=1))

    def decide_slowly(self: Any, facts: Any, settings: Any, day: int, **more: Any) -> Any:
        if at_work:
            scope = at_work.pop()
            if (
                db.is_sqlite
            ):  # has one writer at a time: the nearest thing is a write in the engine's own unit
                arrives(scope)
            else:
                other_db.write(arrives, brand=shop.brand, now=scope.now)
        return decide(self, facts, settings, day, **more)

    decide = policy_class().decide
    look_at = service._look_at
    monkeypatch.setattr(policy_class(), "decide", decide_slowly)
    monkeypatch.setattr(service, "_look_at", lambda scope, *a: (at_work.append(scope), look_at(scope, *a))[1])
    monkeypatch.setattr(service, "UNIT", 0.0)  # one chunk a unit
    with shop.now():
        service.run(db, shop.brand, seconds=0)
    other_db.close()
    monkeypatch.undo()
    dirty = select(Member.id).where(Member.brand_id == shop.brand.id, Member.dirty_on.is_not(None))
    with db.read() as scope:
        assert scope.session.scalars(dirty).all() == [late]
    assert shop.stages()[late] == ("introduction", "no_order_yet")  # by what was read
    shop.run()
    assert shop.stages()[late] == ("introduction", "first_order")
    assert shop.stages()[other] == ("introduction", "no_order_yet")
    assert scalar(shop, dirty) is None


# --- stopping, going on, taking turns ----------------------------------------------------------------------------------


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three members a unit."""
    monkeypatch.setattr(service, "UNIT", 0.0)
    monkeypatch.setattr(service, "SMALLEST_CHUNK", 3)
    monkeypatch.setattr(service.Place.__init__, "__defaults__", (0, 3, 0, 0))


@pytest.mark.usefixtures("small_chunks")
def test_a_run_that_was_stopped_goes_on_where_it_was(db: Database) -> None:
    shop = new_shop(db)
    shop.live([("join", 50)] * 10)
    looked_at = []
    with shop.now():
        while not (result := service.run(db, shop.brand, seconds=0)).finished:
            looked_at.append(result.looked_at)
    assert looked_at == [3, 6, 9, 10] and result.looked_at == 10
    shop.check()
    assert scalar(shop, select(func.count()).where(StageChange.brand_id == shop.brand.id)) == 10


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("back_again", [False, True])
def test_settings_changed_in_the_middle_of_a_run_count_for_everybody(db: Database, back_again: bool) -> None:
    shop = new_shop(db, churn_days=100)
    shop.live([*[("join", 50)] * 10, ("run",), ("set", {"churn_days": 40})])
    with shop.now():
        assert service.run(db, shop.brand, seconds=0).looked_at == 3
    shop.live([("set", {"churn_days": 100 if back_again else 30}), ("run",)])  # `run` checks
    assert set(shop.stages().values()) == {
        ("introduction", "no_order_yet") if back_again else ("churn", "never_bought")
    }


@pytest.mark.usefixtures("small_chunks")
def test_two_runs_at_once_decide_once(db: Database) -> None:
    shop = new_shop(db)
    shop.live([("join", 50)] * 30)
    faults: list[BaseException] = []

    def one() -> None:
        own = Database(db.url)
        try:
            with shop.now():
                service.run(own, shop.brand)
        except BaseException as fault:  # told to the test below
            faults.append(fault)
        finally:
            own.close()

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    shop.check()
    assert scalar(shop, select(func.count()).where(StageChange.brand_id == shop.brand.id)) == 30


# --- what stops it -----------------------------------------------------------------------------------------------------


def test_a_policy_that_fails_changes_nothing_and_is_told(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = new_shop(db)
    shop.live([("join", 50), ("run",), ("advance", 200)])
    before = shop.stages()
    decide = policy_class().decide

    def fail(self: Any, facts: Any, settings: Any, day: int, **more: Any) -> Any:
        raise ZeroDivisionError

    for broken in (fail, lambda *a, **k: decide(*a, **k).__class__("asleep", "no_order")):
        monkeypatch.setattr(policy_class(), "decide", broken)
        with shop.now():
            result = service.run(db, shop.brand)
        assert result.error == "plugin_failed" and not result.finished
        assert (result.error_facts or {})["plugin"] == PLUGIN
        assert shop.stages() == before
    monkeypatch.undo()
    # Not tried again at every tick, but in ten minutes, and at once when somebody asks.
    with shop.now():
        moment = clock.now()
    assert rings(shop, moment + timedelta(minutes=9)) == []
    assert len(rings(shop, moment + timedelta(minutes=10))) == 1
    db.write(service.want, brand=shop.brand)
    assert len(rings(shop, moment)) == 1
    shop.run()
    assert scalar(shop, select(LifecycleRun.error).where(LifecycleRun.brand_id == shop.brand.id)) is None


def test_without_a_policy_nothing_is_decided(db: Database) -> None:
    shop = new_shop(db)
    db.write(lambda scope: context.switch(scope, PLUGIN, on=False), brand=shop.brand)
    shop.live([("join", 50)])
    with shop.now():
        assert service.run(db, shop.brand).error == "no_policy"
    assert shop.stages() == {}
    db.write(lambda scope: context.switch(scope, PLUGIN, on=True), brand=shop.brand)
    shop.run()


# --- when it runs ------------------------------------------------------------------------------------------------------


def test_the_sweep_rings_after_local_midnight_and_for_changed_facts(db: Database) -> None:
    shop = new_shop(db)
    zone = ZoneInfo(shop.brand.timezone)
    midnight = datetime.combine(START, datetime.min.time(), zone)
    shop.live([("join", 50), ("run",)])
    assert rings(shop, midnight + timedelta(hours=23, minutes=59)) == []
    assert len(rings(shop, midnight + timedelta(hours=24))) == 1
    shop.live([("buy", 0, 0)])  # seen tomorrow
    assert rings(shop, midnight + timedelta(hours=23)) == []
    shop.live([("buy", 0, -3)])  # late: seen at once
    assert rings(shop, midnight + timedelta(hours=23)) == [Ring("lifecycle.run", {"brand_id": shop.brand.id})]
    with shop.now():
        jobs.run(db, shop.brand.id)
    shop.check()
    assert rings(shop, midnight + timedelta(hours=23)) == []


def test_a_new_member_has_a_stage_within_moments(db: Database) -> None:
    shop = new_shop(db)
    shop.live([("run",), ("join",)])
    assert len(rings(shop)) == 1
    with shop.now():
        jobs.run(db, shop.brand.id)
    assert set(shop.stages().values()) == {("introduction", "joined_today")}


def test_a_change_of_settings_asks_for_a_run(db: Database) -> None:
    shop = new_shop(db)
    shop.live([("join", 50), ("run",)])
    assert rings(shop) == []
    shop.live([("set", {"churn_days": 20})])
    with shop.now():
        events.deliver(db, shop.brand.id)
    assert len(rings(shop)) == 1
    with shop.now():
        jobs.run(db, shop.brand.id)
    shop.check()
    assert rings(shop) == []


# --- merged members ----------------------------------------------------------------------------------------------------


def test_a_person_has_one_stage_by_the_orders_of_all_its_members(db: Database) -> None:
    shop = new_shop(db)
    shop.live([("join", 100), ("join", 100), ("buy", 0, -40), ("buy", 1, -3), ("run",)])
    kept, gone = shop.members

    def merge(scope: Scope) -> None:
        mine = scope.brand.id
        scope.session.execute(
            update(Member).where(Member.brand_id == mine, Member.id == gone).values(person_id=kept)
        )
        scope.session.execute(
            update(Order).where(Order.brand_id == mine, Order.person_id == gone).values(person_id=kept)
        )
        members.touch(scope, [kept, gone], START - timedelta(days=40))

    with shop.now():
        db.write(merge, brand=shop.brand)
        assert service.run(db, shop.brand).finished  # and comes to an end, although the other stays marked
    with db.read(brand=shop.brand) as scope:
        stage = scope.session.get(MemberStage, (shop.brand.id, kept))
        assert stage is not None and (stage.stage, stage.reason) == ("growth", "orders")
    assert rings(shop) == []


# --- units -------------------------------------------------------------------------------------------------------------


def test_chunks_grow_while_they_are_short_and_shrink_when_they_are_long() -> None:
    size: Callable[[int, int, float], int] = service._next_size
    assert size(200, 200, 0.01) == 400
    assert size(2000, 2000, 0.01) == 2000
    assert size(120, 200, 0.01) == 200  # there were no more
    assert size(200, 200, service.UNIT * 0.9) == 200
    assert size(200, 200, service.UNIT * 1.6) == 100
    assert size(30, 30, 9.0) == 25


@ONE_DATABASE
def test_many_members_in_units_that_let_others_work(db: Database) -> None:
    shop = new_shop(db)

    def fill(scope: Scope) -> None:
        for _ in range(300):
            make_member(scope, joined_on=START - timedelta(days=9))

    with shop.now():
        db.write(fill, brand=shop.brand)
    assert shop.run().looked_at == 300
