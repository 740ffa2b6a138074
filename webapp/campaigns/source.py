"""What the outbox asks of campaigns: how they stand, and what each recipient is told, looked at once more on the way out."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal
from weakref import WeakKeyDictionary

from sqlalchemy import and_, bindparam, select

from webapp.brands.models import Store
from webapp.campaigns import audience, content, groups, placeholders, queries, states
from webapp.campaigns.models import Campaign
from webapp.coupons import queries as coupon_queries
from webapp.coupons.models import Coupon, OfferTerms
from webapp.coupons.service import coupon_url
from webapp.kernel.scope import Scope
from webapp.matrix import queries as matrices
from webapp.members.models import ConsentNow, Member, MemberIdentity
from webapp.orders.models import Order
from webapp.outbox import sources
from webapp.outbox.models import Delivery
from webapp.outbox.sources import Called, Leased, LeftOut, Parts, Run
from webapp.plugin_api import Address, Channel, ContentField
from webapp.plugin_runtime import calls

log = logging.getLogger("regulars.campaigns")

_BRAND: Any = bindparam("b")
_IDS: Any = bindparam("ids", expanding=True)
_STANDING: dict[str, Literal["sending", "held", "cancelled"]] = {
    "sending": "sending",
    "cancelled": "cancelled",
}

# Built once: the looks of a batch are the same for each.
_RUN = select(Campaign.channel, Campaign.purpose, Campaign.state).where(
    Campaign.brand_id == _BRAND, Campaign.id == bindparam("campaign")
)
_PEOPLE = (
    select(
        Member.id,
        Member.name,
        Member.number,
        Store.name.label("store"),
        MemberIdentity.value,
    )
    .outerjoin(Store, and_(Store.brand_id == Member.brand_id, Store.id == Member.store_id))
    .outerjoin(
        MemberIdentity,
        and_(
            MemberIdentity.brand_id == Member.brand_id,
            MemberIdentity.member_id == Member.id,
            MemberIdentity.kind == bindparam("identity"),
        ),
    )
    .where(Member.brand_id == _BRAND, Member.id.in_(_IDS))
)
# Held until the unit that marks the batch in flight commits (SQLite has one writer anyway): a withdrawal comes before it,
# and is seen here, or after it.
_AGREED = (
    select(ConsentNow.member_id)
    .where(
        ConsentNow.brand_id == _BRAND,
        ConsentNow.member_id.in_(_IDS),
        ConsentNow.channel == bindparam("channel"),
        ConsentNow.purpose == bindparam("purpose"),
        ConsentNow.granted.is_(True),
    )
    .order_by(ConsentNow.member_id)
    .with_for_update(read=True)
)
_ORDERED = (
    select(Order.person_id)
    .distinct()
    .where(Order.brand_id == _BRAND, Order.person_id.in_(_IDS), Order.ordered_on >= bindparam("day"))
)
# Where a matrix chooses: of whichever offer.
_CHOSEN = (
    select(
        Coupon.member_id,
        Coupon.offer_id,
        Coupon.token,
        Coupon.code,
        Coupon.valid_until,
        Coupon.state,
        OfferTerms.valid_days,
        OfferTerms.version,
    )
    .join(OfferTerms, coupon_queries.ITS_TERMS)
    .where(
        Coupon.brand_id == _BRAND,
        Coupon.member_id.in_(_IDS),
        Coupon.occurrence == bindparam("occurrence"),
    )
)
_COUPONS = _CHOSEN.where(Coupon.offer_id == bindparam("offer"))


class Campaigns:
    """The outbox's source (webapp.outbox.sources.Source)."""

    def active(self, scope: Scope) -> list[tuple[int, int]]:
        """Campaigns that the sweep looks after."""
        return queries.active(scope)

    def run(self, scope: Scope, campaign_id: int) -> Run | None:
        """How a campaign stands."""
        values = {"b": scope.brand.id, "campaign": campaign_id}
        row = scope.session.connection().execute(_RUN, values).one_or_none()
        return Run(row.channel, row.purpose, _STANDING.get(row.state, "held")) if row else None

    def render(
        self, scope: Scope, campaign_id: int, batch: Sequence[Leased]
    ) -> Mapping[int, Parts | LeftOut]:
        """The messages of a batch, and who is left out after all."""
        plan = _plan(scope, campaign_id)
        if plan is None:
            return {}
        if plan.kind == queries.GROUPS:
            return groups.render(scope, campaign_id, batch)
        look = Look(scope, plan)
        members = [row.recipient_id for row in batch]
        agreed = look.agreed(members)  # first: the rows are held, so that what is read after it stands
        people = look.people(members)
        bought = look.bought([row.person_id or row.recipient_id for row in batch])
        coupons = look.coupons(members)
        answers: dict[int, Parts | LeftOut] = {}
        for row in batch:
            who = people.get(row.recipient_id)
            if who is None:
                answers[row.id] = LeftOut("gone")
            elif not plan.address(who):
                answers[row.id] = LeftOut(audience.NO_ADDRESS)
            elif row.recipient_id not in agreed:
                answers[row.id] = LeftOut(audience.NO_CONSENT)
            elif (row.person_id or row.recipient_id) in bought:
                answers[row.id] = LeftOut(audience.ORDERED)
            elif plan.gives and row.recipient_id not in coupons:
                answers[row.id] = LeftOut(audience.NO_COUPON)
            else:
                answers[row.id] = plan.write(who, coupons.get(row.recipient_id))
        if plan.gives and any(isinstance(one, LeftOut) for one in answers.values()):
            scope.ring("campaigns.wind_up", brand_id=scope.brand.id, campaign_id=campaign_id)
        return answers

    def finished(self, scope: Scope, campaign_id: int) -> None:
        """Nothing is on the way: coupons that nobody got go back, then the campaign is done."""
        scope.ring("campaigns.wind_up", brand_id=scope.brand.id, campaign_id=campaign_id)

    def reopen(self, scope: Scope, campaign_id: int) -> bool:
        """One more message."""
        return states.reopen(scope, campaign_id)

    def called(self, scope: Scope, some: Sequence[Delivery]) -> Mapping[int, Called]:
        """By the campaign's name."""
        names = queries.named(scope, {one.campaign_id for one in some})
        return {
            one.id: Called(names[one.campaign_id], f"/campaigns/{one.campaign_id}")
            for one in some
            if one.campaign_id in names
        }


