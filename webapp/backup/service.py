"""The plan, its turns, and the list of what was made."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, select, update

from webapp.backup import schedule
from webapp.backup.make import END, Made
from webapp.backup.models import BackupPlan, BackupRun
from webapp.kernel.errors import Refused
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import Scope

log = logging.getLogger("regulars.backup")

HOUR, KEEP, MOST_KEPT = 3, 7, 365
SHOWN = 30  # newest tries on the page
REMEMBERED = 400


@dataclass(frozen=True, slots=True)
class Plan:
    """daily at `hour` of the machine's zone, `keep` files in `folder` ("": `backups` in the instance folder)."""

    daily: bool = True
    hour: int = HOUR
    keep: int = KEEP
    folder: str = ""


def begin(scope: Scope) -> None:
    """The shop is run for the first time: from now on there is a plan. Harmless again."""
    _row(scope)


def plan(scope: Scope) -> Plan:
    """As stored, or as it will be."""
    row = scope.session.get(BackupPlan, 1)
    return Plan() if row is None else Plan(row.daily, row.hour, row.keep, row.folder)


def save(scope: Scope, wanted: Plan) -> Refused | None:
    """Store the plan. Refused: folder (facts: why), where the shop cannot write to it."""
    if wanted.folder and (why := unfit(Path(wanted.folder))):
        return Refused("folder", {"why": why})
    row = _row(scope)
    row.daily, row.hour, row.keep, row.folder = wanted.daily, wanted.hour, wanted.keep, wanted.folder
    scope.session.flush()
    scope.audit("backup.plan", "backup", daily=wanted.daily, hour=wanted.hour, keep=wanted.keep)
    return None


def unfit(folder: Path) -> str | None:
    """Why files cannot be kept there (relative, missing, read_only); None: they can."""
    if not folder.is_absolute():
        return "relative"
    probe = folder / f".regulars{END}.probe"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except (OSError, ValueError):
        return "read_only" if folder.is_dir() else "missing"
    return None


def ask(scope: Scope) -> None:
    """One by hand, as soon as the worker gets to it."""
    _row(scope).wanted = True
    scope.session.flush()
    scope.audit("backup.ask", "backup")
    scope.ring("backup.due")


def due(scope: Scope) -> bool:
    """Whether one is to be begun now."""
    row = scope.session.get(BackupPlan, 1)
    if row is None:
        return False
    if row.wanted:
        return True
    return row.daily and schedule.owed(
        scope.now,
        hour=row.hour,
        since=row.since_at,
        tried=row.tried_at,
        last=last_good(scope, planned=True),
    )


def claim(scope: Scope) -> bool:
    """Take the turn: of several at once exactly one is told True."""
    row = scope.session.get(BackupPlan, 1)
    if row is None or not due(scope):
        return False
    mine = BackupPlan.tried_at.is_(None) if row.tried_at is None else BackupPlan.tried_at == row.tried_at
    done = scope.session.execute(
        update(BackupPlan)
        .where(BackupPlan.id == 1, mine, BackupPlan.wanted == row.wanted)
        .values(wanted=False, tried_at=scope.now)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult


def record(scope: Scope, started: datetime, outcome: Made | str, *, planned: bool) -> None:
    """What became of one: the file, or why there is none. Old lines are forgotten."""
    made = outcome if isinstance(outcome, Made) else None
    scope.session.add(
        BackupRun(
            id=scope.new_id(),
            planned=planned,
            started_at=started,
            finished_at=scope.now,
            file=str(made.file) if made else "",
            size=made.size if made else 0,
            error="" if made else str(outcome)[:500],
            gone=False,
        )
    )
    scope.session.flush()
    old = scope.session.scalars(
        select(BackupRun.id).order_by(BackupRun.finished_at.desc(), BackupRun.id.desc()).offset(REMEMBERED)
    ).all()
    if old:
        scope.session.execute(delete(BackupRun).where(BackupRun.id.in_(old)))


def prune(scope: Scope) -> list[str]:
    """Remove the plan's own files beyond those it keeps; what was removed. Files made by hand are never touched."""
    rows = scope.session.scalars(
        select(BackupRun)
        .where(BackupRun.planned, BackupRun.error == "", BackupRun.gone.is_(False))
        .order_by(BackupRun.finished_at.desc(), BackupRun.id.desc())
        .offset(plan(scope).keep)
    ).all()
    removed = []
    for row in rows:
        try:
            Path(row.file).unlink(missing_ok=True)
        except OSError as why:  # the disk is not there just now: another day
            log.warning("an old backup could not be removed: %s", why)
            continue
        row.gone = True
        removed.append(row.file)
    scope.session.flush()
    return removed


def runs(scope: Scope) -> list[BackupRun]:
    """The newest tries first; files that were removed by the plan are left out."""
    return list(
        scope.session.scalars(
            select(BackupRun)
            .where(BackupRun.gone.is_(False))
            .order_by(BackupRun.finished_at.desc(), BackupRun.id.desc())
            .limit(SHOWN)
        )
    )


def last_good(scope: Scope, *, planned: bool = False) -> datetime | None:
    """When the newest that succeeded was begun; None: there was none. planned: of the plan's own."""
    wanted = select(BackupRun.started_at).where(BackupRun.error == "")
    if planned:
        wanted = wanted.where(BackupRun.planned)
    return scope.session.scalar(wanted.order_by(BackupRun.finished_at.desc(), BackupRun.id.desc()).limit(1))


def _row(scope: Scope) -> BackupPlan:
    scope.session.execute(
        insert_or_ignore(scope, BackupPlan).values(
            id=1,
            daily=True,
            hour=HOUR,
            keep=KEEP,
            folder="",
            wanted=False,
            since_at=scope.now,
            tried_at=None,
        )
    )
    return scope.session.get_one(BackupPlan, 1)
