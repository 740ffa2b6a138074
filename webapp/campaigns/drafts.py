"""Writing a campaign: a draft, its audience, its content, its offer. What is written is frozen once it is sent off."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from webapp.campaigns import queries
from webapp.campaigns.audience import RECIPIENT
from webapp.campaigns.models import Campaign, CampaignVersion
from webapp.coupons import queries as coupons
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.matrix import queries as matrices
from webapp.plugin_runtime import calls
from webapp.segments import compile as segments
from webapp.segments.rules import BadRule, Rule, dump, load

NAME = 120
MARKETING = "marketing"
ARM_MODULUS = 2**31 - 1
MOST_CONTENT = 60_000  # characters of all fields


def create(
    scope: Scope,
    *,
    name: str,
    channel: str,
    offer_id: int | None = None,
    matrix_id: int | None = None,
    purpose: str = MARKETING,
    kind: str = "members",
) -> Campaign | Refused:
    """A draft for everybody, or for no group yet, that says nothing yet. It gives coupons of an offer, or by a matrix.

    Refused: name_length, no_channel, no_offer, no_matrix, matrix_in_groups.
    """
    refusal = _basics(scope, name, channel, offer_id, matrix_id, kind)
    if refusal is not None:
        return refusal
    campaign = Campaign(
        brand_id=scope.brand.id,
        id=scope.new_id(),
        name=name.strip(),
        kind=kind,
        state="draft",
        channel=channel,
        purpose=purpose,
        offer_id=offer_id,
        matrix_id=matrix_id,
        version=1,
        arm_k=1 + secrets.randbelow(ARM_MODULUS - 1),
        arm_c=secrets.randbelow(ARM_MODULUS),
        created_by=scope.actor.id,
        created_at=scope.now,
    )
    scope.session.add(campaign)
    scope.session.flush()
    scope.session.add(
        CampaignVersion(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            campaign_id=campaign.id,
            version=1,
            audience={queries.GROUPS: []} if kind == queries.GROUPS else dump(Rule()),
            content={},
            created_at=scope.now,
        )
    )
    scope.session.flush()
    scope.audit("campaign.new", "campaign", campaign.id)
    return campaign


def set_basics(
    scope: Scope,
    campaign_id: int,
    *,
    name: str,
    channel: str,
    offer_id: int | None,
    matrix_id: int | None = None,
) -> Campaign | Refused:
    """Name, channel and coupons of a draft. Refused as `create`, and not_a_draft."""
    campaign = draft(scope, campaign_id)
    if isinstance(campaign, Refused):
        return campaign
    refusal = _basics(scope, name, channel, offer_id, matrix_id, campaign.kind)
    if refusal is not None:
        return refusal
    campaign.name, campaign.channel = name.strip(), channel
    campaign.offer_id, campaign.matrix_id = offer_id, matrix_id
    scope.session.flush()
    return campaign


def set_offer(scope: Scope, campaign_id: int, offer_id: int | None) -> Campaign | Refused:
    """Every message carries a coupon of this offer; None: no coupon."""
    campaign = queries.get(scope, campaign_id)
    return set_basics(scope, campaign_id, name=campaign.name, channel=campaign.channel, offer_id=offer_id)


def set_audience(scope: Scope, campaign_id: int, audience: Rule | Mapping[str, Any]) -> Campaign | Refused:
    """To whom: a segment rule, or its JSON. Refused: not_a_draft, bad_rule (why, at)."""
    campaign = draft(scope, campaign_id)
    if isinstance(campaign, Refused):
        return campaign
    if campaign.kind != "members":
        return Refused("bad_rule", {"why": campaign.kind, "at": ""})
    try:
        rule = audience if isinstance(audience, Rule) else load(audience)
        rule = load(dump(rule))  # what is stored can be read again
        segments.conditions(scope, rule, scope.today)
    except BadRule as why:
        return Refused("bad_rule", {"why": why.code, "at": why.at})
    queries.version(scope, campaign).audience = dump(rule)
    scope.session.flush()
    return campaign


def set_content(scope: Scope, campaign_id: int, content: Mapping[str, str]) -> Campaign | Refused:
    """What it says: the channel's fields as written. A draft may be unfinished; `states.send` checks.

    Refused: not_a_draft, too_long.
    """
    campaign = draft(scope, campaign_id)
    if isinstance(campaign, Refused):
        return campaign
    kept = {str(key): str(text) for key, text in content.items() if str(text).strip()}
    if sum(map(len, kept.values())) > MOST_CONTENT:
        return Refused("too_long", {"most": MOST_CONTENT})
    queries.version(scope, campaign).content = kept
    scope.session.flush()
    return campaign


def draft(scope: Scope, campaign_id: int) -> Campaign | Refused:
    """A campaign that can still be written, held until this unit ends. Refused: not_a_draft."""
    campaign = queries.get(scope, campaign_id, hold=True)
    return campaign if campaign.state == "draft" else Refused("not_a_draft", {"state": campaign.state})


def _basics(
    scope: Scope, name: str, channel: str, offer_id: int | None, matrix_id: int | None, kind: str
) -> Refused | None:
    if not 1 <= len(name.strip()) <= NAME:
        return Refused("name_length", {"most": NAME})
    bound = calls.channel(scope, channel)
    if bound is None or (kind == queries.GROUPS and bound.impl.identity != RECIPIENT):
        return Refused("no_channel", {"channel": channel})
    if offer_id is not None:
        offer = coupons.offer(scope, offer_id)
        if offer.state != "open":
            return Refused("no_offer", {"state": offer.state})
    if matrix_id is not None:
        if kind == queries.GROUPS or offer_id is not None:
            return Refused("matrix_in_groups")
        matrices.get(scope, matrix_id)
        if not matrices.giving(scope, matrix_id):
            return Refused("no_matrix")
    return None
