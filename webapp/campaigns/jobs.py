"""Work of campaigns that nobody waits for: laying the audience, winding up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from webapp.campaigns import landing, laying, source, winding_up
from webapp.campaigns.models import Campaign
from webapp.kernel import events
from webapp.kernel.db import Database
from webapp.kernel.doorbell import job, sweep
from webapp.kernel.scope import Ring, Scope
from webapp.kernel.steps import Next, StepRun

SECONDS = 25.0  # a job's share of the worker; the next bell goes on
STALE = timedelta(seconds=5)  # after which laying that nobody moves on is rung for again

__all__ = ["answered", "lay", "source", "stale", "wind_up"]


@job("campaigns.lay")
def lay(db: Database, brand_id: int, campaign_id: int) -> None:
    """Lay a campaign's audience, or a good piece of it."""
    if isinstance(laying.lay(db, db.brand(brand_id), campaign_id, seconds=SECONDS), Next):
        db.ring([Ring("campaigns.lay", {"brand_id": brand_id, "campaign_id": campaign_id})])


@job("campaigns.wind_up")
def wind_up(db: Database, brand_id: int, campaign_id: int) -> int:
    """Return the coupons of messages that never went out; end a campaign that has nothing left to send."""
    return winding_up.wind_up(db, db.brand(brand_id), campaign_id)


@events.on("campaign.answered", "campaigns.give")
def answered(scope: Scope, payload: dict[str, Any]) -> None:
    """Somebody named themselves by a group's link: their coupon lies ready at the till."""
    landing.give(scope, payload["campaign_id"], payload["member_id"])


@sweep("campaigns")
def stale(db: Database) -> list[Ring]:
    """Campaigns that are being laid while nobody lays them."""
    with db.read() as scope:
        rows = scope.session.execute(
            select(Campaign.brand_id, Campaign.id, Campaign.started_at).where(Campaign.state == "laying")
        ).all()
        rings = []
        for brand_id, campaign_id, started_at in rows:
            moved = scope.session.scalar(
                select(StepRun.updated_at).where(
                    StepRun.brand_id == brand_id,
                    StepRun.name == laying.STEPS,
                    StepRun.key == str(campaign_id),
                )
            )
            if (moved or started_at or scope.now) < scope.now - STALE:
                rings.append(Ring("campaigns.lay", {"brand_id": brand_id, "campaign_id": campaign_id}))
    return rings