@dataclass(slots=True)
class Plan:
    """What is the same for every message of a campaign: its texts compiled, what its offer promises, when it was made."""

    campaign_id: int
    kind: str
    channel: str
    purpose: str
    identity: str
    compiled: content.Compiled
    brand: str
    locale: str
    since: date | None  # who has ordered on this day or after is left out; None: it does not matter
    offer_id: int | None
    matrix_id: int | None
    made_at: datetime
    # offer and version of its terms -> what it is called, what it promises in one line
    terms: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)

    @property
    def gives(self) -> bool:
        """Does each message carry a coupon?"""
        return self.offer_id is not None or self.matrix_id is not None

    def write(self, who: Any, coupon: placeholders.CouponFacts | None) -> Parts | LeftOut:
        """One recipient's message. A text that cannot be filled leaves this one out, and nobody else."""
        try:
            filled = self.fill(who.name, who.number, who.store or "", coupon)
        except Exception:
            log.exception("campaign %s: a text could not be filled", self.campaign_id)
            return LeftOut("render")
        return Parts(Address(self.address(who), who.name), filled)

    def address(self, who: Any) -> str:
        """Where the channel finds them; blank: nowhere."""
        return f"member:{who.id}" if self.identity == audience.RECIPIENT else who.value or ""

    def fill(
        self, name: str, number: str, store: str, coupon: placeholders.CouponFacts | None
    ) -> dict[str, str]:
        """The content for one member. Raises what rendering raises."""
        facts = placeholders.Facts(name, number, store, self.brand, coupon)
        return self.compiled.fill(placeholders.namespace(facts))


def fields_of(campaign: Campaign, channel: Channel) -> Sequence[ContentField]:
    """What staff write: the channel's fields, or those of a post in groups."""
    return groups.FIELDS if campaign.kind == queries.GROUPS else channel.fields


def plan_of(scope: Scope, campaign: Campaign, channel: Channel) -> Plan:
    """Made anew. The texts must have been checked. Raises what compiling raises."""
    said = queries.version(scope, campaign)
    return Plan(
        campaign.id,
        campaign.kind,
        campaign.channel,
        campaign.purpose,
        channel.identity,
        content.compiled(fields_of(campaign, channel), said.content),
        scope.brand.name,
        scope.brand.locale,
        queries.day_of(scope, campaign) if queries.wins_back(queries.rule(said)) else None,
        campaign.offer_id,
        campaign.matrix_id,
        scope.now,
    )


# A campaign that is sent is frozen, so its plan is kept for a little: per engine, since ids are unique in a database only.
_KEPT: WeakKeyDictionary[Any, dict[tuple[int, int], Plan]] = WeakKeyDictionary()
KEEP = timedelta(seconds=5)
MOST_KEPT = 50


