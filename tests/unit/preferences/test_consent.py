"""What counts is the newest word, and it counts at once: for every sender, wherever a message stands."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from tests.factories.members import make_member
from tests.support.databases import ONE_DATABASE, OTHER_IN_DRILL
from tests.unit.campaigns.shop import EVERYBODY
from webapp.campaigns import laying, service, source
from webapp.kernel import links
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.members import pages
from webapp.members import queries as members
from webapp.members import service as people
from webapp.members.models import Consent, ConsentNow
from webapp.outbox import drain, sources
from webapp.outbox import service as outbox
from webapp.outbox.models import Delivery
from webapp.outbox.turn import Hand, Lane, turn
from webapp.plugin_runtime import calls, context, runtime
from webapp.preferences import service as preferences

pytestmark = OTHER_IN_DRILL

WHO = ["email", "task"]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    context.use_secrets_of(tmp_path)
    runtime.load_all()
    links.use("https://shop.example")
    monkeypatch.setattr(drain, "_quiet", drain._Quiet())
    yield
    links.use(None)


@pytest.fixture
def laid(house: None, db: Database, brand: BrandRef, channel: str) -> tuple[int, int]:
    """(campaign, member) with one delivery that is queued."""

    def unit(scope: Scope) -> tuple[int, int]:
        context.switch(scope, f"channel_{channel}", on=True)
        host = {"host": "127.0.0.1", "port": 9, "security": "none", "from_address": "shop@acme.example"}
        if channel == "email":
            assert context.save_settings(scope, "channel_email", host) == {}
        member = make_member(scope, number="A1", email="a@example.com", consents={channel: True})
        made = service.create(scope, name="We miss you", channel=channel)
        assert not isinstance(made, Refused)
        service.set_audience(scope, made.id, EVERYBODY)
        service.set_content(scope, made.id, {"subject": "Hello", "text": "Dear {{ member.name }}"})
        assert service.send(scope, made.id) is None
        return made.id, member.id

    found = db.write(unit, brand=brand)
    laying.lay(db, brand, found[0])
    return found


def lane(db: Database, brand: BrandRef, campaign_id: int, channel: str) -> Lane:
    with db.read(brand=brand) as scope:
        bound = calls.channel(scope, channel)
    assert bound is not None
    token = db.write(lambda scope: scope.new_id(), brand=brand)
    return Lane(campaign_id, token, timedelta(seconds=60), bound, marketing=True)


def state(db: Database, campaign_id: int) -> tuple[str, str | None]:
    with db.read() as scope:
        row = scope.session.scalars(select(Delivery).where(Delivery.campaign_id == campaign_id)).one()
    return row.state, row.reason


def stop(db: Database, brand: BrandRef, member_id: int) -> None:
    db.write(lambda scope: preferences.stop_all(scope, member_id), brand=brand)


@pytest.mark.parametrize("channel", WHO)
def test_gone_after_it_was_laid(db: Database, brand: BrandRef, laid: tuple[int, int], channel: str) -> None:
    campaign, member = laid
    assert state(db, campaign) == ("queued", None)
    stop(db, brand, member)
    assert drain.drain(db, brand, campaign, seconds=5).outcomes == {}
    assert state(db, campaign) == ("left_out", "no_consent")


@pytest.mark.parametrize("channel", WHO)
def test_gone_while_it_is_in_a_workers_hand(
    db: Database, brand: BrandRef, laid: tuple[int, int], channel: str
) -> None:
    campaign, member = laid
    mine = lane(db, brand, campaign, channel)

    def take(scope: Scope) -> Hand:
        until = scope.now + mine.lease
        return Hand(tuple(outbox.lease(scope, campaign, mine.token, until, 500)), until)

    hand = db.write(take, brand=brand)
    assert len(hand.rows) == 1 and state(db, campaign)[0] == "leased"
    stop(db, brand, member)
    done = db.write(lambda scope: turn(scope, mine, [], hand), brand=brand)
    assert done.flights == [] and done.left_out == 1
    assert state(db, campaign) == ("left_out", "no_consent")


@pytest.mark.parametrize("channel", WHO)
def test_gone_after_it_was_rendered(
    db: Database,
    brand: BrandRef,
    laid: tuple[int, int],
    channel: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The text is ready and the unit that takes it off has not committed: the withdrawal is either seen by that unit, or
    waits until the message is on its way. It is never answered "done" while a message is still taken off after it."""
    campaign, member = laid
    mine = lane(db, brand, campaign, channel)
    order: list[str] = []
    real = source.Campaigns.render

    def withdraw() -> None:
        stop(db, brand, member)
        order.append("withdrawn")

    other = threading.Thread(target=withdraw)

    def slow(self: Any, scope: Scope, campaign_id: int, batch: Any) -> Any:
        said = real(self, scope, campaign_id, batch)
        other.start()
        other.join(0.7)  # as long as the unit holds the rows it does not come through
        order.append("rendered")
        return said

    monkeypatch.setattr(source.Campaigns, "render", slow)
    done = db.write(lambda scope: turn(scope, mine, [], Hand()), brand=brand)
    assert [one.message.preferences_url for one in done.flights] == [pages.url(brand.id, member)]
    other.join(20)
    assert order == ["rendered", "withdrawn"]
    with db.read(brand=brand) as scope:
        assert members.consents(scope, member) | {} == dict.fromkeys(members.consents(scope, member), False)
        assert sources.of(scope, campaign) is not None


