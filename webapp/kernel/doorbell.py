"""The registry of jobs and sweeps, and the bell that is rung after commit.

The row is the truth: a bell that is not heard costs seconds, because the tick's sweeps find due rows and ring again.
Names, not callables, go through the queue: `webapp.jobs.entry.run(name, ids)` is the only thing RQ ever runs.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from webapp.kernel.db import Database
    from webapp.kernel.scope import Ring

log = logging.getLogger("regulars.doorbell")

JobFunction = Callable[..., Any]
SweepFunction = Callable[["Database"], "list[Ring]"]
SHARE = 1.0  # seconds of the worker that long work behind the scenes takes at a time: its next bell goes on, after those who wait
JOBS: dict[str, JobFunction] = {}
SWEEPS: dict[str, SweepFunction] = {}


def job(name: str) -> Callable[[JobFunction], JobFunction]:
    """Register `fn(db, **ids)` as a job. Idempotent by law: it may run twice, or at the same time as itself."""

    def register(fn: JobFunction) -> JobFunction:
        if JOBS.setdefault(name, fn) is not fn:
            raise RuntimeError(f"two jobs are called {name!r}")
        return fn

    return register


def sweep(name: str) -> Callable[[SweepFunction], SweepFunction]:
    """Register `fn(db) -> [Ring, ...]`: a cheap look for due rows, run by the tick every second or two."""

    def register(fn: SweepFunction) -> SweepFunction:
        if SWEEPS.setdefault(name, fn) is not fn:
            raise RuntimeError(f"two sweeps are called {name!r}")
        return fn

    return register


class Bell(Protocol):
    """Rings: puts (name, ids) where a worker hears it. Never raises; a lost ring is found by a sweep."""

    def __call__(self, rings: list[Ring]) -> None: ...


def silent(rings: list[Ring]) -> None:
    """The bell of a process without a queue (imports from the shell before the shop is up)."""


def ring_id(ring: Ring) -> str:
    """The same work has the same id, so that a bell rung twice while it waits is one job."""
    text = json.dumps([ring.job, ring.ids], sort_keys=True, separators=(",", ":"))
    return f"{ring.job.replace('.', '-')}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
