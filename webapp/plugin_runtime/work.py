"""Doing what plugins asked to be done later: at least once begun, its effects once committed, parked after so many tries.

A try is counted and the next one set before it begins, in a unit of its own: work that takes the whole process with it is
counted too, and ends parked instead of killing workers for good. The work itself is one unit together with its row: it is
done with everything that the plugin's verbs wrote, or nothing of it is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select

from webapp.kernel import halt
from webapp.kernel.db import Database, unreachable
from webapp.kernel.errors import NotFound
from webapp.kernel.scope import BrandRef, Ring, Scope
from webapp.plugin_runtime import calls
from webapp.plugin_runtime.context import enabled, enabled_at
from webapp.plugin_runtime.later import DONE, DROPPED, JOB, PARKED, WAITING
from webapp.plugin_runtime.models import PluginWork

log = logging.getLogger("regulars.plugins")

PARK_AFTER = 6  # tries
KEPT = timedelta(days=30)  # how long a key that is done is remembered
BATCH = 50
LONGEST = 30.0  # seconds that one job goes on; the next sweep rings for what is left
ENDED = "the process ended while it was at work"


@dataclass(frozen=True, slots=True)
class Begun:
    """A try that was counted."""

    id: int
    plugin: str
    name: str
    payload: dict[str, Any]
    tries: int


def pause(tries: int) -> timedelta:
    """Between the try of this number and the next: 20 s, then four times as long each."""
    return timedelta(seconds=5 * 4**tries)


def due(db: Database) -> list[Ring]:
    """Brands with work whose moment has come, of plugins that are switched on there."""
    with db.read() as scope:
        rows = scope.session.execute(
            select(PluginWork.brand_id, PluginWork.plugin).where(PluginWork.next_at <= scope.now).distinct()
        ).all()
        brands = sorted(
            {brand_id for brand_id, plugin in rows if enabled_at(scope.session, brand_id, plugin)}
        )
    return [Ring(JOB, {"brand_id": brand_id}) for brand_id in brands]


def do_due(db: Database, brand_id: int) -> int:
    """Do what is due for a brand, oldest first, each by itself. Returns how many were done."""
    brand, done, seen = db.brand(brand_id), 0, set[int]()
    until = time.monotonic() + LONGEST
    while not halt.asked() and time.monotonic() < until:
        with db.read(brand=brand) as scope:
            ids = [row_id for row_id in _due_ids(scope) if row_id not in seen]
        if not ids:
            break
        for row_id in ids:
            if halt.asked():
                break
            seen.add(row_id)
            done += _do(db, brand, row_id)
    if done:
        db.write(_forget, brand=brand)
    return done


def _due_ids(scope: Scope) -> Sequence[int]:
    where = (PluginWork.brand_id == scope.brand.id, PluginWork.next_at <= scope.now)
    named = scope.session.scalars(select(PluginWork.plugin).where(*where).distinct()).all()
    usable = [plugin for plugin in named if enabled(scope, plugin)]
    if not usable:
        return []
    return scope.session.scalars(
        select(PluginWork.id)
        .where(*where, PluginWork.plugin.in_(usable))
        .order_by(PluginWork.next_at, PluginWork.id)
        .limit(BATCH)
    ).all()


def _locked(scope: Scope, row_id: int) -> PluginWork | None:
    return scope.session.scalars(
        select(PluginWork)
        .where(PluginWork.brand_id == scope.brand.id, PluginWork.id == row_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _begin(scope: Scope, row_id: int) -> Begun | None:
    """Count one more try. None: it is not due any more, or it is parked now."""
    row = _locked(scope, row_id)
    if row is None or row.next_at is None or row.next_at > scope.now or not enabled(scope, row.plugin):
        return None
    if row.tries >= PARK_AFTER:  # the last try left no word
        _park(row, row.error or ENDED)
        return None
    row.tries += 1
    row.next_at = scope.now + pause(row.tries)
    return Begun(row.id, row.plugin, row.name, row.payload, row.tries)


def _do(db: Database, brand: BrandRef, row_id: int) -> int:
    begun = db.write(lambda scope: _begin(scope, row_id), brand=brand)
    if begun is None:
        return 0

    def unit(scope: Scope) -> int:
        row = _locked(scope, row_id)
        if row is None or row.state != WAITING or row.tries != begun.tries:  # somebody else is at it
            return 0
        row.state, row.next_at, row.done_at, row.error = DONE, None, scope.now, None
        scope.session.flush()
        calls.work(scope, begun.plugin, begun.name, begun.payload)
        return 1

    try:
        return db.write(unit, brand=brand)
    except Exception as fault:
        if unreachable(fault):
            raise
        log.exception("plugin %s failed at its work %s (%s)", begun.plugin, begun.name, row_id)
        why = f"{type(fault).__name__}: {fault}"[:300].replace("\0", "")
        db.write(lambda scope: _failed(scope, begun, why), brand=brand)
        return 0


def _failed(scope: Scope, begun: Begun, why: str) -> None:
    row = _locked(scope, begun.id)
    if row is None or row.state != WAITING or row.tries != begun.tries:
        return
    row.error = why
    if row.tries >= PARK_AFTER:
        _park(row, why)


def _park(row: PluginWork, why: str) -> None:
    row.state, row.next_at, row.error = PARKED, None, why


def _forget(scope: Scope) -> None:
    """Keys that were done long ago, a batch."""
    old = scope.session.scalars(
        select(PluginWork.id)
        .where(PluginWork.brand_id == scope.brand.id, PluginWork.done_at < scope.now - KEPT)
        .limit(500)
    ).all()
    if old:
        scope.session.execute(
            delete(PluginWork).where(PluginWork.brand_id == scope.brand.id, PluginWork.id.in_(old))
        )


# --------------------------------------------------------------------------------------------------- what people see of it


def open_work(scope: Scope, plugin: str, limit: int = BATCH) -> Sequence[PluginWork]:
    """What is parked or went wrong at least once, and what waits, in this order; the next ones first."""
    return scope.session.scalars(
        select(PluginWork)
        .where(
            PluginWork.brand_id == scope.brand.id,
            PluginWork.plugin == plugin,
            PluginWork.state.in_((PARKED, WAITING)),
        )
        .order_by(PluginWork.state, PluginWork.due_at, PluginWork.id)  # parked before waiting
        .limit(limit)
    ).all()


def parked(scope: Scope) -> dict[str, int]:
    """plugin -> how much of its work is parked."""
    counts: dict[str, int] = {}
    for plugin in scope.session.scalars(
        select(PluginWork.plugin).where(PluginWork.brand_id == scope.brand.id, PluginWork.state == PARKED)
    ):
        counts[plugin] = counts.get(plugin, 0) + 1
    return counts


def again(scope: Scope, plugin: str, row_id: int) -> None:
    """Parked work is tried anew, from the first try on. Raises NotFound."""
    row = _of(scope, plugin, row_id)
    if row.state == PARKED:
        row.state, row.tries, row.next_at = WAITING, 0, scope.now
        scope.audit("plugin.work_again", "plugin", row.id, plugin=plugin, name=row.name)
        scope.ring(JOB, brand_id=scope.brand.id)


def drop(scope: Scope, plugin: str, row_id: int) -> None:
    """Parked work is left undone for good. Raises NotFound."""
    row = _of(scope, plugin, row_id)
    if row.state == PARKED:
        row.state, row.done_at = DROPPED, scope.now
        scope.audit("plugin.work_drop", "plugin", row.id, plugin=plugin, name=row.name)


def _of(scope: Scope, plugin: str, row_id: int) -> PluginWork:
    row = _locked(scope, row_id)
    if row is None or row.plugin != plugin:
        raise NotFound(f"work {row_id}")
    return row
