"""Files that staff brought in are checked, applied and undone; whatever was interrupted goes on by itself."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import String, cast, delete, func, select

from webapp import config
from webapp.imports import checking, service, undo, uploads
from webapp.imports.models import Import, ImportBefore
from webapp.kernel import clock
from webapp.kernel.doorbell import job, sweep
from webapp.kernel.scope import Ring, Scope
from webapp.kernel.steps import Done, StepRun, run_steps

if TYPE_CHECKING:
    from webapp.kernel.db import Database

QUIET = timedelta(seconds=15)  # without a step for so long, whoever was at it is gone
SLICE = 40.0  # seconds a job
FORGETTING = 500  # rows a unit


@job("imports.check")
def check(db: Database, brand_id: int, import_id: int) -> None:
    """Read and check a file; one that takes longer goes on beside other jobs."""
    checking.check(db, db.brand(brand_id), config.load().stage_dir, import_id, wait=SLICE)


@job("imports.resume")
def resume(db: Database, brand_id: int, import_id: int) -> None:
    """Apply what is left, for at most SLICE seconds; the sweep rings again."""
    folder, brand = config.load().stage_dir, db.brand(brand_id)
    service.resume(db, brand, folder, import_id, seconds=SLICE)
    with db.read(brand=brand) as scope:
        row = uploads.get(scope, import_id)
    if row.state in ("done", "lost") and row.told:
        uploads.tidy(uploads.folder_of(folder, row))


@job("imports.undo")
def undo_(db: Database, brand_id: int, import_id: int) -> None:
    """Look whether anything was built on it, then take it back, for at most SLICE seconds; the sweep rings again."""
    brand = db.brand(brand_id)
    with db.read(brand=brand) as scope:
        row = uploads.get(scope, import_id)
        begun = bool((row.told or {}).get("undo_begun"))
        found = {} if begun or row.state != "undoing" else undo.built(scope, row)
    if row.state != "undoing":
        return

    def decide(scope: Scope) -> bool:
        """May it begin? Another worker may have looked, too, and begun: what this one then saw is the half of it."""
        lock = (Import.brand_id == brand_id, Import.id == import_id)
        now = scope.session.scalars(select(Import).where(*lock).with_for_update()).one()
        if now.state != "undoing":
            return False
        if not (now.told or {}).get("undo_begun"):
            now.told = {**(now.told or {}), "undo": found, "undo_begun": not found}
            if found:
                now.state = "done"
        return now.state == "undoing"

    if not begun and not db.write(decide, brand=brand):
        return

    told = clock.now()

    def alive(_cursor: object) -> None:
        nonlocal told
        if clock.now() - told > timedelta(seconds=3):
            told = clock.now()
            db.write(lambda scope: _at_it(scope, import_id), brand=brand)

    step = undo.UndoStep(import_id)
    done = run_steps(
        *(db, brand, "import.undo", str(import_id), step), start=undo.START, seconds=SLICE, progress=alive
    )
    if not isinstance(done, Done):
        db.write(
            lambda scope: scope.ring("imports.undo", brand_id=brand_id, import_id=import_id), brand=brand
        )


def _at_it(scope: Scope, import_id: int) -> None:
    uploads.get(scope, import_id).progress = {"at": scope.now.isoformat()}


@job("imports.forget")
def forget(db: Database, brand_id: int, import_id: int) -> None:
    """What is no longer needed of an import: its files, and what stood before it."""
    brand, folder = db.brand(brand_id), config.load().stage_dir
    with db.read(brand=brand) as scope:
        row = uploads.get(scope, import_id)
    if row.state in uploads.OPEN and clock.now() - row.created_at > uploads.UNTOUCHED:
        db.write(lambda scope: uploads.cancel(scope, import_id), brand=brand)
    if row.told:
        shutil.rmtree(uploads.folder_of(folder, row), ignore_errors=True)

    def unit(scope: Scope) -> int:
        these = (ImportBefore.brand_id == brand_id, ImportBefore.import_id == import_id)
        ids = scope.session.execute(
            select(ImportBefore.kind, ImportBefore.row_id).where(*these).limit(FORGETTING)
        ).all()
        for kind in {kind for kind, _ in ids}:
            scope.session.execute(
                delete(ImportBefore)
                .where(*these, ImportBefore.kind == kind)
                .where(ImportBefore.row_id.in_([row_id for one, row_id in ids if one == kind]))
            )
        if not ids:
            now = uploads.get(scope, import_id)
            now.progress = {"forgotten": True}
        return len(ids)

    while row.finished_at is not None and db.write(unit, brand=brand):
        pass


@sweep("imports")
def interrupted(db: Database) -> list[Ring]:
    """Imports that are promised and that nobody is working on."""
    with db.read() as scope:
        last = func.coalesce(StepRun.updated_at, Import.created_at)
        rows = scope.session.execute(
            select(Import.brand_id, Import.id)
            .outerjoin(
                StepRun,
                (StepRun.brand_id == Import.brand_id)
                & (StepRun.name == "import")
                & (StepRun.key == cast(Import.id, String)),
            )
            .where(Import.state == "applying", last < scope.now - QUIET)
            .order_by(Import.id)
            .limit(20)
        ).all()
        quiet = [
            (brand_id, id_, state)
            for brand_id, id_, state, progress in scope.session.execute(
                select(Import.brand_id, Import.id, Import.state, Import.progress)
                .where(Import.state.in_(("checking", "undoing")))
                .order_by(Import.id)
                .limit(50)
            )
            if checking.since(progress, scope.now) > QUIET.total_seconds()
        ]
    return [Ring("imports.resume", {"brand_id": brand_id, "import_id": id_}) for brand_id, id_ in rows] + [
        Ring(
            "imports.check" if state == "checking" else "imports.undo",
            {"brand_id": brand_id, "import_id": id_},
        )
        for brand_id, id_, state in quiet
    ]


_looked: datetime | None = None


@sweep("imports.old")
def old(db: Database) -> list[Ring]:
    """Once an hour: files that nobody went on with, and imports that can no longer be undone."""
    global _looked
    now = clock.now()
    if _looked is not None and timedelta() <= now - _looked < timedelta(hours=1):
        return []
    _looked = now
    with db.read() as scope:
        rows = scope.session.execute(
            select(
                Import.brand_id,
                Import.id,
                Import.state,
                Import.created_at,
                Import.finished_at,
                Import.progress,
            )
            .where(Import.created_at < now - uploads.UNTOUCHED)
            .where(Import.state.in_((*uploads.OPEN, "done")))
            .order_by(Import.id.desc())
            .limit(500)
        ).all()
    return [
        Ring("imports.forget", {"brand_id": row.brand_id, "import_id": row.id})
        for row in rows
        if not (row.progress or {}).get("forgotten")
        and (row.state != "done" or (row.finished_at and now - row.finished_at > undo.DAYS))
    ]
