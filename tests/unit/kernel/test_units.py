"""The unit of work: all or nothing, bells after commit, keys once, steps exactly once, events at least once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from webapp.kernel import clock, events, idempotency
from webapp.kernel.audit import Audit
from webapp.kernel.db import Database
from webapp.kernel.errors import UserError
from webapp.kernel.idempotency import once
from webapp.kernel.scope import BrandRef, Ring, Scope
from webapp.kernel.steps import Done, Next, run_steps


def entries(db: Database) -> int:
    with db.read() as scope:
        return scope.session.scalar(select(func.count()).select_from(Audit).where(Audit.verb == "test")) or 0


def test_a_fault_rolls_back_everything_and_rings_nothing(db: Database, brand: BrandRef) -> None:
    rung: list[Ring] = []
    db.ring = rung.extend

    def work(scope: Scope) -> None:
        scope.audit("test", "thing")
        scope.ring("a.job", brand_id=brand.id)
        scope.session.flush()
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        db.write(work, brand=brand)
    assert entries(db) == 0 and not rung

    db.write(
        lambda scope: (scope.audit("test", "thing"), scope.ring("a.job"), scope.ring("a.job")), brand=brand
    )
    assert entries(db) == 1 and rung == [Ring("a.job", {})]


def test_a_reading_scope_cannot_write(db: Database, brand: BrandRef) -> None:
    with pytest.raises(Exception, match=r"readonly|read-only|cannot execute"), db.read(brand=brand) as scope:
        scope.session.add(
            Audit(
                brand_id=1, id=1, at=scope.now, actor_kind="x", actor_id=0, verb="v", subject="s", detail={}
            )
        )
        scope.session.flush()


@pytest.mark.parametrize("db_kind", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_what_is_read_often_is_prepared(db: Database, brand: BrandRef) -> None:
    for _ in range(8):
        entries(db)
    with db.read() as scope:
        assert scope.session.scalar(text("SELECT count(*) FROM pg_prepared_statements"))


def test_ids_are_never_given_twice_whatever_rolls_back(db: Database, brand: BrandRef) -> None:
    seen: set[int] = set()

    def take(scope: Scope, n: int, fail: bool) -> list[int]:
        ids = [*scope.new_ids(n), scope.new_id()]
        if fail:
            raise RuntimeError
        return ids

    for n, fail in [
        (3, False),
        (700, True),
        (5, False),
        (600, False),
        (1, True),
        (511, False),
        (2, False),
    ] * 4:
        try:
            ids = db.write(lambda scope, n=n, fail=fail: take(scope, n, fail), brand=brand)  # type: ignore[misc]
        except RuntimeError:
            continue
        assert not seen & set(ids)
        seen |= set(ids)


def test_the_same_key_works_once_and_answers_the_same(db: Database, brand: BrandRef) -> None:
    def work(scope: Scope) -> Any:
        return once(
            scope, "key-12345", "test", lambda: {"n": (scope.audit("test", "thing"), scope.new_id())[1]}
        )

    first = db.write(work, brand=brand)
    assert db.write(work, brand=brand) == first
    assert entries(db) == 1
    with pytest.raises(UserError):
        db.write(lambda scope: once(scope, "key-12345", "other", lambda: 1), brand=brand)


def test_old_keys_are_forgotten_and_young_ones_kept(db: Database, brand: BrandRef) -> None:
    now = clock.now()
    for days, n in ((40, 3), (1, 2)):
        for i in range(n):
            db.write(
                lambda scope, key=f"key-{days}-{i}": once(scope, key, "test", lambda: 1),  # type: ignore[misc]
                brand=brand,
                now=now - timedelta(days=days),
            )
    assert idempotency.old(db) == [Ring("idempotency.purge", {})]
    assert idempotency.purge(db) == 3
    assert idempotency.old(db) == []
    assert idempotency.purge(db) == 0
    assert db.write(lambda scope: once(scope, "key-1-0", "test", lambda: 2), brand=brand) == 1


def test_a_fault_leaves_the_key_free(db: Database, brand: BrandRef) -> None:
    def fail(scope: Scope) -> Any:
        return once(scope, "key-67890", "test", lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        db.write(fail, brand=brand)
    assert db.write(lambda scope: once(scope, "key-67890", "test", lambda: 7), brand=brand) == 7


def test_steps_go_on_where_they_were_and_each_counts_once(db: Database, brand: BrandRef) -> None:
    def step(scope: Scope, cursor: int) -> Next | Done:
        scope.audit("test", "step", cursor)
        if cursor == 3 and not broken:
            broken.append(1)
            scope.session.flush()
            raise RuntimeError("power cut")
        return Done({"steps": cursor + 1}) if cursor == 5 else Next(cursor + 1)

    broken: list[int] = []
    with pytest.raises(RuntimeError):
        run_steps(db, brand, "test", "a", step, start=0)
    assert entries(db) == 3
    assert run_steps(db, brand, "test", "a", step, start=0) == Done({"steps": 6})
    assert run_steps(db, brand, "test", "a", step, start=0) == Done({"steps": 6})
    assert entries(db) == 6


def test_an_event_reaches_each_subscriber_and_a_failing_one_is_retried_then_parked(
    db: Database, brand: BrandRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, int]] = []
    monkeypatch.setitem(
        events.SUBSCRIBERS,
        "test.event",
        {
            "good": lambda scope, payload: heard.append(("good", payload["n"])),
            "bad": lambda scope, payload: (scope.audit("test", "bad"), 1 / 0),
        },
    )
    db.write(lambda scope: scope.emit("test.event", n=7), brand=brand)
    assert events.due(db) == [Ring("events.deliver", {"brand_id": brand.id})]
    assert events.deliver(db, brand.id) == 1
    assert heard == [("good", 7)]
    assert entries(db) == 0  # what the failing one wrote is gone
    with db.read(brand=brand) as scope:
        rest = scope.session.scalars(select(events.Event)).all()
    assert [(e.subscriber, e.attempts, e.error) for e in rest] == [("bad", 1, "ZeroDivisionError")]
    assert events.deliver(db, brand.id) == 0  # not before its time
    for _ in range(events.PARK_AFTER):
        db.write(_make_due, brand=brand)
        events.deliver(db, brand.id)
    with db.read(brand=brand) as scope:
        assert scope.session.scalars(select(events.Event.next_at)).all() == [None]


def _make_due(scope: Scope) -> None:
    for event in scope.session.scalars(select(events.Event).where(events.Event.next_at.is_not(None))):
        event.next_at = scope.now