Said = tuple[int, str, bool, str]
SAYING = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(["email", "task", "sms"]),
        st.booleans(),
        st.sampled_from(["say", "say", "page", "stop", "withdraw"]),
    ),
    max_size=14,
)


@ONE_DATABASE
def test_what_counts_can_be_rebuilt_from_the_history(house: None, db: Database, brand: BrandRef) -> None:
    """Whoever says what in which order: the newest row of the history is what counts, and rows that change nothing are
    none."""

    def start(scope: Scope) -> list[int]:
        context.switch(scope, "channel_task", on=True)
        return [make_member(scope, number=f"C{n}").id for n in (1, 2)]

    ids = db.write(start, brand=brand)

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(SAYING)
    def property_(said: list[Said]) -> None:
        model: dict[tuple[int, str], bool] = {}

        def unit(scope: Scope) -> None:
            for model_table in (Consent, ConsentNow):
                scope.session.execute(delete(model_table))
            for who, channel, yes, how in said:
                member_id, known = ids[who], {"email", "task"}
                if how == "say":
                    people.set_consent(scope, member_id, channel, "marketing", yes, "counter")
                    model[member_id, channel] = yes
                elif how == "withdraw":
                    people.withdraw(scope, member_id, channel, "unsubscribe")
                    model[member_id, channel] = False
                elif how == "stop":
                    preferences.stop_all(scope, member_id)
                    for key in known | {c for m, c in model if m == member_id}:
                        model[member_id, key] = False
                else:
                    preferences.say(scope, member_id, {(channel, "marketing"): yes})
                    shown = channel in known or (member_id, channel) in model
                    if shown and model.get((member_id, channel), False) != yes:
                        model[member_id, channel] = yes

        db.write(unit, brand=brand)
        with db.read(brand=brand) as scope:
            now = {
                (row.member_id, row.channel): row.granted for row in scope.session.scalars(select(ConsentNow))
            }
            history: dict[tuple[int, str], list[bool]] = {}
            for row in scope.session.scalars(select(Consent).order_by(Consent.at, Consent.id)):
                history.setdefault((row.member_id, row.channel), []).append(row.granted)
        assert now == model
        assert {key: rows[-1] for key, rows in history.items()} == now
        for rows in history.values():
            assert all(a != b for a, b in itertools.pairwise(rows)), "a row that changes nothing"

    property_()
