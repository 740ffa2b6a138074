"""Long work in small units: `step(scope, cursor) -> Next(cursor) | Done(result)`, resumable anywhere.

The cursor is saved in the same transaction as the step's work, so that a step is done exactly once whoever runs it, a
job, a page or the shell; two runners at once take turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Index, Integer, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel import bulk, halt
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.model import Base, BrandRow
from webapp.kernel.scope import SYSTEM, Actor, BrandRef, Scope
from webapp.kernel.types import JsonValue, UtcDateTime

if TYPE_CHECKING:
    from webapp.kernel.db import Database


@dataclass(frozen=True, slots=True)
class Next:
    """More to do from `cursor` (JSON-able)."""

    cursor: Any


@dataclass(frozen=True, slots=True)
class Done:
    """Finished, with a JSON-able result."""

    result: Any = None


Step = Callable[[Scope, Any], Next | Done]


class StepRun(BrandRow, Base):
    """How far a piece of long work has come. (name, key) names the work within the brand."""

    __tablename__ = "step_run"
    __table_args__ = (UniqueConstraint("brand_id", "name", "key"), Index(None, "done_at", "updated_at"))

    name: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(80))
    cursor: Mapped[Any] = mapped_column(JsonValue)
    result: Mapped[Any] = mapped_column(JsonValue)
    steps: Mapped[int] = mapped_column(Integer, default=0)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def run_steps(
    db: Database,
    brand: BrandRef,
    name: str,
    key: str,
    step: Step,
    *,
    start: Any = None,
    actor: Actor = SYSTEM,
    seconds: float | None = None,
    progress: Callable[[Any], None] | None = None,
) -> Done | Next:
    """Run `step` from where (name, key) stands until it is done, or until `seconds` have passed or this process is
    asked to end: then Next(cursor). A unit that is not the last may be lost when the plug is pulled, its cursor with it,
    and is done again: PostgreSQL is not waited for until it stands on disk. Whatever is committed after it stands on it.

    A run that is already done gives its stored Done at once. `progress(cursor)` is called after each commit.
    """
    until = None if seconds is None else time.monotonic() + seconds

    def unit(scope: Scope) -> Done | Next:
        run = hold(scope, name, key, start)
        if run.done_at is not None:
            return Done(run.result)
        return save(scope, run, step(scope, run.cursor))

    while True:
        outcome = db.write(unit, brand=brand, actor=actor)
        if isinstance(outcome, Done):
            return outcome
        if progress is not None:
            progress(outcome.cursor)
        if halt.asked() or (until is not None and time.monotonic() >= until):
            return outcome


def hold(scope: Scope, name: str, key: str, start: Any) -> StepRun:
    """How far (name, key) has come, locked to the end of this unit; made, at `start`, if there is no such row yet."""
    mine = (
        select(StepRun)
        .where(StepRun.brand_id == scope.brand.id, StepRun.name == name, StepRun.key == key)
        .with_for_update()
    )
    run = scope.session.scalars(mine).one_or_none()
    if run is not None:
        return run
    # Two runners may both come here: the second waits for the first to commit, then takes its row.
    scope.session.execute(
        insert_or_ignore(scope, StepRun).values(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            name=name,
            key=key,
            cursor=start,
            result=None,
            steps=0,
            started_at=scope.now,
            updated_at=scope.now,
        )
    )
    return scope.session.scalars(mine).one()


def save(scope: Scope, run: StepRun, outcome: Done | Next) -> Done | Next:
    """With the work of a unit: how far it has come now. Returns the outcome."""
    run.steps += 1
    run.updated_at = scope.now
    if isinstance(outcome, Done):
        run.result, run.done_at = outcome.result, scope.now
    else:
        run.cursor = outcome.cursor
        bulk.commit_soon(scope)
    return outcome
