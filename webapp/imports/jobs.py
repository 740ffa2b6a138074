"""Imports that were interrupted go on by themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import String, cast, func, select

from webapp import config
from webapp.imports import service
from webapp.imports.models import Import
from webapp.kernel.doorbell import job, sweep
from webapp.kernel.scope import Ring
from webapp.kernel.steps import StepRun

if TYPE_CHECKING:
    from webapp.kernel.db import Database

QUIET = timedelta(seconds=15)  # without a step for so long, whoever was at it is gone
SLICE = 40.0  # seconds a job


@job("imports.resume")
def resume(db: Database, brand_id: int, import_id: int) -> None:
    """Apply what is left, for at most SLICE seconds; the sweep rings again."""
    service.resume(db, db.brand(brand_id), config.load().stage_dir, import_id, seconds=SLICE)


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
    return [Ring("imports.resume", {"brand_id": brand_id, "import_id": id_}) for brand_id, id_ in rows]
