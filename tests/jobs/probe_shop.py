"""A shop small enough to watch: one table, one job, one sweep, one page, run by the real supervisor.

`python -m tests.jobs.probe_shop [--port N] [--workers N] [--guardian] [--extra NAME]`, settings from the environment.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import text

from webapp import config
from webapp.jobs.bell import bell_for
from webapp.kernel import halt
from webapp.kernel.db import Database
from webapp.kernel.doorbell import job, sweep
from webapp.kernel.scope import Ring, Scope
from webapp.supervisor.child import Child
from webapp.supervisor.shop import Parts, Plan, supervise

TABLES = (
    "CREATE TABLE IF NOT EXISTS task (id INTEGER PRIMARY KEY, state VARCHAR(10) NOT NULL, pid INTEGER, runs INTEGER DEFAULT 0)",
)


def database() -> Database:
    """The probe's database, with the bell of its instance."""
    settings = config.load()
    settings.instance.mkdir(parents=True, exist_ok=True)
    return Database(settings.database_url, ring=bell_for(settings))


def make_tables() -> None:
    """What migrations are for a real shop."""

    def work(scope: Scope) -> None:
        for statement in TABLES:
            scope.session.execute(text(statement))

    db = database()
    db.write(work)
    db.close()


@job("probe.do")
def do(db: Database, *, task: int, seconds: float = 0.0) -> None:
    """Mark the row done, with this process's number; slowly if asked to."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not halt.asked():
        time.sleep(0.02)

    def work(scope: Scope) -> None:
        scope.session.execute(
            text("UPDATE task SET state = 'done', pid = :pid, runs = runs + 1 WHERE id = :id"),
            {"pid": os.getpid(), "id": task},
        )

    db.write(work)


@job("probe.drain")
def drain(db: Database) -> None:
    """Do every row that is due."""

    def work(scope: Scope) -> None:
        scope.session.execute(
            text("UPDATE task SET state = 'done', pid = :pid, runs = runs + 1 WHERE state = 'due'"),
            {"pid": os.getpid()},
        )

    db.write(work)


@job("probe.trickle")
def trickle(db: Database) -> None:
    """Do the slow rows one by one, each in a unit of its own, until none is left or this process is to end."""

    def work(scope: Scope) -> bool:
        done = scope.session.execute(
            text(
                "UPDATE task SET state = 'done', pid = :pid, runs = runs + 1 "
                "WHERE id = (SELECT min(id) FROM task WHERE state = 'slow') RETURNING id"
            ),
            {"pid": os.getpid()},
        )
        return done.first() is not None

    while not halt.asked() and db.write(work):
        time.sleep(0.005)


@job("probe.fail")
def fail(db: Database) -> None:
    """Always raises."""
    raise ValueError("meant to fail")


@sweep("probe.broken")
def broken(db: Database) -> list[Ring]:
    """A sweep that always raises must not stop the others."""
    raise ValueError("meant to fail")


@sweep("probe")
def due(db: Database) -> list[Ring]:
    """Rings for rows that are due."""
    with db.read() as scope:
        found = set(scope.session.execute(text("SELECT DISTINCT state FROM task")).scalars())
    return [
        Ring(name, {})
        for state, name in (("due", "probe.drain"), ("slow", "probe.trickle"))
        if state in found
    ]


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """One page that says which process answered; /slow takes half a second."""
    if environ["PATH_INFO"].startswith("/slow"):
        time.sleep(0.5)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--guardian", action="store_true")
    parser.add_argument("--no-web", action="store_true")
    parser.add_argument("--ender", type=int, help="an extra child that ends the shop with this code")
    wanted = parser.parse_args()

    def extra(address: str) -> list[Child]:
        if wanted.ender is None:
            return []
        return [Child("ender", lambda: sys.exit(wanted.ender), at_end="stop")]

    def ready(address: str) -> None:
        print(f"ready {address}", flush=True)

    return supervise(
        Plan(
            config.load(),
            load=lambda: Parts(app, database()),
            prepare=make_tables,
            port=wanted.port,
            workers=wanted.workers,
            web=not wanted.no_web,
            extra=extra,
            ready=ready,
            **({"parent_death_signal": False} if wanted.guardian else {}),
        )
    )


if __name__ == "__main__":
    sys.exit(main())
