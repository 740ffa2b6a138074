"""A shop with members, and campaigns that are written and sent without HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from sqlalchemy import select

from tests.factories import make_members
from tests.unit.outbox.post import Scripted
from webapp.campaigns import laying, queries, service, winding_up
from webapp.campaigns.results import Results
from webapp.coupons.models import Coupon, Offer, OfferAllowance
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.lifecycle.models import MemberStage
from webapp.members.models import Member
from webapp.outbox.drain import drain
from webapp.outbox.models import Delivery

T = TypeVar("T")
CONTENT = {
    "subject": "Hello {{ member.name }}",
    "text": "We miss you, {{ member.name or 'friend' }}.",
    "html": "<p>We miss you, <b>{{ member.name }}</b>.</p>",
}
WITH_COUPON = CONTENT | {
    "text": "{{ coupon.terms }}: {{ coupon.url }} ({{ coupon.code }}, until {{ coupon.until }})",
}
DORMANT: dict[str, Any] = {"all": [{"field": "stage", "in": ["dormancy"]}]}
EVERYBODY: dict[str, Any] = {"all": []}


@dataclass
class Shop:
    db: Database
    brand: BrandRef
    channel: Scripted

    def write(self, work: Callable[[Scope], T], **more: Any) -> T:
        return self.db.write(work, brand=self.brand, **more)

    def read(self, look: Callable[[Scope], T]) -> T:
        with self.db.read(brand=self.brand) as scope:
            return look(scope)

    def members(self, count: int, *, first: int = 1, stage: str | None = None, **more: Any) -> list[Member]:
        """Members with an address and consent for the scripted channel."""
        values = {"consents": {"scripted": True}} | more
        made = self.write(lambda scope: make_members(scope, count, first=first, **values))
        if stage:
            self.write(lambda scope: self._stage(scope, made, stage))
        return made

    @staticmethod
    def _stage(scope: Scope, members: list[Member], stage: str) -> None:
        for one in members:
            scope.session.add(
                MemberStage(
                    brand_id=scope.brand.id, member_id=one.id, stage=stage, reason="no_order",
                    since=scope.today, policy="test",
                )
            )  # fmt: skip

    @property
    def today(self) -> date:
        return self.read(lambda scope: scope.today)

    @property
    def yesterday(self) -> date:
        return self.today - timedelta(days=1)

    def draft(
        self,
        audience: dict[str, Any] | None = None,
        content: dict[str, str] | None = None,
        offer: Offer | None = None,
    ) -> int:
        """A finished draft; its id."""

        def unit(scope: Scope) -> int:
            made = service.create(scope, name="We miss you", channel="scripted", offer_id=offer and offer.id)
            assert not isinstance(made, Refused), made
            assert not isinstance(service.set_audience(scope, made.id, audience or EVERYBODY), Refused)
            said = service.set_content(scope, made.id, content or (WITH_COUPON if offer else CONTENT))
            assert not isinstance(said, Refused)
            return made.id

        return self.write(unit)

    def send(self, campaign_id: int) -> Refused | None:
        return self.write(lambda scope: service.send(scope, campaign_id))

    def lay(self, campaign_id: int) -> Any:
        return laying.lay(self.db, self.brand, campaign_id)

    def drain(self, campaign_id: int) -> Any:
        """As the worker: drain, then wind up what it rang for."""
        done = drain(self.db, self.brand, campaign_id, seconds=20)
        winding_up.wind_up(self.db, self.brand, campaign_id)
        return done

    def run(self, campaign_id: int) -> Results:
        """Send, lay, drain: to the end."""
        assert self.send(campaign_id) is None
        self.lay(campaign_id)
        self.drain(campaign_id)
        return self.results(campaign_id)

    def results(self, campaign_id: int) -> Results:
        return self.read(lambda scope: service.results(scope, campaign_id))

    def state(self, campaign_id: int) -> str:
        return self.read(lambda scope: queries.get(scope, campaign_id).state)

    def deliveries(self, campaign_id: int) -> dict[int, tuple[str, str | None]]:
        """recipient -> (state, reason)."""

        def look(scope: Scope) -> dict[int, tuple[str, str | None]]:
            rows = scope.session.execute(
                select(Delivery.recipient_id, Delivery.state, Delivery.reason).where(
                    Delivery.brand_id == scope.brand.id, Delivery.campaign_id == campaign_id
                )
            ).all()
            assert len({row[0] for row in rows}) == len(rows)
            return {row[0]: (row[1], row[2]) for row in rows}

        return self.read(look)

    def by_outcome(self, campaign_id: int) -> Counter[tuple[str, str | None]]:
        return Counter(self.deliveries(campaign_id).values())

    def coupons(self, offer: Offer) -> Counter[str]:
        """state -> how many of an offer."""
        return self.read(
            lambda scope: Counter(
                scope.session.scalars(
                    select(Coupon.state).where(Coupon.brand_id == scope.brand.id, Coupon.offer_id == offer.id)
                )
            )
        )

    def issued(self, offer: Offer) -> tuple[int, int]:
        """(what the offer counts as issued, what the allowances sum up to)."""

        def look(scope: Scope) -> tuple[int, int]:
            stored = scope.session.get_one(Offer, (scope.brand.id, offer.id)).issued
            used = scope.session.scalars(
                select(OfferAllowance.used).where(
                    OfferAllowance.brand_id == scope.brand.id, OfferAllowance.offer_id == offer.id
                )
            )
            return stored, sum(used)

        return self.read(look)
