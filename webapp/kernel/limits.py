"""Rate limits, counted on the queue server so that all web processes count together (library: limits).

Where the queue server is away, each process counts by itself: a limit that holds less well is better than a door that
nobody can open.
"""

from __future__ import annotations

import logging
import time
from typing import Literal

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

log = logging.getLogger("regulars.limits")
_memory = MemoryStorage()
_shared: Storage | None = None
_quiet_until = 0.0


def use_server(url: str | None) -> None:
    """Once per process, at start: count on this queue server."""
    global _shared
    if url is None:
        _shared = None
        return
    address = url.replace("unix:", "redis+unix:", 1) if url.startswith("unix:") else url
    try:
        made = storage_from_string(address, socket_timeout=0.5, socket_connect_timeout=0.5)
        _shared = made if isinstance(made, Storage) else None
    except Exception as why:  # a storage that cannot even be made must not stop the web
        log.warning("limits are counted per process (%s)", type(why).__name__)


def limit(name: str, who: str, times: int, seconds: int) -> bool:
    """May `who` do `name` once more? At most `times` in `seconds`; the call counts."""
    return _ask("hit", name, who, times, seconds)


def left(name: str, who: str, times: int, seconds: int) -> bool:
    """The same, but asking does not count: for what is counted only when it goes wrong."""
    return _ask("test", name, who, times, seconds)


def _ask(how: Literal["hit", "test"], name: str, who: str, times: int, seconds: int) -> bool:
    global _quiet_until
    item = RateLimitItemPerSecond(times, seconds)
    if _shared is not None and time.monotonic() >= _quiet_until:
        try:
            return bool(getattr(FixedWindowRateLimiter(_shared), how)(item, "regulars", name, who))
        except Exception as why:  # whatever the server's client raises
            _quiet_until = time.monotonic() + 5
            log.warning("the queue server does not count (%s)", type(why).__name__)
    return bool(getattr(FixedWindowRateLimiter(_memory), how)(item, "regulars", name, who))
