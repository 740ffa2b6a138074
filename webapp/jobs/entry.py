"""The only target that RQ ever runs: a job's name and its ids."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from webapp.kernel.doorbell import JOBS

if TYPE_CHECKING:
    from webapp.kernel.db import Database

log = logging.getLogger("regulars.jobs")
_database: Database | None = None


def bind(database: Database | None) -> None:
    """Say which database this process's jobs work on."""
    global _database
    _database = database


def run(name: str, ids: dict[str, Any]) -> None:
    """Run the registered job. Raises LookupError for a name that no room has registered."""
    if _database is None:
        raise RuntimeError("no database is bound: jobs are run by the shop's own worker (regulars up)")
    try:
        body = JOBS[name]
    except KeyError:
        raise LookupError(f"no job is called {name!r}") from None
    started = time.monotonic()
    body(_database, **ids)
    log.info("%s %s took %.0f ms", name, _plain(ids), (time.monotonic() - started) * 1000)


def _plain(ids: dict[str, Any]) -> str:
    """Ids as key=value. Ids only travel through the queue, so nothing here is personal."""
    return " ".join(f"{key}={value}" for key, value in ids.items()) or "-"
