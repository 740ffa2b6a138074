"""The work of plugins, when it is due."""

from __future__ import annotations

from webapp.kernel.db import Database
from webapp.kernel.doorbell import job, sweep
from webapp.kernel.scope import Ring
from webapp.plugin_runtime import work
from webapp.plugin_runtime.later import JOB


@job(JOB)
def do_work(db: Database, brand_id: int) -> int:
    """Harmless twice: each row says whether it is still to be done."""
    return work.do_due(db, brand_id)


@sweep("plugins.work")
def work_due(db: Database) -> list[Ring]:
    """Brands whose plugins have work whose moment has come."""
    return work.due(db)
