"""A campaign's life: draft -> laying -> sending <-> paused -> done; cancelled ends it from anywhere before done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update

from webapp.campaigns import audience, content, groups, queries
from webapp.campaigns.audience import Counted
from webapp.campaigns.content import Wrong
from webapp.campaigns.models import Campaign
from webapp.coupons import queries as coupons
from webapp.kernel.errors import Refused
from webapp.kernel.idempotency import once
from webapp.kernel.scope import Scope
from webapp.plugin_api import Basket
from webapp.plugin_runtime import calls
from webapp.segments.rules import BadRule

OPEN_ENDED = 10**12  # minor units; a basket that no till has seen


@dataclass(frozen=True, slots=True)
class Given:
    """Of what a matrix would give now: an offer's name, to how many, what one coupon saves at most (None: not known or
    without an end)."""

    name: str
    members: int
    most_minor: int | None


@dataclass(frozen=True, slots=True)
class Review:
    """What sending now would do. wrong: by content field; blocked: why it cannot be sent (codes with facts).

    most_coupons: how many coupons go out, None without an end; most_minor: what one saves at most, None: not known or without an end.
    gifts: where a matrix chooses, what of each offer. unmentioned: there is an offer, but no text carries its link or its code.
    """

    counted: Counted
    wrong: dict[str, list[Wrong]] = field(default_factory=dict)
    blocked: tuple[Refused, ...] = ()
    most_coupons: int | None = 0
    most_minor: int | None = None
    gifts: tuple[Given, ...] = ()
    unmentioned: bool = False


def review(scope: Scope, campaign_id: int) -> Review:
    """Everything that a person wants to know before it goes. Raises NotFound."""
    campaign = queries.get(scope, campaign_id)
    said = queries.version(scope, campaign)
    blocked: list[Refused] = []
    if campaign.state != "draft":
        blocked.append(Refused("not_a_draft", {"state": campaign.state}))
    bound = calls.channel(scope, campaign.channel)
    wrong: dict[str, list[Wrong]] = {}
    if bound is None:
        blocked.append(Refused("no_channel", {"channel": campaign.channel}))
    else:
        unready = calls.decide(bound.plugin, lambda: bound.impl.ready(bound.ctx))
        if unready is not None:
            facts = {"plugin": bound.plugin, "sentence": unready if isinstance(unready, str) else ""}
            blocked.append(Refused("channel_not_ready", facts))
        fields = groups.FIELDS if campaign.kind == queries.GROUPS else bound.impl.fields
        wrong = content.check(fields, said.content, has_offer=campaign.gives, kind=campaign.kind)
        if wrong:
            blocked.append(Refused("content", {"fields": sorted(wrong)}))
    try:
        at = audience.aim(scope, campaign)
        counted = (
            groups.count(scope, campaign_id) if campaign.kind == queries.GROUPS else audience.count(scope, at)
        )
    except BadRule as why:
        blocked.append(Refused("bad_rule", {"why": why.code, "at": why.at}))
        return Review(Counted(), wrong, tuple(blocked))
    most_minor = None
    if at.offer is not None:
        if at.offer.state != "open":
            blocked.append(Refused("no_offer", {"state": at.offer.state}))
        most_minor = largest_saving(scope, at.offer.id)
        ends = coupons.terms(scope, at.offer.id, at.offer.terms_version).valid_until
        if ends is not None and ends < scope.today:
            blocked.append(Refused("offer_over", {"until": ends.isoformat()}))
        begins, closes = at.offer.claim_from, at.offer.claim_until
        if (begins is not None and scope.now < begins) or (closes is not None and closes <= scope.now):
            blocked.append(Refused("offer_window"))
        if calls.coupon_type(scope, at.offer.type_key) is None:
            blocked.append(Refused("offer_parked", {"type": at.offer.type_key}))
    gifts: list[Given] = []
    if at.choosing:
        if not at.gifts:
            blocked.append(Refused("no_matrix"))
        named = {one.offer.id: one.offer.name for one in at.gifts}
        gifts = [Given(named[id_], n, largest_saving(scope, id_)) for id_, n in counted.by_offer.items()]
    if not counted.reached:
        blocked.append(Refused("no_groups" if campaign.kind == queries.GROUPS else "nobody"))
    return Review(
        counted,
        wrong,
        tuple(blocked),
        most_coupons=_most_coupons(campaign, at, counted),
        most_minor=most_minor,
        gifts=tuple(gifts),
        unmentioned=campaign.kind == "members"
        and campaign.gives
        and not content.used(said.content) & {"coupon.url", "coupon.code"},
    )


def _most_coupons(campaign: Campaign, at: audience.Aim, counted: Counted) -> int | None:
    """How many coupons it can give; None: whoever names themselves by a group's link gets one, and the stock has no end."""
    if not campaign.gives:
        return 0
    return audience.left_in_stock(at) if campaign.kind == queries.GROUPS else counted.reached


