"""What a plugin tells members: once, over the channel that they agreed to, in their language; and the end of a team."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from plugins.coupon_group_buy import teams
from tests import factories as make
from tests.support.databases import OTHER_IN_DRILL
from tests.support.teams import PLUGIN, Teams
from tests.support.together import together
from tests.unit.outbox.post import Scripted, in_house, scripted
from webapp.campaigns import results
from webapp.coupons import service
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.members import service as members
from webapp.members.models import Member
from webapp.outbox import jobs as outbox
from webapp.outbox import reaching
from webapp.outbox.models import Delivery
from webapp.plugin_api import PluginContext
from webapp.plugin_runtime import context, work
from webapp.tasks.models import Task
from webapp.telling.models import Told

HOUR = timedelta(hours=1)


@pytest.fixture
def shop(
    app: Flask, db: Database, brand: BrandRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Teams]:
    monkeypatch.setattr(reaching, "CHANNELS", ("scripted", "task"))
    with in_house(tmp_path, monkeypatch):
        yield Teams(db, brand)


@pytest.fixture
def channel(shop: Teams) -> Scripted:
    return scripted()


def agree(
    shop: Teams, *ids: int, channel: str = "scripted", purpose: str = "service", yes: bool = True
) -> None:
    for id_ in ids:
        shop.db.write(
            lambda s, id_=id_: members.set_consent(s, id_, channel, purpose, yes, "test"),  # type: ignore[misc]
            brand=shop.brand,
        )


def send(db: Database) -> None:
    """What the shop's processes do: the sweep rings, the worker sends."""
    for ring in outbox.due(db):
        outbox.drain_campaign(db, **ring.ids)


def got(channel: Scripted) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for message in channel.said:
        found.setdefault(message.to.value, []).append(message.content["subject"])
    return found


def tell(shop: Teams, to: dict[str, str], key: str = "one", **more: Any) -> Any:
    said: dict[str, Any] = {"subject": "Group buy", "text": "Group buy"} | more
    return shop.ask(lambda ctx: ctx.tell(to, key=key, **said))


def test_each_of_a_full_team_is_told_once_with_their_own_coupon(
    shop: Teams, channel: Scripted, db: Database, brand: BrandRef
) -> None:
    offer_id, (ada, bob, cyd) = shop.shop(3)
    agree(shop, ada, bob, cyd)
    db.write(lambda s: s.session.execute(update(Member).where(Member.id == bob).values(locale="zh_CN")))
    team = shop.open(offer_id, ada)
    shop.join(team, bob)
    send(db)
    assert not channel.said
    assert shop.join(team, cyd)["state"] == "complete"
    with clock.fixed(clock.now() + 2 * HOUR):
        work.do_due(db, brand.id)  # its time is up, too
        shop.settle(team)
        send(db)
    subject = "Your team is complete: Tea for three"
    assert got(channel) == {
        "m00001@example.com": [subject],
        "m00002@example.com": ["您参加的团已成团：Tea for three"],
        "m00003@example.com": [subject],
    }
    pages = {shop.ask(lambda c, p=p: c.coupons.state(p["coupon_id"])).page for p in _places(shop, team)}  # type: ignore[misc]
    texts = [one.content["text"] for one in channel.said]
    assert {f"https://shop.example{page}\n" for page in pages} == {text.split("\n\n")[-1] for text in texts}
    assert texts[0].startswith("Dear Member 1,\n\n") and not channel.said[0].unsubscribe_url
    assert outbox.due(db) == [], "nothing is left to look after"
    with db.read(brand=brand) as scope:
        [(_delivery, called, at)] = results.messages_to(scope, ada)
    assert called.title == subject and at is not None


@OTHER_IN_DRILL
def test_each_of_a_team_that_is_late_is_told_once(
    shop: Teams, channel: Scripted, db: Database, brand: BrandRef
) -> None:
    offer_id, (ada, bob, cyd, dan) = shop.shop(4, size=4)
    agree(shop, ada, bob, cyd, dan)
    team = shop.open(offer_id, ada)
    for member in (bob, cyd):
        shop.join(team, member)
    shop.leave(team, cyd)
    agree(shop, bob, yes=False)  # before it ends
    with clock.fixed(clock.now() + HOUR):
        assert work.do_due(db, brand.id) == 1
        shop.settle(team)
        send(db)
    (said,) = channel.said
    assert said.to.value == "m00001@example.com"
    assert said.content["subject"] == "No team came together: Tea for three"
    text = said.content["text"]
    assert "it had 2 of 4. You owe nothing" in text and "/x/coupon_group_buy/" in text.splitlines()[-1]
    other = shop.open(offer_id, dan)
    db.write(lambda s: service.close_offer(s, offer_id), brand=brand)
    with clock.fixed(clock.now() + 2 * HOUR):
        shop.settle(other)
        send(db)
    text = channel.said[-1].content["text"]
    assert text.endswith("The offer itself is over.\n"), "nothing can be opened any more"