def _plan(scope: Scope, campaign_id: int) -> Plan | None:
    """None while the channel is off or gone."""
    kept = _KEPT.setdefault(scope.session.get_bind().engine, {})
    key = (scope.brand.id, campaign_id)
    found = kept.get(key)
    if found is not None and timedelta(0) <= scope.now - found.made_at < KEEP:
        return found
    campaign = queries.get(scope, campaign_id)
    bound = calls.channel(scope, campaign.channel)
    if bound is None:
        return None
    if len(kept) >= MOST_KEPT:
        kept.clear()
    kept[key] = plan_of(scope, campaign, bound.impl)
    return kept[key]


class Look:
    """What a batch needs to know, one query a subject."""

    def __init__(self, scope: Scope, plan: Plan) -> None:
        self.scope = scope
        self.plan = plan
        self.connection = scope.session.connection()

    def people(self, ids: Sequence[int]) -> dict[int, Any]:
        """member id -> id, name, number, store, value (the address)."""
        values = {"b": self.scope.brand.id, "ids": list(ids), "identity": self.plan.identity}
        return {row.id: row for row in self.connection.execute(_PEOPLE, values)}

    def agreed(self, ids: Sequence[int]) -> set[int]:
        """Those who agree to this channel and purpose, held until this unit ends: for the unit that takes them off."""
        values = {
            "b": self.scope.brand.id,
            "ids": list(ids),
            "channel": self.plan.channel,
            "purpose": self.plan.purpose,
        }
        return {row[0] for row in self.connection.execute(_AGREED, values)}

    def bought(self, person_ids: Sequence[int]) -> set[int]:
        """Those who have ordered since the audience was made, where that matters."""
        if self.plan.since is None:
            return set()
        values = {"b": self.scope.brand.id, "ids": list(person_ids), "day": self.plan.since}
        return {row[0] for row in self.connection.execute(_ORDERED, values) if row[0] is not None}

    def coupons(self, member_ids: Collection[int]) -> dict[int, placeholders.CouponFacts]:
        """Members' coupons of this campaign; one that was taken away is none."""
        if not self.plan.gives:
            return {}
        values = {
            "b": self.scope.brand.id,
            "ids": list(member_ids),
            "occurrence": f"campaign:{self.plan.campaign_id}",
        }
        query = _CHOSEN
        if self.plan.offer_id is not None:
            query, values = _COUPONS, values | {"offer": self.plan.offer_id}
        found = {}
        for row in self.connection.execute(query, values):
            if row.state != "void":
                name, terms = self.promise(row.offer_id, row.version)
                found[row.member_id] = placeholders.CouponFacts(
                    url=coupon_url(row.token),
                    code=placeholders.spaced(row.code),
                    until=placeholders.last_day(row.valid_until, row.valid_days, self.plan.locale),
                    terms=terms,
                    name=name,
                )
        return found

    def promise(self, offer_id: int, version: int) -> tuple[str, str]:
        """What an offer is called, and what it promises in one line of the brand's language."""
        plan = self.plan
        if (offer_id, version) not in plan.terms:
            offer = coupon_queries.offer(self.scope, offer_id)
            said = coupon_queries.terms(self.scope, offer_id, version)
            lines = coupon_queries.describe(self.scope, offer, said, plan.locale)
            terms = placeholders.joined(lines or [offer.name], plan.locale)
            plan.terms[offer_id, version] = (offer.name, terms)
        return plan.terms[offer_id, version]

    def sample(self, member_id: int | None = None) -> placeholders.CouponFacts | None:
        """A coupon as one would look, for previews and tests of a campaign that has given none yet. Where a matrix chooses:
        of the offer that it means for this member, or of its first row that gives any."""
        offer_id = self.plan.offer_id
        if self.plan.matrix_id is not None:
            offer_id = self._chosen(self.plan.matrix_id, member_id)
        if offer_id is None:
            return None
        offer = coupon_queries.offer(self.scope, offer_id)
        said = coupon_queries.terms(self.scope, offer.id, offer.terms_version)
        name, terms = self.promise(offer.id, offer.terms_version)
        return placeholders.CouponFacts(
            url=coupon_url("sample"),
            code=placeholders.PLACEHOLDERS["coupon.code"].sample,
            until=placeholders.last_day(said.valid_until, said.valid_days, self.plan.locale),
            terms=terms,
            name=name,
        )

    def _chosen(self, matrix_id: int, member_id: int | None) -> int | None:
        if member_id is not None:
            chosen = matrices.choose(self.scope, matrix_id, [member_id])
            if member_id in chosen:
                return chosen[member_id]
        lines = matrices.giving(self.scope, matrix_id) or matrices.lines(self.scope, matrix_id)
        return lines[0].offer.id if lines else None


SOURCE = Campaigns()
sources.register("campaigns", SOURCE)

__all__ = ["SOURCE", "Campaigns", "Look", "Plan", "plan_of"]