def largest_saving(scope: Scope, offer_id: int) -> int | None:
    """What one coupon of an offer saves at most, where it stops growing with the basket; None: not known."""
    offer = coupons.offer(scope, offer_id)
    terms = coupons.terms(scope, offer_id, offer.terms_version).terms
    bound = calls.coupon_type(scope, offer.type_key)
    if bound is None:
        return None
    quotes = [
        calls.decide(bound.plugin, lambda total=total: bound.impl.quote(terms, Basket(total)))  # type: ignore[misc]
        for total in (OPEN_ENDED, 2 * OPEN_ENDED)
    ]
    savings = {getattr(quote, "saving_minor", None) for quote in quotes}
    return savings.pop() if len(savings) == 1 else None


def send(scope: Scope, campaign_id: int, key: str | None = None) -> Refused | None:
    """Send it off: the audience is made as of today, in the background. `key`: of the form, so that it is asked once.

    Refused: what `review` is blocked by (its first).
    """

    def work() -> dict[str, Any] | None:
        queries.get(scope, campaign_id, hold=True)
        blocked = review(scope, campaign_id).blocked
        if blocked:
            return {"code": blocked[0].code, "facts": blocked[0].facts}
        if not _move(scope, campaign_id, ("draft",), "laying", started_at=scope.now):
            return {"code": "not_a_draft", "facts": {}}
        scope.audit("campaign.send", "campaign", campaign_id)
        scope.ring("campaigns.lay", brand_id=scope.brand.id, campaign_id=campaign_id)
        return None

    answer = work() if key is None else once(scope, key, "campaign.send", work)
    return Refused(answer["code"], answer["facts"]) if answer else None


def pause(scope: Scope, campaign_id: int) -> Refused | None:
    """Nothing more goes out, at most the twenty that are on their way. Refused: not_sending."""
    if not _move(scope, campaign_id, ("sending",), "paused"):
        return _not(scope, campaign_id, "not_sending", "paused")
    scope.audit("campaign.pause", "campaign", campaign_id)
    return None


def resume(scope: Scope, campaign_id: int) -> Refused | None:
    """On it goes. Refused: not_paused."""
    if not _move(scope, campaign_id, ("paused",), "sending"):
        return _not(scope, campaign_id, "not_paused", "sending")
    scope.audit("campaign.resume", "campaign", campaign_id)
    scope.ring("outbox.drain", brand_id=scope.brand.id, campaign_id=campaign_id)
    return None


def cancel(scope: Scope, campaign_id: int) -> Refused | None:
    """End it: what is queued is cancelled and its coupons return to the stock, in the background. Refused: over."""
    if not _move(scope, campaign_id, ("draft", "laying", "sending", "paused"), "cancelled"):
        return _not(scope, campaign_id, "over", "cancelled")
    scope.audit("campaign.cancel", "campaign", campaign_id)
    scope.ring("outbox.drain", brand_id=scope.brand.id, campaign_id=campaign_id)
    return None


def laid(scope: Scope, campaign_id: int) -> bool:
    """Every row of the audience is laid: sending begins."""
    return _move(scope, campaign_id, ("laying",), "sending")


def finish(scope: Scope, campaign_id: int) -> bool:
    """Nothing is left to send: done; one that was cancelled is wound up."""
    done = _move(scope, campaign_id, ("sending",), "done", finished_at=scope.now)
    if not done:
        campaign = queries.get(scope, campaign_id, hold=True)
        if campaign.state == "cancelled" and campaign.finished_at is None:
            campaign.finished_at = scope.now
            scope.session.flush()
    return done


def reopen(scope: Scope, campaign_id: int) -> bool:
    """One more message is to be sent. False: it was cancelled, or never sent off."""
    state = queries.get(
        scope, campaign_id, hold=True
    ).state  # held: `finish` waits, and then sees the message
    if state == "done":
        return _move(scope, campaign_id, ("done",), "sending", finished_at=None)
    return state in ("sending", "paused", "laying")


def _move(scope: Scope, campaign_id: int, before: tuple[str, ...], state: str, **values: Any) -> bool:
    """One transition, kept by the database: a conditional update whose row count is checked."""
    done = scope.session.execute(
        update(Campaign)
        .where(Campaign.brand_id == scope.brand.id, Campaign.id == campaign_id, Campaign.state.in_(before))
        .values(state=state, **values)
        .execution_options(synchronize_session=False)
    )
    scope.session.expire_all()
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult


def _not(scope: Scope, campaign_id: int, code: str, wanted: str) -> Refused | None:
    """Asked twice is done once: where it already stands as wanted, nothing is refused. Raises NotFound."""
    state = queries.get(scope, campaign_id).state
    return None if state == wanted else Refused(code, {"state": state})
