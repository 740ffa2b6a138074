"""When a backup is owed, who begins it, which files stay."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.waiting import wait_for
from tests.support.web import settings
from webapp.backup import jobs, schedule, service
from webapp.backup.archive import Manifest
from webapp.backup.make import Made
from webapp.backup.models import BackupPlan
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def local(*when: int, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime(*when, tzinfo=zone)  # type: ignore[arg-type]


def test_the_hour_is_the_machines() -> None:
    assert schedule.slot(local(2026, 3, 2, 3, 0), 3, SHANGHAI) == local(2026, 3, 2, 3)
    assert schedule.slot(local(2026, 3, 2, 2, 59), 3, SHANGHAI) == local(2026, 3, 1, 3)
    for hour in range(24):  # also on the days on which the clock is put forward and back
        for day in (local(2026, 3, 29, 12, zone=BERLIN), local(2026, 10, 25, 12, zone=BERLIN)):
            found = schedule.slot(day, hour, BERLIN)
            assert day - DAY <= found <= day


@pytest.mark.parametrize(
    ("now", "tried", "last", "answer"),
    [
        (
            local(2026, 3, 2, 2),
            None,
            None,
            False,
        ),  # begun yesterday noon: nothing is owed before the first hour
        (local(2026, 3, 2, 3), None, None, True),
        (local(2026, 3, 2, 9), None, None, True),  # the machine was off at three
        (local(2026, 3, 2, 9), local(2026, 3, 2, 8, 30), None, False),  # it failed half an hour ago
        (local(2026, 3, 2, 9), local(2026, 3, 2, 7, 30), None, True),
        (local(2026, 3, 2, 9), local(2026, 3, 2, 3), local(2026, 3, 2, 3), False),
        (local(2026, 3, 3, 3), local(2026, 3, 2, 3), local(2026, 3, 2, 3), True),
        (local(2026, 3, 9, 9), local(2026, 3, 2, 3), local(2026, 3, 2, 3), True),  # one, not seven
    ],
)
def test_what_is_owed(now: datetime, tried: datetime | None, last: datetime | None, answer: bool) -> None:
    since = local(2026, 3, 1, 12)
    assert schedule.owed(now, hour=3, since=since, tried=tried, last=last, zone=SHANGHAI) is answer


def test_a_warning_after_two_days() -> None:
    assert schedule.stale(START, None)
    assert not schedule.stale(START, START - 2 * DAY)
    assert schedule.stale(START, START - 2 * DAY - timedelta(minutes=1))


def test_without_a_plan_nothing_is_due(db: Database) -> None:
    assert jobs.due(db) == []
    db.write(service.begin)
    db.write(service.begin)  # a second start changes nothing
    assert jobs.due(db) == []


def test_one_of_two_takes_the_turn(db: Database) -> None:
    db.write(service.begin, now=START)
    later = START + DAY
    assert db.write(service.claim, now=later) is True
    assert db.write(service.claim, now=later) is False  # begun; again in an hour if nothing came of it
    assert db.write(service.claim, now=later + timedelta(hours=2)) is True
    made = Made(Path("/x"), 1, Manifest("sqlite", "0", ""))
    db.write(lambda scope: service.record(scope, later, made, planned=True), now=later + timedelta(hours=2))
    assert db.write(service.claim, now=later + timedelta(hours=4)) is False
    db.write(service.ask)
    assert db.write(service.claim, now=later + timedelta(hours=4)) is True  # asked for by hand


def test_the_plan_removes_its_own_old_files(db: Database, tmp_path: Path) -> None:
    def one(n: int, *, planned: bool) -> Path:
        file = tmp_path / f"{n}.backup"
        file.touch()
        made = Made(file, 1, Manifest("sqlite", "0", ""))
        db.write(
            lambda scope: service.record(scope, START + n * DAY, made, planned=planned), now=START + n * DAY
        )
        return file

    db.write(service.begin)
    db.write(lambda scope: service.save(scope, service.Plan(keep=2)), brand=seed.brand(db))
    files = [one(n, planned=n != 1) for n in range(5)]
    db.write(lambda scope: service.record(scope, START, "the disk is full", planned=True))
    assert sorted(db.write(service.prune)) == [str(files[0]), str(files[2])]
    assert [file.exists() for file in files] == [False, True, False, True, True]
    assert db.write(service.prune) == []
    with db.read() as scope:
        assert service.last_good(scope) == START + 4 * DAY


@ONE_DATABASE
def test_a_folder_must_take_files(db: Database, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    wrong = {"backups": "relative", str(tmp_path / "file"): "missing", "/proc/nothing": "missing"}
    for folder, why in wrong.items():
        refused = db.write(
            lambda scope, folder=folder: service.save(scope, service.Plan(folder=folder)),
            brand=seed.brand(db),
        )
        assert isinstance(refused, Refused) and refused.facts == {"why": why}
    fine = tmp_path / "new" / "folder"
    assert (
        db.write(lambda scope: service.save(scope, service.Plan(folder=str(fine))), brand=seed.brand(db))
        is None
    )
    assert fine.is_dir() and not list(fine.iterdir())


@ONE_DATABASE
def test_the_worker_begins_it_and_it_tells_its_end(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real process, as the worker starts it: a good one, and one for which there is no room."""
    here = settings(tmp_path / "instance", db.url)
    db.write(service.begin)
    monkeypatch.setenv("REGULARS_INSTANCE", str(here.instance))
    db.write(service.ask, brand=seed.brand(db))
    jobs.begin(db)  # this process's settings name another database: nothing happens
    assert jobs.due(db)
    monkeypatch.setenv("REGULARS_DATABASE_URL", db.url)
    jobs.begin(db)
    assert jobs.due(db) == []

    def ended(count: int) -> bool:
        with db.read() as scope:
            return len(service.runs(scope)) == count

    wait_for(lambda: ended(1), 180, every=0.1)
    with db.read() as scope:
        (run,) = service.runs(scope)
        assert run.error == "" and run.planned
        assert (
            Path(run.file).parent == here.instance / "backups" and Path(run.file).stat().st_size == run.size
        )
    (tmp_path / "gone").touch()  # a file where the folder should be

    def broken(scope: object) -> None:
        plan = scope.session.get_one(BackupPlan, 1)  # type: ignore[attr-defined]
        plan.folder, plan.wanted = str(tmp_path / "gone" / "below"), True

    db.write(broken)
    jobs.begin(db)
    wait_for(lambda: ended(2), 180, every=0.1)
    with db.read() as scope:
        assert "could not be written" in service.runs(scope)[0].error
    wait_for(lambda: [p for p in jobs._begun if p.poll() is None] == [], 30)


def test_a_day_at_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a zone it is the machine's own."""
    import time

    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert schedule.slot(local(2026, 3, 2, 3, 0), 3) == local(2026, 3, 2, 3)
        assert schedule.slot(local(2026, 3, 2, 2, 0), 3) == local(2026, 3, 1, 3)
    finally:
        os.environ.pop("TZ", None)
        monkeypatch.undo()
        time.tzset()
    assert clock.now().tzinfo is UTC
