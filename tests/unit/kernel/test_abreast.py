"""Units that are made side by side: committed in their order, each once, whatever fails and whoever goes on."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from webapp.kernel import clock
from webapp.kernel.abreast import Overtaken, Part, Turn, Unit, run_abreast
from webapp.kernel.audit import Audit
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.kernel.steps import Done, Next, StepRun, hold, run_steps

pytestmark = pytest.mark.parametrize(
    "db_kind", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)

UNITS = 12


def written(db: Database) -> list[int]:
    """The units whose work is stored, in the order of their ids."""
    with db.read() as scope:
        return list(
            scope.session.scalars(select(Audit.subject_id).where(Audit.verb == "test").order_by(Audit.id))
        )


def plan_of(
    before: Callable[[int], Any] = lambda n: None, after: Callable[[int], Any] = lambda n: None
) -> Callable[[Scope, Any], Iterator[Part]]:
    """Units from the cursor to UNITS; `before` is called in each before its turn, `after` in it."""

    def unit(n: int) -> Unit:
        def work(scope: Scope, turn: Turn) -> Next:
            before(n)
            if turn() != n:
                raise Overtaken
            scope.audit("test", "unit", n)
            scope.flush()
            after(n)
            return Next(n + 1)

        return work

    def plan(scope: Scope, cursor: int) -> Iterator[Part]:
        return ((lambda n=n: unit(n)) for n in range(cursor, UNITS))

    return plan


def finish(scope: Scope, cursor: int) -> Next | Done:
    if cursor == UNITS:
        return Done("through")
    scope.audit("test", "unit", cursor)
    return Next(cursor + 1)


def test_two_at_a_time_are_committed_in_their_order(db: Database, brand: BrandRef) -> None:
    chance, lock, at_once = random.Random(3), threading.Lock(), [0, 0]
    told: list[int] = []

    def before(n: int) -> None:
        with lock:
            at_once[0] += 1
            at_once[1] = max(at_once)
        time.sleep(chance.random() * 0.03)
        with lock:
            at_once[0] -= 1

    run_abreast(db, brand, "test", "a", plan_of(before), start=0, progress=told.append)
    assert written(db) == list(range(UNITS)) and told == list(range(1, UNITS + 1))
    assert at_once[1] == 2
    assert run_steps(db, brand, "test", "a", finish, start=0) == Done("through")
    run_abreast(db, brand, "test", "a", plan_of(), start=0)  # there is nothing left to do
    assert written(db) == list(range(UNITS))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fails", [0, 5, UNITS - 1])
def test_of_one_that_fails_nothing_is_left_and_none_follows_it(
    db: Database, brand: BrandRef, when: str, fails: int
) -> None:
    def fail(n: int) -> None:
        if n == fails:
            time.sleep(0.05)  # the next one waits for its turn already
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        run_abreast(db, brand, "test", "a", plan_of(**{when: fail}), start=0)
    assert written(db) == list(range(fails))
    run_abreast(db, brand, "test", "a", plan_of(), start=0)
    assert written(db) == list(range(UNITS))


def test_one_that_fails_early_does_not_take_the_one_before_it_along(db: Database, brand: BrandRef) -> None:
    six = threading.Event()

    def before(n: int) -> None:
        if n == 6:
            six.set()
            raise RuntimeError("power cut")
        if n == 5:
            six.wait(5)
            time.sleep(0.1)  # still writing when the next one has failed

    with pytest.raises(RuntimeError, match="power cut"):
        run_abreast(db, brand, "test", "a", plan_of(before), start=0)
    assert written(db) == list(range(6))


def test_one_that_waits_long_lets_go_of_what_it_holds(db: Database, brand: BrandRef) -> None:
    """Else a third transaction that holds up the unit before could wait for it, and PostgreSQL would see no circle."""
    ids = [run_id(db, brand, key) for key in ("row 0", "row 1")]
    held, taken, tries = threading.Event(), threading.Event(), []

    def lock(scope: Scope, which: int) -> None:
        row = (StepRun.brand_id == brand.id, StepRun.id == ids[which])
        scope.session.execute(update(StepRun).where(*row).values(steps=StepRun.steps + 1))

    def unit(n: int) -> Unit:
        def work(scope: Scope, turn: Turn) -> Next:
            if n == 0:
                taken.wait(5)
                time.sleep(0.1)
            lock(scope, n)
            held.set()
            turn()
            return Next(n + 1)

        return work

    def third(scope: Scope) -> None:
        tries.append(1)
        lock(scope, 0)
        taken.set()
        lock(scope, 1)

    def other() -> None:
        held.wait(5)
        db.write(third, brand=brand)

    beside = threading.Thread(target=other)
    beside.start()
    run_abreast(db, brand, "test", "a", lambda scope, at: ((lambda n=n: unit(n)) for n in range(2)), start=0)
    beside.join()
    assert len(tries) == 1 and not db.meter.retries  # nobody had to be broken off
    with db.read() as scope:
        assert set(scope.session.scalars(select(StepRun.steps).where(StepRun.id.in_(ids)))) == {2}


def run_id(db: Database, brand: BrandRef, key: str) -> int:
    return db.write(lambda scope: hold(scope, "test", key, 0).id, brand=brand)


def test_whoever_is_overtaken_stops_and_the_steps_go_on(db: Database, brand: BrandRef) -> None:
    def overtake(n: int) -> None:
        if n == 4 and len(written(db)) == 4:
            run_steps(db, brand, "test", "a", finish, start=0, seconds=0)

    run_abreast(db, brand, "test", "a", plan_of(overtake), start=0, lanes=lambda: 1)
    assert written(db) == list(range(5))
    assert run_steps(db, brand, "test", "a", finish, start=0) == Done("through")
    assert written(db) == list(range(UNITS))


def test_it_stops_in_time_and_goes_on_where_it_was(db: Database, brand: BrandRef) -> None:
    run_abreast(db, brand, "test", "a", plan_of(lambda n: time.sleep(0.03)), start=0, seconds=0.05)
    some = written(db)
    assert some == list(range(len(some))) and 0 < len(some) < UNITS
    run_abreast(db, brand, "test", "a", plan_of(), start=0)
    assert written(db) == list(range(UNITS))


def test_it_is_the_callers_time_in_each(db: Database, brand: BrandRef) -> None:
    with clock.fixed(datetime(2020, 2, 2, tzinfo=UTC)):
        run_abreast(db, brand, "test", "a", plan_of(), start=0)
    with db.read() as scope:
        assert {at.year for at in scope.session.scalars(select(Audit.at).where(Audit.verb == "test"))} == {
            2020
        }
