"""What orders name, and what each member buys most, is gathered by the shop's worker, once nobody is bringing orders in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from webapp.brands import queries as brands
from webapp.catalogue import gathering, habits, queries
from webapp.imports.models import Import
from webapp.kernel import halt
from webapp.kernel.db import Database
from webapp.kernel.doorbell import SHARE, job, sweep
from webapp.kernel.events import on
from webapp.kernel.scope import Ring, Scope

GATHER = "catalogue.gather"
HABITS = "catalogue.habits"
QUIET = timedelta(seconds=15)  # without a step for so long, whoever was at it is gone


@job(GATHER)
def gather(db: Database, brand_id: int) -> None:
    """Read the orders that came, or a good piece of them."""
    if not gathering.gather(db, db.brand(brand_id), seconds=SHARE) and not halt.asked():
        db.ring([Ring(GATHER, {"brand_id": brand_id})])


@sweep("catalogue")
def due(db: Database) -> list[Ring]:
    """Brands with orders that were not read yet. While a file of theirs is being brought in the reading waits: it would
    take the database's turns from it."""
    with db.read() as scope:
        found = queries.brands_due(scope, gathering.STEPS, QUIET)
        busy = _busy(scope) if found else set()
    return [Ring(GATHER, {"brand_id": brand_id}) for brand_id in found if brand_id not in busy]


def _busy(scope: Scope) -> set[int]:
    """Brands into which a file is being brought."""
    return set(scope.session.scalars(select(Import.brand_id).where(Import.state == "applying")))


@job(HABITS)
def count_habits(db: Database, brand_id: int) -> None:
    """What members buy most, of those whose facts have changed, or a good piece of them."""
    if not habits.gather(db, db.brand(brand_id), seconds=SHARE) and not halt.asked():
        db.ring([Ring(HABITS, {"brand_id": brand_id})])


@sweep(HABITS)
def habits_due(db: Database) -> list[Ring]:
    """Brands whose members are to be looked over: every night, and after orders came in."""
    with db.read() as scope:
        found = [one.id for one in brands.all_refs(scope.session) if habits.due(scope, one)]
        busy = _busy(scope) if found else set()
    return [Ring(HABITS, {"brand_id": brand_id}) for brand_id in found if brand_id not in busy]


@on("orders.recorded", "catalogue.look_again")
def look_again(scope: Scope, payload: dict[str, Any]) -> None:
    """Harmless when it happens twice."""
    gathering.look_again(scope, payload["first_id"], payload["last_id"], payload["order_ids"])
