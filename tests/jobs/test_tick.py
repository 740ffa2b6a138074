"""The tick: every sweep gets its turn, whatever the others do; a database that is away is waited for."""

import logging
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from webapp.jobs.bell import QueueBell
from webapp.jobs.tick import LONGEST_PAUSE, Tick
from webapp.kernel.db import Database
from webapp.kernel.doorbell import SweepFunction
from webapp.kernel.scope import Ring


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'db.sqlite3'}")


def rounds(database: Database, **sweeps: SweepFunction) -> tuple[Tick, list[Ring]]:
    heard: list[Ring] = []
    return Tick(database, heard.extend, sweeps), heard


def test_a_sweep_that_raises_is_told_of_once_and_the_others_ring(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(db: Database) -> list[Ring]:
        raise ValueError("meant")

    def no_table(db: Database) -> list[Ring]:
        with db.read() as scope:
            scope.session.execute(text("SELECT 1 FROM nowhere"))
        return []

    tick, heard = rounds(database, a=broken, b=no_table, c=lambda db: [Ring("do", {"n": 1})])
    with caplog.at_level(logging.WARNING):
        assert tick.round() and tick.round()
    assert heard == [Ring("do", {"n": 1})] * 2
    assert [record.message for record in caplog.records] == ["the sweep a failed", "the sweep b failed"]


def test_a_database_that_is_away_ends_the_round_and_lengthens_the_pause_to_a_bound(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from webapp.kernel import halt

    def away(db: Database) -> list[Ring]:
        raise OperationalError("select", {}, sqlite3.OperationalError("unable to open database file"))

    pauses: list[float] = []

    def wait(seconds: float) -> bool:
        pauses.append(seconds)
        return False

    tick, heard = rounds(database, a=away, b=lambda db: [Ring("do", {})])
    assert not tick.round()
    assert heard == []
    monkeypatch.setattr(halt, "wait", wait)
    monkeypatch.setattr(halt, "asked", lambda: len(pauses) >= 7)
    tick.run()
    assert pauses == sorted(pauses) and pauses[-1] == LONGEST_PAUSE


def test_a_postgresql_that_does_not_answer_is_away() -> None:
    def look(db: Database) -> list[Ring]:
        with db.read() as scope:
            scope.session.execute(text("SELECT 1"))
        return []

    database = Database("postgresql://nobody@127.0.0.1:1/nothing")
    tick, _ = rounds(database, a=look)
    assert not tick.round()
    database.close()


def test_the_bell_never_raises_and_does_not_make_a_second_page_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bell = QueueBell("redis://:secret@127.0.0.1:1/0")
    with caplog.at_level(logging.INFO):
        bell([Ring("do", {"n": 1})])
        bell([Ring("do", {"n": 2})])
    assert len(caplog.records) == 1 and "secret" not in caplog.text
    bell.close()
