"""The outbox's job and its sweep."""

from __future__ import annotations

from sqlalchemy import exists, select

from webapp.kernel.db import Database
from webapp.kernel.doorbell import job, sweep
from webapp.kernel.scope import Ring
from webapp.outbox import sources
from webapp.outbox.drain import drain
from webapp.outbox.models import Delivery
from webapp.outbox.queries import ON_THE_WAY

SECONDS = 30.0  # a job's share of the worker; the next bell goes on


@job("outbox.drain")
def drain_campaign(db: Database, brand_id: int, campaign_id: int) -> dict[str, int]:
    """Send what is due of a campaign; rings again if there is more. Idempotent: rows and leases decide."""
    done = drain(db, db.brand(brand_id), campaign_id, seconds=SECONDS)
    if done.more:
        db.ring([Ring("outbox.drain", {"brand_id": brand_id, "campaign_id": campaign_id})])
    return done.outcomes


@sweep("outbox")
def due(db: Database) -> list[Ring]:
    """Campaigns with due rows, or with nothing left, and those with leases that ran out, whatever their state."""
    with db.read() as scope:
        gone = scope.session.execute(
            select(Delivery.brand_id, Delivery.campaign_id)
            .where(Delivery.state.in_(("leased", "in_flight")), Delivery.lease_until < scope.now)
            .distinct()
        )
        wanted = {(row.brand_id, row.campaign_id) for row in gone}
        for source in sources.SOURCES.values():
            for brand_id, campaign_id in source.active(scope):
                mine = (Delivery.brand_id == brand_id, Delivery.campaign_id == campaign_id)
                is_due = exists().where(*mine, Delivery.state == "queued", Delivery.due_at <= scope.now)
                any_left = exists().where(*mine, Delivery.state.in_(ON_THE_WAY))
                if scope.session.scalar(select(is_due)) or not scope.session.scalar(select(any_left)):
                    wanted.add((brand_id, campaign_id))
    return [
        Ring("outbox.drain", {"brand_id": brand_id, "campaign_id": campaign_id})
        for brand_id, campaign_id in sorted(wanted)
    ]
