"""Once a day, at an hour at which members may be written to: reminders of coupons that end soon."""

from __future__ import annotations

from sqlalchemy import select

from webapp.brands import queries as brands
from webapp.coupons.models import Offer
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.doorbell import job, sweep
from webapp.kernel.scope import Ring
from webapp.reminders import laying, queries, source

__all__ = ["lay", "owed", "source"]


@job("reminders.lay")
def lay(db: Database, brand_id: int) -> int | None:
    """Lay a brand's reminders of this day."""
    return laying.lay(db, db.brand(brand_id))


@sweep("reminders")
def owed(db: Database) -> list[Ring]:
    """Brands whose reminders of this day are not laid."""
    with db.read() as scope:
        remind = set(
            scope.session.scalars(select(Offer.brand_id).distinct().where(Offer.remind_days.is_not(None)))
        )
        wanted = [
            one.id
            for one in (brands.all_refs(scope.session) if remind else ())
            if one.id in remind
            and queries.is_time(scope, one)
            and queries.owed(scope, one, clock.local_day(scope.now, one.timezone))
        ]
    return [Ring("reminders.lay", {"brand_id": brand_id}) for brand_id in wanted]
