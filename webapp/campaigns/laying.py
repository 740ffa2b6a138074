"""Laying a campaign: a delivery row for everyone of its audience, in chunks that are resumed anywhere.

For each chunk: first who can be written to, then the arm is drawn, then coupons are given, then rows are laid. Each row
stands under a unique key, each coupon too, so that a chunk that is done twice changes nothing.
"""

from __future__ import annotations

from typing import Any

from webapp.campaigns import audience, groups, queries, states
from webapp.campaigns.drafts import ARM_MODULUS
from webapp.campaigns.models import Campaign
from webapp.coupons import service as coupons
from webapp.coupons.issue import Answers, People
from webapp.coupons.models import Coupon
from webapp.kernel import bulk
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import SYSTEM, Actor, BrandRef, Scope
from webapp.kernel.steps import Done, Next, run_steps
from webapp.matrix import service as matrices
from webapp.outbox import service as outbox
from webapp.outbox.models import Delivery
from webapp.outbox.service import Promise

CHUNK = 100  # members a unit; with coupons some 5 rows each
STEPS = "campaign.lay"
HELD_OUT = 0.0  # share of those who could be written to and are not, to compare with


def arm(draw: int, k: int, c: int, held_out: float = HELD_OUT) -> int:
    """0 held out, 1 sent to: from the member's stored draw and the campaign's own constants, the same everywhere."""
    return 0 if (draw * k + c) % ARM_MODULUS < held_out * ARM_MODULUS else 1


def lay(
    db: Database, brand: BrandRef, campaign_id: int, *, seconds: float | None = None, actor: Actor = SYSTEM
) -> Done | Next:
    """Lay until it is done, or for `seconds`. Safe to call at any time, by anyone, as often as they like."""

    def work(scope: Scope, cursor: Any) -> Next | Done:
        return step(scope, campaign_id, cursor)

    outcome = run_steps(
        db,
        brand,
        STEPS,
        str(campaign_id),
        work,
        start={"after": 0, "laid": 0},
        actor=actor,
        seconds=seconds,
    )
    if isinstance(outcome, Done):  # the sending that follows takes rows by the hundred
        bulk.analyse(db, Delivery, Coupon)
    return outcome


def step(scope: Scope, campaign_id: int, cursor: dict[str, int], size: int = CHUNK) -> Next | Done:
    """One chunk. The campaign's row is held, so that cancelling waits for the chunk and sees its rows."""
    campaign = queries.get(scope, campaign_id, hold=True)
    if campaign.state != "laying":
        return Done({"laid": cursor["laid"], "stopped": campaign.state})
    if campaign.kind == queries.GROUPS:
        laid = outbox.lay(scope, campaign_id, groups.promises(scope, campaign_id))
        return _laid(scope, campaign_id, laid)
    at = audience.aim(scope, campaign)
    people = audience.chunk(scope, at, cursor["after"], size)
    laid = (
        cursor["laid"] + outbox.lay(scope, campaign_id, _promises(scope, campaign, people))
        if people
        else cursor["laid"]
    )
    if len(people) == size:
        return Next({"after": people[-1].member_id, "laid": laid})
    return _laid(scope, campaign_id, laid)


def _laid(scope: Scope, campaign_id: int, laid: int) -> Done:
    states.laid(scope, campaign_id)
    scope.ring("outbox.drain", brand_id=scope.brand.id, campaign_id=campaign_id)
    return Done({"laid": laid})


def _promises(scope: Scope, campaign: Campaign, people: list[audience.Person]) -> list[Promise]:
    drawn = {
        one.member_id: arm(one.draw, campaign.arm_k, campaign.arm_c) for one in people if one.reason is None
    }
    reasons: dict[int, str | None] = {one.member_id: one.reason for one in people}
    sent_to = [(one.member_id, one.person_id) for one in people if drawn.get(one.member_id) == 1]
    if campaign.gives and sent_to:
        for member_id, answer in _coupons(scope, campaign, sent_to).items():
            if isinstance(answer, Refused):
                reasons[member_id] = audience.of_refusal(answer.code)
    return [
        Promise(
            one.member_id,
            one.person_id,
            state=_state(reasons[one.member_id], drawn.get(one.member_id, 1)),
            reason=reasons[one.member_id] or ("held_out" if drawn.get(one.member_id) == 0 else None),
            arm=drawn.get(one.member_id, 1),
        )
        for one in people
    ]


def _coupons(scope: Scope, campaign: Campaign, people: People) -> Answers:
    """One for each: of the campaign's offer, or of that which its matrix chooses."""
    if campaign.matrix_id is not None:
        return matrices.issue(
            scope,
            campaign.matrix_id,
            people,
            occurrence=f"campaign:{campaign.id}",
            campaign_id=campaign.id,
        )
    assert campaign.offer_id is not None
    return coupons.issue_for_campaign(scope, campaign.offer_id, people, campaign.id)


def _state(reason: str | None, drawn: int) -> str:
    return "queued" if reason is None and drawn == 1 else "left_out"
