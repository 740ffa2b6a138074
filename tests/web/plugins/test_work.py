"""Work for later: once, at its moment; whatever fails, dies or is switched off in between."""

from __future__ import annotations

import multiprocessing
import signal
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support import seed
from tests.support.databases import ONE_DATABASE, OTHER_IN_DRILL
from tests.support.together import together
from tests.support.web import Client, Worker, text_of
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.plugin_runtime import context, work
from webapp.plugin_runtime.models import PluginWork
from webapp.tasks.models import Task

pytestmark = OTHER_IN_DRILL


@pytest.fixture
def worker(probe_app: Flask, db: Database) -> Worker:
    return Worker(db)


def later(
    db: Database,
    brand: BrandRef,
    staff: str,
    name: str = "note",
    key: str = "one",
    at: datetime | None = None,
) -> bool:
    return db.write(
        lambda scope: context.inside(scope, "coupon_probe").later(
            name, {"staff": staff, "key": key}, key=key, at=at or scope.now
        ),
        brand=brand,
    )


def noted(db: Database, brand: BrandRef) -> list[str]:
    with db.read(brand=brand) as scope:
        return sorted(t.title for t in scope.session.scalars(select(Task)) if t.title.startswith("noted"))


def row(db: Database, key: str = "one") -> PluginWork:
    with db.read() as scope:
        return scope.session.scalars(select(PluginWork).where(PluginWork.key == key)).one()


def test_it_is_done_once_when_its_moment_has_come(
    db: Database, brand: BrandRef, worker: Worker, me: str
) -> None:
    at = clock.now() + timedelta(hours=1)
    assert later(db, brand, me, at=at)
    assert not later(db, brand, me, at=at - timedelta(minutes=30))  # the first one counts
    worker.run()
    assert noted(db, brand) == []
    with clock.fixed(at):
        assert "plugins.work" in worker.run()
        assert noted(db, brand) == ["noted one"] and row(db).state == "done"
        assert not later(db, brand, me), "what was done is not asked for again"
        worker.run()
    assert noted(db, brand) == ["noted one"]
    with clock.fixed(at + work.KEPT + timedelta(days=1)):
        later(db, brand, me, key="two")
        worker.run()
        assert later(db, brand, me), "a month later nobody remembers"


def test_work_may_ask_for_more_work(db: Database, brand: BrandRef, worker: Worker, me: str) -> None:
    later(db, brand, me, "again")
    worker.run()
    with clock.fixed(clock.now() + timedelta(hours=2)):
        worker.run()
    assert noted(db, brand) == ["noted one", "noted second"]


def test_what_fails_leaves_nothing_is_tried_again_and_parked(
    db: Database, brand: BrandRef, worker: Worker, me: str, owner: Client
) -> None:
    later(db, brand, me, "fail")
    later(db, brand, me, "note", "beside it")
    worker.run()
    assert noted(db, brand) == ["noted beside it"], "one that fails stands in nobody's way"
    moment = clock.now()
    for tries in range(1, work.PARK_AFTER + 1):
        found = row(db)
        assert (found.tries, found.error) == (tries, "ValueError: it cannot be done")
        if tries == work.PARK_AFTER:
            break
        assert found.next_at is not None and found.next_at - moment <= work.pause(tries)
        moment = found.next_at
        with clock.fixed(moment):
            worker.run()
    assert (row(db).state, row(db).next_at) == ("parked", None)
    with clock.fixed(moment + timedelta(days=2)):
        worker.run()
    assert row(db).tries == work.PARK_AFTER
    page = text_of(owner.get("/settings/plugins/coupon_probe").text)
    assert "it cannot be done" in page and "stopped" in page
    assert "not tried any more" in text_of(owner.get("/").text)
    assert "stopped: 1" in text_of(owner.get("/settings/plugins").text)
    owner.submit("/settings/plugins/coupon_probe", {"do": "again"}, form="/later/")
    assert (row(db).state, row(db).tries) == ("waiting", 0)
    worker.run()
    assert row(db).tries == 1
    db.write(lambda scope: setattr(_load(scope), "state", "parked"), brand=brand)
    owner.submit("/settings/plugins/coupon_probe", {"do": "drop"}, form="/later/")
    assert row(db).state == "dropped" and noted(db, brand) == ["noted beside it"]


def _load(scope: Any) -> PluginWork:
    found: PluginWork = scope.session.scalars(select(PluginWork).where(PluginWork.key == "one")).one()
    return found


def test_while_the_plugin_is_off_it_waits(db: Database, brand: BrandRef, worker: Worker, me: str) -> None:
    later(db, brand, me)
    db.write(lambda scope: context.switch(scope, "coupon_probe", on=False), brand=brand)
    worker.rung.clear()
    assert "plugins.work" not in worker.run()
    assert (row(db).state, row(db).tries) == ("waiting", 0)
    db.write(lambda scope: context.switch(scope, "coupon_probe", on=True), brand=brand)
    worker.run()
    assert noted(db, brand) == ["noted one"]


def _killed(url: str, brand_id: int, moment: datetime) -> None:
    database = seed.database(url)
    with clock.fixed(moment):
        work.do_due(database, brand_id)


def test_a_worker_that_is_killed_at_it_loses_nothing_and_is_counted(
    db: Database, brand: BrandRef, worker: Worker, me: str
) -> None:
    """kill -9 in the middle: what its verbs wrote is gone with it, the row is not; and the sixth worker is the last."""
    later(db, brand, me, "die")
    moment = clock.now()
    for tries in range(1, work.PARK_AFTER + 1):
        child = multiprocessing.get_context("fork").Process(target=_killed, args=(db.url, brand.id, moment))
        child.start()
        child.join(30)
        assert child.exitcode == -signal.SIGKILL
        found = row(db)
        assert (found.state, found.tries) == ("waiting", tries) and noted(db, brand) == []
        assert found.next_at is not None
        moment = found.next_at
    with clock.fixed(moment):
        worker.run()
    assert (row(db).state, row(db).error) == ("parked", work.ENDED)


def test_workers_at_the_same_moment_do_each_piece_once(
    db: Database, brand: BrandRef, probe_app: Flask, me: str
) -> None:
    for n in range(12):
        later(db, brand, me, key=f"key {n}")
    counts = together(db.url, 3, lambda own, _n: work.do_due(own, brand.id))
    assert sum(counts) == 12 and len(noted(db, brand)) == 12


@ONE_DATABASE
def test_what_a_row_cannot_hold_is_said_at_once(db: Database, brand: BrandRef, probe_app: Flask) -> None:
    def ask(plugin: str, key: str, payload: dict[str, Any], name: str) -> None:
        db.write(
            lambda scope: context.inside(scope, plugin).later(name, payload, key=key, at=scope.now),
            brand=brand,
        )

    for key, payload, name in (
        ("", {}, "note"),
        ("x" * 81, {}, "note"),
        ("x", {"much": "x" * 4000}, "note"),
        ("x", {}, "No name"),
    ):
        with pytest.raises(ValueError):
            ask("coupon_probe", key, payload, name)
    with pytest.raises(ValueError, match="no hook"):
        ask("coupon_cash", "x", {}, "x")
