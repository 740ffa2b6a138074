"""A source of deliveries for the outbox's own tests: campaign rows as campaigns makes them, a text with the member's name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select, update

from webapp.campaigns.models import Campaign
from webapp.kernel.scope import Scope
from webapp.members.models import ConsentNow, Member, MemberIdentity
from webapp.outbox import service
from webapp.outbox.models import Delivery
from webapp.outbox.sources import Called, Leased, LeftOut, Parts, Run
from webapp.plugin_api import Address

STATES = {"sending": "sending", "cancelled": "cancelled"}


class PlainSource:
    """Every member with an address and consent gets one plain message. Knows all rows of `campaign`."""

    def active(self, scope: Scope) -> Iterable[tuple[int, int]]:
        rows = scope.session.execute(
            select(Campaign.brand_id, Campaign.id).where(
                Campaign.state.in_(("sending", "cancelled")), Campaign.finished_at.is_(None)
            )
        )
        return [(row.brand_id, row.id) for row in rows]

    def run(self, scope: Scope, campaign_id: int) -> Run | None:
        row = scope.session.execute(
            select(Campaign.channel, Campaign.purpose, Campaign.state).where(
                Campaign.brand_id == scope.brand.id, Campaign.id == campaign_id
            )
        ).one_or_none()
        return row and Run(row.channel, row.purpose, STATES.get(row.state, "held"))  # type: ignore[arg-type,return-value]

    def called(self, scope: Scope, some: Sequence[Delivery]) -> Mapping[int, Called]:
        return {}

    def render(
        self, scope: Scope, campaign_id: int, batch: Sequence[Leased]
    ) -> Mapping[int, Parts | LeftOut]:
        ids = [row.recipient_id for row in batch]
        found = {
            row.id: row
            for row in scope.session.execute(
                select(Member.id, Member.name, MemberIdentity.value, ConsentNow.granted)
                .outerjoin(
                    MemberIdentity,
                    (MemberIdentity.brand_id == Member.brand_id)
                    & (MemberIdentity.member_id == Member.id)
                    & (MemberIdentity.kind == "email"),
                )
                .outerjoin(
                    ConsentNow,
                    (ConsentNow.brand_id == Member.brand_id)
                    & (ConsentNow.member_id == Member.id)
                    & (ConsentNow.channel == "email")
                    & (ConsentNow.purpose == "marketing"),
                )
                .where(Member.brand_id == scope.brand.id, Member.id.in_(ids))
            )
        }
        return {row.id: self.parts(found[row.recipient_id]) for row in batch}

    def parts(self, member: object) -> Parts | LeftOut:
        name, value, granted = member.name, member.value, member.granted  # type: ignore[attr-defined]
        if not granted:
            return LeftOut("no_consent")
        if value is None:
            return LeftOut("no_address")
        return Parts(
            Address(value, name),
            {"subject": "We miss you", "text": f"Dear {name}", "html": f"<p>Dear {name}</p>"},
        )

    def finished(self, scope: Scope, campaign_id: int) -> None:
        scope.session.execute(
            update(Campaign)
            .where(
                Campaign.brand_id == scope.brand.id,
                Campaign.id == campaign_id,
                Campaign.finished_at.is_(None),
            )
            .values(finished_at=scope.now)
        )
        scope.session.execute(
            update(Campaign)
            .where(
                Campaign.brand_id == scope.brand.id, Campaign.id == campaign_id, Campaign.state == "sending"
            )
            .values(state="done")
        )

    def reopen(self, scope: Scope, campaign_id: int) -> bool:
        scope.session.execute(
            update(Campaign)
            .where(
                Campaign.brand_id == scope.brand.id,
                Campaign.id == campaign_id,
                Campaign.state.in_(("sending", "done")),
            )
            .values(state="sending", finished_at=None)
        )
        run = self.run(scope, campaign_id)
        return run is not None and run.state == "sending"


def make_campaign(
    scope: Scope,
    members: Sequence[Member],
    *,
    state: str = "sending",
    purpose: str = "marketing",
    channel: str = "email",
) -> Campaign:
    """A campaign with a queued delivery for each member."""
    campaign = Campaign(
        brand_id=scope.brand.id,
        id=scope.new_id(),
        name="Come back",
        state=state,
        channel=channel,
        purpose=purpose,
        arm_k=1,
        arm_c=0,
        created_by=0,
        created_at=scope.now,
    )
    scope.session.add(campaign)
    scope.session.flush()
    service.lay(scope, campaign.id, [service.Promise(member.id, member.person_id) for member in members])
    return campaign
