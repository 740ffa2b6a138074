"""What the outbox asks of campaigns: how they stand, and what each recipient is told, looked at once more on the way out."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Literal

from sqlalchemy import and_, bindparam, select

from webapp.brands.models import Store
from webapp.campaigns import audience, content, placeholders, queries, states
from webapp.campaigns.models import Campaign
from webapp.coupons import queries as coupon_queries
from webapp.coupons.models import Coupon, OfferTerms
from webapp.coupons.service import coupon_url
from webapp.kernel.scope import Scope
from webapp.members.models import ConsentNow, Member, MemberIdentity
from webapp.orders.models import Order
from webapp.outbox import sources
from webapp.outbox.sources import Leased, LeftOut, Parts, Run
from webapp.plugin_api import Address, ContentField
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
        ConsentNow.granted,
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
    .outerjoin(
        ConsentNow,
        and_(
            ConsentNow.brand_id == Member.brand_id,
            ConsentNow.member_id == Member.id,
            ConsentNow.channel == bindparam("channel"),
            ConsentNow.purpose == bindparam("purpose"),
        ),
    )
    .where(Member.brand_id == _BRAND, Member.id.in_(_IDS))
)
_ORDERED = (
    select(Order.person_id)
    .distinct()
    .where(Order.brand_id == _BRAND, Order.person_id.in_(_IDS), Order.ordered_on >= bindparam("day"))
)
_COUPONS = (
    select(
        Coupon.member_id,
        Coupon.token,
        Coupon.code,
        Coupon.valid_until,
        Coupon.state,
        OfferTerms.valid_days,
        OfferTerms.version,
    )
    .join(
        OfferTerms,
        and_(
            OfferTerms.brand_id == Coupon.brand_id,
            OfferTerms.offer_id == Coupon.offer_id,
            OfferTerms.version == Coupon.terms_version,
        ),
    )
    .where(
        Coupon.brand_id == _BRAND,
        Coupon.offer_id == bindparam("offer"),
        Coupon.member_id.in_(_IDS),
        Coupon.occurrence == bindparam("occurrence"),
    )
)


class Campaigns:
    """The outbox's source (webapp.outbox.sources.Source)."""

    def active(self, scope: Scope) -> list[tuple[int, int]]:
        """Campaigns that the sweep looks after."""
        return queries.active(scope)

    def run(self, scope: Scope, campaign_id: int) -> Run | None:
        """How a campaign stands."""
        row = scope.session.execute(_RUN, {"b": scope.brand.id, "campaign": campaign_id}).one_or_none()
        return Run(row.channel, row.purpose, _STANDING.get(row.state, "held")) if row else None

    def render(
        self, scope: Scope, campaign_id: int, batch: Sequence[Leased]
    ) -> Mapping[int, Parts | LeftOut]:
        """The messages of a batch, and who is left out after all."""
        campaign = queries.get(scope, campaign_id)
        said = queries.version(scope, campaign)
        bound = calls.channel(scope, campaign.channel)
        if bound is None:
            return {}
        writer = Writer(scope, campaign, bound.impl.fields, said.content)
        people = _people(scope, campaign, bound.impl.identity, [row.recipient_id for row in batch])
        bought = _ordered(
            scope, campaign, queries.rule(said), [row.person_id or row.recipient_id for row in batch]
        )
        coupons = writer.coupons([row.recipient_id for row in batch])
        answers: dict[int, Parts | LeftOut] = {}
        for row in batch:
            who = people.get(row.recipient_id)
            if who is None:
                answers[row.id] = LeftOut("gone")
            elif not who.value:
                answers[row.id] = LeftOut(audience.NO_ADDRESS)
            elif not who.granted:
                answers[row.id] = LeftOut(audience.NO_CONSENT)
            elif (row.person_id or row.recipient_id) in bought:
                answers[row.id] = LeftOut(audience.ORDERED)
            elif campaign.offer_id is not None and row.recipient_id not in coupons:
                answers[row.id] = LeftOut(audience.NO_COUPON)
            else:
                answers[row.id] = writer.write(who, coupons.get(row.recipient_id))
        if campaign.offer_id is not None and any(isinstance(one, LeftOut) for one in answers.values()):
            scope.ring("campaigns.wind_up", brand_id=scope.brand.id, campaign_id=campaign_id)
        return answers

    def finished(self, scope: Scope, campaign_id: int) -> None:
        """Nothing is on the way: coupons that nobody got go back, then the campaign is done."""
        scope.ring("campaigns.wind_up", brand_id=scope.brand.id, campaign_id=campaign_id)

    def reopen(self, scope: Scope, campaign_id: int) -> bool:
        """One more message."""
        return states.reopen(scope, campaign_id)


