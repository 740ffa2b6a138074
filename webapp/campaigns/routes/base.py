"""What the pages of campaigns share."""

from __future__ import annotations

from typing import Any

from flask import Response, abort
from flask_babel import gettext

from webapp.campaigns import queries, wording
from webapp.campaigns.audience import RECIPIENT
from webapp.campaigns.models import Campaign
from webapp.coupons import queries as coupons
from webapp.kernel import edge
from webapp.kernel.scope import Scope
from webapp.matrix import queries as matrices
from webapp.plugin_api import Channel
from webapp.plugin_runtime import calls, words
from webapp.plugin_runtime.calls import Bound

bp = edge.blueprint("campaigns", "webapp.campaigns.routes")


def channels(scope: Scope, kind: str = "members") -> list[tuple[str, str]]:
    """(key, label) of the channels that the brand has, for this kind of campaign: a group has no address."""
    return [
        (one.impl.key, words.words(one.plugin)(one.impl.label))
        for one in calls.channels(scope)
        if kind == "members" or one.impl.identity == RECIPIENT
    ]


def channel_label(scope: Scope, key: str) -> str:
    """What a channel is called; its key once it is gone."""
    return dict(channels(scope)).get(key, key)


def carried(scope: Scope, campaign: Campaign) -> str | None:
    """What its coupons are of, in words; None: it carries none."""
    if campaign.matrix_id is not None:
        return str(gettext("By the matrix %(name)s", name=matrices.get(scope, campaign.matrix_id).name))
    return coupons.offer(scope, campaign.offer_id).name if campaign.offer_id is not None else None


def draft(scope: Scope, campaign_id: int) -> Campaign:
    """A campaign that can still be written; what is sent off is shown, not edited (409)."""
    campaign = queries.get(scope, campaign_id)
    if campaign.state != "draft":
        abort(409, description="This campaign has been sent off: what it says stands.")
    return campaign


def channel_of(scope: Scope, campaign: Campaign) -> Bound[Channel]:
    """The channel of a draft; 409 while its plugin is off."""
    bound = calls.channel(scope, campaign.channel)
    if bound is None:
        abort(409, description="The channel of this campaign is switched off.")
    return bound


def page(template: str, **context: Any) -> Response:
    """A page of this room, with its words."""
    return edge.page(
        f"pages/campaigns/{template}",
        states=wording.STATES,
        deliveries=wording.DELIVERY,
        reason=wording.reason,
        **context,
    )
