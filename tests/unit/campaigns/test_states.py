"""A campaign's life: what may follow what, asked once, by two at a time, and what blocks sending."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from tests.factories import make_offer
from tests.support.databases import OTHER_IN_DRILL
from tests.unit.campaigns.shop import Shop
from webapp.campaigns import drafts, service, states
from webapp.campaigns.models import Campaign
from webapp.coupons import service as coupons
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.plugin_runtime import context

pytestmark = OTHER_IN_DRILL

MOVES: dict[str, Callable[[Scope, int], Any]] = {
    "send": states.send,
    "laid": states.laid,
    "pause": states.pause,
    "resume": states.resume,
    "cancel": states.cancel,
    "finish": states.finish,
}
# state -> move -> the state after it; what is not here changes nothing.
LIFE = {
    "draft": {"send": "laying", "cancel": "cancelled"},
    "laying": {"laid": "sending", "cancel": "cancelled"},
    "sending": {"pause": "paused", "finish": "done", "cancel": "cancelled"},
    "paused": {"resume": "sending", "cancel": "cancelled"},
    "done": {},
    "cancelled": {},
}
WAYS = {
    "draft": (),
    "laying": ("send",),
    "sending": ("send", "laid"),
    "paused": ("send", "laid", "pause"),
    "done": ("send", "laid", "finish"),
    "cancelled": ("cancel",),
}


@pytest.mark.parametrize("state", LIFE)
def test_every_move_from_every_state(shop: Shop, state: str) -> None:
    shop.members(1)
    for move, act in MOVES.items():
        campaign = shop.draft()
        for way in WAYS[state]:
            shop.write(lambda scope, way=way, campaign=campaign: MOVES[way](scope, campaign))
        assert shop.state(campaign) == state
        shop.write(lambda scope, act=act, campaign=campaign: act(scope, campaign))
        assert shop.state(campaign) == LIFE[state].get(move, state), (state, move)


def test_asked_by_two_at_once_it_is_sent_once(shop: Shop) -> None:
    shop.members(3)
    campaign = shop.draft()
    answers: list[Refused | None] = []
    gate = threading.Barrier(4)

    def ask() -> None:
        gate.wait()
        answers.append(shop.send(campaign))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert answers.count(None) == 1
    assert {one.code for one in answers if one} == {"not_a_draft"}


def test_the_same_form_twice_is_the_same_answer(shop: Shop) -> None:
    shop.members(1)
    campaign = shop.draft()
    for _ in range(2):
        assert shop.write(lambda scope: states.send(scope, campaign, "the-form-s-key")) is None
    assert shop.state(campaign) == "laying"


def test_what_is_sent_off_cannot_be_written(shop: Shop) -> None:
    shop.members(1)
    campaign = shop.draft()
    shop.send(campaign)
    for write in (
        lambda scope: service.set_audience(scope, campaign, {"all": []}),
        lambda scope: service.set_content(scope, campaign, {"subject": "other"}),
        lambda scope: service.set_offer(scope, campaign, None),
    ):
        answer = shop.write(write)
        assert isinstance(answer, Refused) and answer.code == "not_a_draft"


def blocked(shop: Shop, campaign: int) -> set[str]:
    return {one.code for one in shop.read(lambda scope: service.review(scope, campaign)).blocked}


def test_what_blocks_sending(shop: Shop) -> None:
    """Nobody, an unfinished text, an offer that was closed, a channel that was switched off."""
    assert blocked(shop, shop.draft()) == {"nobody"}
    shop.members(2)
    assert blocked(shop, shop.draft(content={"subject": "{{ member.nmae }}"})) == {"content"}
    offer = shop.write(lambda scope: make_offer(scope))
    campaign = shop.draft(offer=offer)
    assert blocked(shop, campaign) == set()
    shop.write(lambda scope: coupons.close_offer(scope, offer.id))
    assert blocked(shop, campaign) == {"no_offer"}
    plain = shop.draft()
    shop.write(lambda scope: context.switch(scope, "channel_email", on=False))
    assert "no_channel" in blocked(shop, plain)
    refused = shop.send(plain)
    assert refused is not None and shop.state(plain) == "draft"


def test_an_unknown_message_sent_again_opens_what_was_done(shop: Shop) -> None:
    from sqlalchemy import select

    from webapp.outbox import service as outbox
    from webapp.outbox.models import Delivery
    from webapp.plugin_api import Outcome

    shop.members(2)
    campaign = shop.draft()
    shop.channel.answer = lambda message: Outcome("unknown", "cut")
    done = shop.run(campaign)
    assert (done.unknown, done.sent) == (2, 0) and shop.state(campaign) == "done"
    first, second = shop.read(
        lambda scope: list(scope.session.scalars(select(Delivery.id).order_by(Delivery.id)))
    )
    shop.channel.answer = lambda message: Outcome("sent")
    assert shop.write(lambda scope: outbox.resolve_unknown(scope, first, arrived=True)) is None
    assert shop.state(campaign) == "done"
    assert shop.write(lambda scope: outbox.resolve_unknown(scope, second, arrived=False)) is None
    assert shop.state(campaign) == "sending"
    shop.drain(campaign)
    assert (shop.results(campaign).sent, shop.state(campaign)) == (2, "done")


@pytest.mark.parametrize("db_kind", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_a_campaign_is_not_ended_while_somebody_sends_one_more(db: Database, brand: BrandRef) -> None:
    """Reopening holds the campaign, so that who ends it waits and then sees the message. (SQLite has one writer.)"""

    def new(scope: Scope) -> int:
        made = drafts.create(scope, name="Hello", channel="email")
        assert isinstance(made, Campaign)
        made.state = "sending"
        scope.session.flush()
        return made.id

    campaign_id = db.write(new, brand=brand)

    def again(scope: Scope) -> None:
        assert states.reopen(scope, campaign_id)
        with db.engine.connect() as other, pytest.raises(OperationalError, match="could not obtain lock"):
            other.execute(select(Campaign.id).where(Campaign.id == campaign_id).with_for_update(nowait=True))

    db.write(again, brand=brand)
