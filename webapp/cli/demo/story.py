"""What people would do in the shop that was made: set the mail server, make offers, send a campaign; then members open it
and a clerk redeems. The shop's own worker sends; this only asks, waits and tells."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from webapp.cli import context
from webapp.cli.demo import state as states
from webapp.cli.demo import texts
from webapp.cli.demo.member import Reader
from webapp.cli.demo.state import State
from webapp.kernel import halt
from webapp.kernel.errors import Refused, UserError
from webapp.kernel.scope import Actor, BrandRef, Scope

if TYPE_CHECKING:
    from webapp.cli.catcher import Catcher
    from webapp.config import Settings
    from webapp.kernel.db import Database

Tell = Callable[[str], None]
PATIENCE = 150.0  # seconds in which the worker must have sent everything
OPENED, CLAIMED, REDEEMED = 70, 40, 15  # of a hundred messages


@dataclass
class Story:
    """What its steps share."""

    settings: Settings
    address: str
    catcher: Catcher
    tell: Tell
    db: Database
    brand: BrandRef
    state: State
    staff: dict[str, Actor] = field(default_factory=dict)

    def write(self, work: Callable[[Scope], Any], role: str = "owner") -> Any:
        """One unit of work in the name of a member of the staff. Raises UserError for a refusal."""
        answer = self.db.write(work, brand=self.brand, actor=self.staff[role])
        if isinstance(answer, Refused):
            raise UserError(f"The demo's shop refused: {answer.code} {dict(answer.facts)}")
        return answer

    def save(self, stage: str) -> None:
        """The next stage is reached."""
        self.state.stage = stage
        states.save(self.settings.instance, self.state)


def tell_it(settings: Settings, address: str, catcher: Catcher, tell: Tell) -> dict[str, Any]:
    """Everything after the shop was made; once only. Returns what --json prints."""
    state = states.load(settings.instance)
    if state is None or state.stage not in ("made", "ready"):
        raise UserError(f"The demo's campaign was not finished. Delete {settings.instance} and start again.")
    db = context.database(settings)
    story = Story(settings, address, catcher, tell, db, context.brand(db, state.brand), state)
    story.staff = {one.role: _actor(db, one.email, one.role) for one in state.sign_ins}
    story.write(lambda scope: _mail_server(scope, catcher.smtp_port))
    if state.stage == "made":
        story.save("sending")
        with state.timed("campaign"):
            campaign_id = _campaign(story)
        with state.timed("sending"):
            _sent(story, campaign_id)
        with state.timed("coupons"):
            _members_and_clerk(story)
        story.save("ready")
    result = summary(story)
    db.close()
    return result


# ----------------------------------------------------------------------------------------------------------- the steps


def _actor(db: Database, email: str, role: str) -> Actor:
    from webapp.staff import queries, service

    with db.read() as scope:
        person = queries.by_email(scope, email)
    if person is None:
        raise UserError(f"The demo's {role} is gone. Delete the demo's folder and start again.")
    return Actor("staff", person.id, person.name, role, service.permissions_of(role))


def _mail_server(scope: Scope, port: int) -> None:
    """E-mail goes to the catcher, wherever it listens this time."""
    from webapp.plugin_runtime.context import save_settings, settings_of

    wanted = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "from_address": "hello@example.com",
    }
    known = settings_of(scope, "channel_email")
    if all(known.get(key) == value for key, value in wanted.items()):
        return
    problems = save_settings(scope, "channel_email", wanted)
    if problems:
        raise UserError(f"The demo's mail server cannot be set: {problems}")


def _campaign(story: Story) -> int:
    """Two offers, the campaign to the dormant, sent off, and a draft."""
    from webapp.campaigns import service as campaigns
    from webapp.coupons import service as coupons
    from webapp.coupons.models import Offer

    def offer(scope: Scope, name: str, terms: dict[str, Any], stock: int | None) -> int:
        details = coupons.OfferDetails(name, terms, stock=stock, valid_days=14)
        made = coupons.new_offer(scope, "spend_and_save", details, state="open")
        if not isinstance(made, Offer):
            raise UserError(f"The demo's offer cannot be made: {made}")
        return made.id

    def draft(scope: Scope, name: str, stage: str, content: dict[str, str], offer_id: int | None) -> Any:
        made = campaigns.create(scope, name=name, channel="email", offer_id=offer_id)
        if isinstance(made, Refused):
            return made
        rule = {"all": [{"field": "stage", "in": [stage]}]}
        for answer in (
            campaigns.set_audience(scope, made.id, rule),
            campaigns.set_content(scope, made.id, content),
        ):
            if isinstance(answer, Refused):
                return answer
        return made.id

    back = story.write(lambda scope: offer(scope, *texts.COME_BACK))
    story.write(lambda scope: offer(scope, *texts.EVERY))
    story.write(lambda scope: draft(scope, texts.THANKS_NAME, "maturity", texts.THANKS, None))
    campaign_id: int = story.write(
        lambda scope: draft(scope, texts.MISSED_NAME, "dormancy", texts.MISSED, back)
    )
    story.write(lambda scope: campaigns.send(scope, campaign_id))
    return campaign_id


def _sent(story: Story, campaign_id: int) -> None:
    """Wait until the worker has sent it all; tell how far it is."""
    from webapp.campaigns import queries as campaigns
    from webapp.outbox import queries as outbox

    until = time.monotonic() + PATIENCE
    told = ""
    while True:
        with story.db.read(brand=story.brand) as scope:
            campaign = campaigns.get(scope, campaign_id)
            states_ = Counter[str]()
            for row in outbox.tallies(scope, campaign_id):
                states_[row.state] += row.number
        promised = sum(states_.values()) - states_["left_out"]
        text = f"The worker has sent {states_['sent']} of {promised} messages; {states_['left_out']} members are left out"
        if states_ and text != told:
            story.tell(text)
            told = text
        if campaign.state == "done":
            return
        if time.monotonic() > until:
            raise UserError(f"The worker did not finish within {PATIENCE:.0f} s; its log says why.")
        if halt.wait(0.5):
            raise SystemExit(1)


def _members_and_clerk(story: Story) -> None:
    """Members read their mail and open their coupon's page; some come to the counter."""
    from webapp.coupons import service as coupons

    reader = Reader(story.address)
    caught = story.catcher.box.caught()
    codes: list[str] = []
    for at, one in enumerate(caught):
        message = story.catcher.box.message(one.n)
        if message is None or at * OPENED // 100 == (at - 1) * OPENED // 100:
            continue
        reader.look_at_pictures(message)
        if len(codes) * 100 < CLAIMED * len(caught):
            codes.append(reader.claim(message))
    story.tell(f"Members opened {len(codes)} coupons")
    used = codes[: max(1, len(caught) * REDEEMED // 100)]

    def redeem(scope: Scope, code: str, at: int) -> Any:
        return coupons.redeem(
            scope,
            typed=code,
            basket_minor=5_000 + 100 * (at * 37 % 60) + at * 53 % 100,
            key=f"demo-{at}",
            store_id=_store_of_clerk(scope),
        )

    last = None
    for at, code in enumerate(used):
        last = story.write(lambda scope, code=code, at=at: redeem(scope, code, at), "clerk")  # type: ignore[misc]
    if last is not None and len(used) > 1:  # one was a mistake
        story.write(lambda scope: coupons.reverse(scope, last.id), "clerk")
    story.tell(f"The clerk redeemed {len(used)}")


def _store_of_clerk(scope: Scope) -> int | None:
    from webapp.staff.models import StaffRole

    return scope.session.scalar(
        select(StaffRole.store_id).where(
            StaffRole.brand_id == scope.brand.id, StaffRole.staff_id == scope.actor.id
        )
    )


# ------------------------------------------------------------------------------------------------------ what came of it


def summary(story: Story) -> dict[str, Any]:
    """Counted from rows, now, and from the catcher's log."""
    from webapp.campaigns.models import Campaign
    from webapp.coupons import queries as coupons
    from webapp.lifecycle import queries as lifecycle
    from webapp.members.models import Member
    from webapp.orders.models import Order
    from webapp.outbox.models import Delivery
    from webapp.plugin_api import STAGES

    with story.db.read(brand=story.brand) as scope:
        mine = scope.brand.id
        members = scope.session.scalar(select(func.count()).where(Member.brand_id == mine))
        orders, paid = scope.session.execute(
            select(func.count(), func.coalesce(func.sum(Order.paid_minor), 0)).where(Order.brand_id == mine)
        ).one()
        stages: dict[str, int] = dict.fromkeys(STAGES, 0)
        for (stage, _), number in lifecycle.stage_counts(scope).items():
            stages[stage] += number
        deliveries, left_out = Counter[str](), Counter[str]()
        for state, reason, number in scope.session.execute(
            select(Delivery.state, Delivery.reason, func.count())
            .where(Delivery.brand_id == mine)
            .group_by(Delivery.state, Delivery.reason)
        ):
            deliveries[state] += number
            if state == "left_out":
                left_out[reason or ""] += number
        campaigns = scope.session.scalar(select(func.count()).where(Campaign.brand_id == mine))
        by_state = coupons.coupons_by_state(scope)
    return {
        "members": members,
        "orders": orders,
        "paid_minor": int(paid),
        "stages": stages,
        "campaigns": campaigns,
        "audience": sum(deliveries.values()),
        "left_out": dict(left_out),
        "deliveries": dict(deliveries),
        "coupons": by_state,
        "caught": len(story.catcher.box.caught()),
        "caught_log": str(story.catcher.box.log),
        "seconds": story.state.seconds,
    }


def as_json(result: dict[str, Any]) -> str:
    """One line."""
    return json.dumps(result, ensure_ascii=False)


def welcome(settings: Settings, address: str, catcher: Catcher) -> str:
    """Where to go and how to sign in."""
    state = states.load(settings.instance)
    assert state is not None
    rows = "\n".join(f"  {one.role:<9} {one.email:<22} {one.password}" for one in state.sign_ins)
    return (
        f"\nRegulars is open at {settings.public_url or address}\n"
        f"Mail that it sends is read at {catcher.address}\n\nSign in as\n{rows}\n\n"
        f"Data in {settings.instance}. Ctrl-C stops it; the same command serves it again.\n"
    )