class Writer:
    """Fills one campaign's texts. Made once a batch; what it compiles is kept by the process."""

    def __init__(
        self, scope: Scope, campaign: Campaign, fields: Sequence[ContentField], texts: Mapping[str, str]
    ) -> None:
        self.scope = scope
        self.campaign = campaign
        self.compiled = content.compiled(fields, texts)
        self.offer = coupon_queries.offer(scope, campaign.offer_id) if campaign.offer_id else None
        self._terms: dict[int, str] = {}

    def coupons(self, member_ids: Collection[int]) -> dict[int, placeholders.CouponFacts]:
        """Members' coupons of this campaign; one that was taken away is none."""
        if self.offer is None:
            return {}
        rows = self.scope.session.execute(
            _COUPONS,
            {
                "b": self.scope.brand.id,
                "offer": self.offer.id,
                "ids": list(member_ids),
                "occurrence": f"campaign:{self.campaign.id}",
            },
        )
        locale = self.scope.brand.locale
        return {
            row.member_id: placeholders.CouponFacts(
                url=coupon_url(row.token),
                code=placeholders.spaced(row.code),
                until=placeholders.last_day(row.valid_until, row.valid_days, locale),
                terms=self.terms(row.version),
                name=self.offer.name,
            )
            for row in rows
            if row.state != "void"
        }

    def terms(self, version: int) -> str:
        """What the offer promises, in one line of the brand's language."""
        assert self.offer is not None
        if version not in self._terms:
            said = coupon_queries.terms(self.scope, self.offer.id, version)
            lines = coupon_queries.describe(self.scope, self.offer, said, self.scope.brand.locale)
            self._terms[version] = "; ".join(lines or [self.offer.name])
        return self._terms[version]

    def sample(self) -> placeholders.CouponFacts | None:
        """A coupon as one would look, for previews and tests of a campaign that has given none yet."""
        if self.offer is None:
            return None
        said = coupon_queries.terms(self.scope, self.offer.id, self.offer.terms_version)
        return placeholders.CouponFacts(
            url=coupon_url("sample"),
            code=placeholders.PLACEHOLDERS["coupon.code"].sample,
            until=placeholders.last_day(said.valid_until, said.valid_days, self.scope.brand.locale),
            terms=self.terms(self.offer.terms_version),
            name=self.offer.name,
        )

    def write(self, who: Any, coupon: placeholders.CouponFacts | None) -> Parts | LeftOut:
        """One recipient's message. A text that cannot be filled leaves this one out, and nobody else."""
        try:
            filled = self.fill(who.name, who.number, who.store or "", coupon)
        except Exception:
            log.exception("campaign %s: a text could not be filled", self.campaign.id)
            return LeftOut("render")
        return Parts(Address(who.value, who.name), filled)

    def fill(
        self, name: str, number: str, store: str, coupon: placeholders.CouponFacts | None
    ) -> dict[str, str]:
        """The content for one member. Raises what rendering raises."""
        facts = placeholders.Facts(name, number, store, self.scope.brand.name, coupon)
        return self.compiled.fill(placeholders.namespace(facts))


def _people(scope: Scope, campaign: Campaign, identity: str, ids: Sequence[int]) -> dict[int, Any]:
    values = {
        "b": scope.brand.id,
        "ids": list(ids),
        "identity": identity,
        "channel": campaign.channel,
        "purpose": campaign.purpose,
    }
    return {row.id: row for row in scope.session.execute(_PEOPLE, values)}


def _ordered(scope: Scope, campaign: Campaign, rule: Any, person_ids: Sequence[int]) -> set[int]:
    """Those who have ordered since the audience was made, where that matters."""
    if not queries.wins_back(rule):
        return set()
    day: date = queries.day_of(scope, campaign)
    rows = scope.session.scalars(_ORDERED, {"b": scope.brand.id, "ids": list(person_ids), "day": day})
    return {person_id for person_id in rows if person_id is not None}


def person(scope: Scope, campaign: Campaign, identity: str, member_id: int) -> Any | None:
    """One member as messages see them: id, name, number, store, value (the address), granted."""
    return _people(scope, campaign, identity, [member_id]).get(member_id)


SOURCE = Campaigns()
sources.register("campaigns", SOURCE)

__all__ = ["SOURCE", "Campaigns", "Writer", "person"]
