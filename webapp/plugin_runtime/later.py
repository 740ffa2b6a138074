"""What a plugin asks to be done later: the row. webapp.plugin_runtime.work does it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import Scope
from webapp.plugin_runtime.models import PluginWork
from webapp.plugin_runtime.runtime import registry

LARGEST = 4_000  # characters of a payload
WAITING, DONE, PARKED, DROPPED = "waiting", "done", "parked", "dropped"
JOB = "plugins.work"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


def add(scope: Scope, plugin: str, name: str, payload: Mapping[str, Any], *, key: str, at: datetime) -> bool:
    """Write the row in this unit, unless there is one of this key. Raises ValueError for what a row cannot hold."""
    loaded = registry().plugins.get(plugin)
    if loaded is None or loaded.work is None:
        raise ValueError(f"{plugin} has no hook `work`: nobody would do it")
    if not _NAME.fullmatch(name):
        raise ValueError(f"a name of work is small letters, digits and underscores, at most 60: {name!r}")
    if not 0 < len(key) <= 80 or not key.isprintable():
        raise ValueError("a key of work has 1 to 80 printable characters")
    if at.tzinfo is None:
        raise ValueError("a moment needs its zone")
    if len(text := json.dumps(dict(payload))) > LARGEST or "\\u0000" in text:
        raise ValueError(f"a payload has at most {LARGEST} characters as JSON, and no NUL")
    made = scope.session.execute(
        insert_or_ignore(scope, PluginWork).values(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            plugin=plugin,
            name=name,
            key=key,
            payload=dict(payload),
            state=WAITING,
            due_at=at,
            next_at=at,
            tries=0,
            error=None,
            created_at=scope.now,
            done_at=None,
        )
    )
    fresh = bool(made.rowcount == 1)  # type: ignore[attr-defined]  # an INSERT's result is a CursorResult
    if fresh and at <= scope.now:
        scope.ring(JOB, brand_id=scope.brand.id)
    return fresh
