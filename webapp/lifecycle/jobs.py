"""Runs nobody asked for by hand: after each local midnight, and when facts or settings have changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from webapp.kernel import clock, events
from webapp.kernel.db import Database
from webapp.kernel.doorbell import SHARE, job, sweep
from webapp.kernel.scope import Ring, Scope
from webapp.lifecycle import fields, queries, service  # noqa: F401  (fields registers itself: campaigns ask for stages)

AGAIN = timedelta(minutes=10)  # after which a run that was refused is tried again


@job(service.RUN)
def run(db: Database, brand_id: int) -> None:
    """Carry one brand's stages to its today, or a good piece of the way."""
    result = service.run(db, db.brand(brand_id), seconds=SHARE)
    if not result.finished and result.error is None:
        db.ring([Ring(service.RUN, {"brand_id": brand_id})])


@sweep("lifecycle")
def due(db: Database) -> list[Ring]:
    """Brands whose day is new, whose facts have changed, or for which a run was asked."""
    now = clock.now()
    with db.read() as scope:
        brands = queries.brands_due(scope.session)
    rings = []
    for one in brands:
        today = clock.local_day(now, one.timezone)
        waits = one.error is not None and one.tried_at is not None and now < one.tried_at + AGAIN
        stale = one.ran_on is None or one.ran_on < today
        dirty = one.dirty_on is not None and one.dirty_on <= today
        if one.wanted or ((stale or dirty) and not waits):
            rings.append(Ring(service.RUN, {"brand_id": one.brand_id}))
    return rings


@events.on("plugin.changed", "lifecycle.settings")
def settings_changed(scope: Scope, payload: dict[str, Any]) -> None:
    """A plugin was switched or set otherwise: if it concerns the policy, the run sees that everybody is to be looked at."""
    service.want(scope)