@OTHER_IN_DRILL
def test_two_who_end_a_team_at_once_tell_it_once(
    shop: Teams, channel: Scripted, db: Database, brand: BrandRef
) -> None:
    offer_id, people = shop.shop(6, size=50)
    agree(shop, *people)
    team = shop.open(offer_id, people[0])
    for one in people[1:]:
        shop.join(team, one)
    later = clock.now() + HOUR

    def end(db: Database, _n: int) -> int:
        Teams(db, brand).settle(team, now=later)
        return 1

    assert together(db.url, 2, end) == [1, 1]
    with clock.fixed(later):
        send(db)
    assert sorted(map(len, got(channel).values())) == [1] * 6
    with db.read(brand=brand) as scope:
        assert len(scope.session.scalars(select(Told.id)).all()) == 6


@OTHER_IN_DRILL
def test_what_is_rolled_back_tells_nobody(shop: Teams, channel: Scripted, db: Database) -> None:
    _, (ada,) = shop.shop(1)
    agree(shop, ada)

    def half(ctx: PluginContext) -> None:
        assert ctx.tell({f"member:{ada}": ""}, key="one", subject="Group buy", text="Group buy")
        raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        shop.ask(half)
    send(db)
    assert not channel.said
    assert tell(shop, {f"member:{ada}": ""}) == {f"member:{ada}": "sending"}, "done anew, it is told"


@OTHER_IN_DRILL
def test_only_who_may_be_reached_and_only_while_they_agree(
    shop: Teams, channel: Scripted, db: Database, brand: BrandRef
) -> None:
    """A yes to service counts, else one to offers; a no to service is a no; a guide says it where there is no address."""
    _, (ada, bob, cyd, dan, eve, fay) = shop.shop(6)
    nowhere = db.write(lambda s: make.make_member(s, name="Gus", consents={"task": True}).id, brand=brand)
    agree(shop, ada, fay)
    agree(shop, bob, cyd, fay, nowhere, purpose="marketing")
    agree(shop, cyd, yes=False)
    agree(shop, dan, channel="task", purpose="marketing")
    other = db.write(lambda s: make.make_brand(s, "other"))
    stranger = db.write(lambda s: make.make_member(s).id, brand=other)
    to = {f"member:{one}": "" for one in (ada, bob, cyd, dan, eve, fay, nowhere, stranger)} | {"staff:1": ""}
    assert list(tell(shop, to).values()) == [
        *("sending", "sending", "unreached", "sending", "unreached", "sending", "sending"),
        *("nobody", "nobody"),
    ]
    assert list(tell(shop, to).values())[:3] == ["known", "known", "unreached"]
    agree(shop, fay, yes=False)  # withdrawn after it was laid
    send(db)
    assert sorted((one.to.value, bool(one.unsubscribe_url)) for one in channel.said) == [
        ("m00001@example.com", False),
        ("m00002@example.com", True),
    ]
    with db.read(brand=brand) as scope:
        tasks = scope.session.scalars(select(Task).order_by(Task.member_id)).all()
        left = scope.session.scalars(select(Delivery.reason).where(Delivery.recipient_id == fay)).all()
        assert [(one.member_id, one.title) for one in tasks] == [
            (dan, "Tell them: Group buy"),
            (nowhere, "Tell them: Group buy"),
        ]
        assert tasks[0].source.startswith("telling:") and left == ["no_consent"]
        assert results.messages_to(scope, fay) == []


@OTHER_IN_DRILL
def test_a_brand_that_switched_it_off_tells_nobody(
    shop: Teams, channel: Scripted, db: Database, brand: BrandRef
) -> None:
    assert db.write(lambda s: context.save_settings(s, PLUGIN, {"tell": ""}), brand=brand) == {}
    offer_id, (ada, bob) = shop.shop(2, size=2)
    agree(shop, ada, bob)
    team = shop.open(offer_id, ada)
    assert shop.join(team, bob)["state"] == "complete"
    send(db)
    assert not channel.said


@OTHER_IN_DRILL
def test_what_cannot_be_said_is_refused_while_its_author_is_there(shop: Teams) -> None:
    one = {"member:1": ""}
    for more in (
        {"subject": "two\nlines"},
        {"subject": " "},
        {"text": "%(offer)s"},
        {"fact": 1.5},
        {"fact": "x" * 2_001},
        {"fact": "\0"},
        {"key": ""},
        {"key": "k" * 81},
    ):
        with pytest.raises(ValueError, match=r"[a-z]"):
            tell(shop, one, **more)  # type: ignore[arg-type]
    for link in ("https://elsewhere.example/", "/" + "x" * 500):
        with pytest.raises(ValueError, match="a path of the shop"):
            tell(shop, {"member:1": link})
    with pytest.raises(ValueError, match="at most 100"):
        tell(shop, {f"member:{n}": "" for n in range(101)})


def _places(shop: Teams, team: Any) -> Any:
    return shop.ask(lambda ctx: teams.places(ctx, team["id"]))
