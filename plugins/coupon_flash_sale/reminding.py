"""A task for one of the shop's people before a sale begins. If the sale is moved meanwhile, the reminder moves with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from webapp.plugin_api import PluginContext

NAME = "remind"
LEADS = (10, 30, 60, 24 * 60)  # minutes


def plan(ctx: PluginContext, offer_id: int, begins: datetime, minutes: int, staff: str) -> bool:
    """Have it done; False if it is planned already."""
    return ctx.later(
        NAME,
        {"offer": offer_id, "minutes": minutes, "staff": staff},
        key=f"{_word(offer_id, staff, minutes)}:{int(begins.timestamp())}",
        at=begins - timedelta(minutes=minutes),
    )


def remind(ctx: PluginContext, payload: Mapping[str, Any]) -> None:
    """Give the task, unless there is nothing to be reminded of any more."""
    offer = next((one for one in ctx.coupons.offers() if one.id == payload["offer"]), None)
    if offer is None or offer.state == "closed" or offer.claim_from is None or offer.claim_from <= ctx.now:
        return
    if offer.claim_from - timedelta(minutes=payload["minutes"]) > ctx.now:
        plan(ctx, offer.id, offer.claim_from, payload["minutes"], payload["staff"])
        return
    zone = ZoneInfo(ctx.timezone)
    local, today = offer.claim_from.astimezone(zone), ctx.now.astimezone(zone).date()
    hour = local.strftime("%H:%M" if local.date() == today else "%Y-%m-%d %H:%M")
    _ = ctx.say
    text = _(
        "The flash sale of %(product)s begins at %(hour)s. See that the pieces are ready and that the counter knows.",
        product=offer.terms["product"],
        hour=hour,
    )
    if offer.state == "draft":
        text += "\n" + _("It is a draft still: open the offer, or nobody can take anything.")
    ctx.tasks.add(
        _word(offer.id, payload["staff"], payload["minutes"])[:24] + f":{int(offer.claim_from.timestamp())}",
        to=payload["staff"],
        title=_("%(name)s begins at %(hour)s", name=offer.name, hour=hour),
        text=text,
        due_on=today,  # what begins at midnight is got ready the evening before
    )


def _word(offer_id: int, staff: str, minutes: int) -> str:
    return hashlib.sha256(f"{offer_id}:{staff}:{minutes}".encode()).hexdigest()[:32]
