"""Sending: what is committed before the world is spoken to, what outcomes become, who may stop it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.factories.members import make_members
from tests.support import seed
from tests.support.databases import ONE_DATABASE, OTHER_IN_DRILL
from tests.unit.outbox.post import Post, Scripted
from webapp.kernel import bulk, clock, halt
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.members import service as members
from webapp.outbox import drain, jobs, queries, service, sources, turn
from webapp.outbox.models import Attempt, Delivery
from webapp.plugin_api import Message, Outcome
from webapp.plugin_runtime import context

NewPost = Callable[..., Post]


def test_each_gets_one_with_the_attempts_key(post: NewPost, channel: Scripted) -> None:
    campaign = post(45)
    done = campaign.drain()
    assert done.outcomes == {"sent": 45}
    assert not done.more
    assert set(channel.addresses().values()) == {1}
    assert campaign.states() == {"sent": 45}
    assert [int(m.key) for m in channel.said] == [a.id for a in campaign.attempts]
    assert {a.outcome for a in campaign.attempts} == {d.state for d in campaign.dispatches} == {"sent"}
    assert campaign.state == "done", "the source was told that nothing is left"
    assert channel.opened == 1


def test_laying_twice_promises_once(post: NewPost, db: Database, brand: BrandRef) -> None:
    campaign = post(3)
    rows = [service.Promise(row.recipient_id, row.person_id) for row in campaign.rows()]
    more = db.write(lambda scope: [m.id for m in make_members(scope, 1, first=90)], brand=brand)
    assert campaign.write(lambda scope: service.lay(scope, campaign.id, rows)) == 0
    assert (
        campaign.write(lambda scope: service.lay(scope, campaign.id, [*rows, service.Promise(more[0])])) == 1
    )
    assert campaign.states() == {"queued": 4}


def test_it_is_committed_before_it_is_said_and_twenty_at_most(post: NewPost, channel: Scripted) -> None:
    campaign = post(50)
    seen: list[int] = []

    def look(message: Message) -> Outcome:
        with campaign.db.read() as scope:  # another connection: sees what is committed
            flying = scope.session.scalar(select(func.count()).where(Delivery.state == "in_flight"))
            attempt = scope.session.get_one(Attempt, (campaign.brand.id, int(message.key)))
        assert attempt.outcome == "in_flight"
        seen.append(flying or 0)
        return Outcome("sent")

    channel.answer = look
    campaign.drain()
    assert max(seen) == turn.IN_FLIGHT == 20
    assert seen == [20] * 40 + [10] * 10


def test_no_transaction_is_open_while_the_world_is_spoken_to(post: NewPost, channel: Scripted) -> None:
    campaign = post(3)

    def write_elsewhere(message: Message) -> Outcome:
        campaign.write(
            lambda scope: scope.new_ids(2000)
        )  # on SQLite this would wait for an open writer for ever
        return Outcome("sent")

    channel.answer = write_elsewhere
    assert campaign.drain().outcomes == {"sent": 3}


def test_what_outcomes_become(post: NewPost, channel: Scripted) -> None:
    campaign = post(5)
    answers = iter(
        [
            Outcome("sent"),
            Outcome("failed", "bad_address", "5.1.1 no such user"),
            Outcome("retry", "try_later", "4.7.1 greylisted"),
            Outcome("unknown", "no_answer"),
            None,
        ]
    )

    def say(message: Message) -> Outcome:
        answer = next(answers)
        if answer is None:
            raise RuntimeError("a plugin's mistake")
        return answer

    channel.answer = say
    with clock.fixed(clock.now()):
        moment = clock.now()
        assert campaign.drain().outcomes == {"sent": 1, "failed": 1, "retry": 1, "unknown": 2}
    rows = campaign.rows()
    assert [(r.state, r.reason, r.tries) for r in rows] == [
        ("sent", None, 1),
        ("failed", "bad_address", 1),
        ("queued", "try_later", 1),
        ("unknown", "no_answer", 1),
        ("unknown", "plugin_failed", 1),
    ]
    assert rows[2].due_at == moment + timedelta(seconds=60)
    assert [r.lease for r in rows] == [None] * 5
    assert [d.state for d in campaign.dispatches] == ["sent", "failed", "waiting", "unknown", "unknown"]
    assert campaign.dispatches[1].detail == "5.1.1 no such user"
    assert campaign.state == "sending", "one waits for its next try"


@ONE_DATABASE
def test_tries_end(post: NewPost, channel: Scripted) -> None:
    campaign = post(1)
    channel.answer = lambda message: Outcome("retry", "try_later")
    moment = clock.now()
    for _ in range(len(turn.BACKOFF) + 1):
        with clock.fixed(moment):
            campaign.drain()
            assert campaign.drain().outcomes == {}, "not before its time"
        moment += timedelta(hours=3)
    [row] = campaign.rows()
    assert (row.state, row.reason, row.tries) == ("failed", "try_later", 5)
    assert len({m.key for m in channel.said}) == 5, "each try has a key of its own"
    with clock.fixed(moment):
        campaign.drain()
    assert campaign.state == "done"


@ONE_DATABASE
def test_a_service_that_is_down_costs_no_tries(post: NewPost, channel: Scripted) -> None:
    campaign = post(60)
    channel.answer = lambda message: Outcome("retry", "unreachable", "no route", halt=True)
    assert campaign.drain().outcomes == {"retry": 1, "unsent": 19}
    assert len(channel.said) == 1
    assert campaign.states() == {"queued": 60}
    assert {row.tries for row in campaign.rows()} == {0}
    assert campaign.drain().outcomes == {}, "left alone for a while"
    assert len(channel.said) == 1
    with campaign.db.read(brand=campaign.brand) as scope:
        trouble = queries.trouble(scope, campaign.id)
    assert trouble is not None
    assert (trouble.reason, trouble.detail) == ("unreachable", "no route")
    assert sorted(a.outcome for a in campaign.attempts) == ["halted"] + ["unsent"] * 19
    drain._quiet.until.clear()
    channel.answer = lambda message: Outcome("sent")
    with clock.fixed(clock.now() + timedelta(seconds=61)):
        assert campaign.drain().outcomes == {"sent": 60}
    with campaign.db.read(brand=campaign.brand) as scope:
        assert queries.trouble(scope, campaign.id) is None
    assert set(channel.addresses().values()) == {1, 2}, "the one at which it stopped was tried twice"


def test_who_may_not_get_it_any_more_is_left_out(post: NewPost, channel: Scripted) -> None:
    campaign = post(45)
    later = campaign.rows()[30].recipient_id

    def withdraw_in_between(message: Message) -> Outcome:
        if len(channel.said) == 5:
            campaign.write(lambda scope: members.withdraw(scope, later, "email", "counter"))
        return Outcome("sent")

    channel.answer = withdraw_in_between
    done = campaign.drain()
    assert (done.outcomes, done.left_out) == ({"sent": 44}, 1)
    assert campaign.states() == {"sent": 44, "left_out": 1}
    assert campaign.reasons() == {None: 44, "no_consent": 1}
    assert campaign.rows()[30].state == "left_out"


@ONE_DATABASE
def test_all_left_out_ends_too(post: NewPost, channel: Scripted) -> None:
    campaign = post(25)
    for row in campaign.rows():
        campaign.write(lambda scope, row=row: members.withdraw(scope, row.recipient_id, "email", "counter"))
    assert campaign.drain().left_out == 25
    assert campaign.state == "done"
    assert channel.said == []


@OTHER_IN_DRILL
@pytest.mark.parametrize(("state", "rest"), [("paused", "queued"), ("cancelled", "cancelled")])
def test_pause_and_cancel_are_seen_between_sub_batches(
    post: NewPost, channel: Scripted, state: str, rest: str
) -> None:
    campaign = post(100)

    def stop_at_25(message: Message) -> Outcome:
        if len(channel.said) == 25:
            campaign.set_state(state)
        return Outcome("sent")

    channel.answer = stop_at_25
    campaign.drain()
    assert campaign.states() == {"sent": 40, "queued": 60}
    campaign.drain()
    assert campaign.states() == {"sent": 40, rest: 60}
    campaign.set_state("sending") if state == "paused" else None
    campaign.drain()
    assert len(channel.said) == (100 if state == "paused" else 40)


@ONE_DATABASE
def test_an_ending_process_finishes_the_message_at_hand(post: NewPost, channel: Scripted) -> None:
    campaign = post(100)

    def end_at_7(message: Message) -> Outcome:
        if len(channel.said) == 7:
            halt.ask()
        return Outcome("sent")

    channel.answer = end_at_7
    campaign.drain()
    assert len(channel.said) == 7
    assert campaign.states() == {"sent": 7, "queued": 93}
    assert sorted(a.outcome for a in campaign.attempts) == ["sent"] * 7 + ["unsent"] * 13


@ONE_DATABASE
def test_time_over_puts_the_hand_back_and_says_so(post: NewPost, channel: Scripted) -> None:
    campaign = post(100)
    done = campaign.drain(seconds=0)
    assert done.more
    assert campaign.states() == {"sent": 20, "queued": 80}
    rung: list[object] = []
    campaign.db.ring = rung.extend
    while jobs.drain_campaign(campaign.db, campaign.brand.id, campaign.id):
        pass
    assert campaign.states() == {"sent": 100}


@ONE_DATABASE
def test_a_channel_that_is_off_leaves_rows_waiting(post: NewPost, channel: Scripted) -> None:
    campaign = post(3)
    campaign.write(lambda scope: context.switch(scope, "channel_email", on=False))
    assert campaign.drain().outcomes == {}
    assert campaign.states() == {"queued": 3}
    campaign.write(lambda scope: context.switch(scope, "channel_email", on=True))
    assert campaign.drain().outcomes == {"sent": 3}


@ONE_DATABASE
def test_a_source_that_raises_is_left_alone_for_a_while(
    post: NewPost, channel: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = post(3)
    source = sources.SOURCES["plain"]
    monkeypatch.setattr(source, "render", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        campaign.drain()
    assert campaign.drain().outcomes == {}
    assert channel.said == []


@ONE_DATABASE
def test_marketing_carries_the_way_out_and_the_picture(post: NewPost, channel: Scripted) -> None:
    post(1).drain()
    [message] = channel.said
    assert message.unsubscribe_url is not None
    assert message.unsubscribe_url.startswith("https://shop.example/u/")
    assert '<img src="https://shop.example/o/' in message.content["html"]
    assert "/o/" not in message.content["text"]


@ONE_DATABASE
def test_a_service_message_carries_neither(post: NewPost, channel: Scripted) -> None:
    post(1, purpose="service").drain()
    [message] = channel.said
    assert message.unsubscribe_url is None
    assert "img" not in message.content["html"]


@OTHER_IN_DRILL
def test_two_workers_share_the_rows(post: NewPost, db: Database, brand: BrandRef, channel: Scripted) -> None:
    campaign = post(400)
    lock, barrier = threading.Lock(), threading.Barrier(2, timeout=20)
    by: dict[int, int] = {}

    def answer(message: Message) -> Outcome:
        with lock:
            by[threading.get_ident()] = by.get(threading.get_ident(), 0) + 1
        if by[threading.get_ident()] == 1:
            barrier.wait()  # both are in the middle of it
        return Outcome("sent")

    channel.answer = answer
    faults: list[BaseException] = []

    def work() -> None:
        mine = seed.database(db.url)
        try:
            drain.drain(mine, brand, campaign.id)
        except BaseException as fault:
            faults.append(fault)
        finally:
            mine.close()

    before = turn.BATCH
    turn.BATCH = 100
    try:
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        turn.BATCH = before
    assert not faults
    assert set(channel.addresses().values()) == {1}
    assert len(channel.said) == 400
    assert len(by) == 2
    assert min(by.values()) >= 100
    assert campaign.states() == {"sent": 400}


def test_scope_is_the_brands(post: NewPost, db: Database) -> None:
    """Nothing of one brand's campaign is touched in the name of another."""
    campaign = post(3)
    from webapp.brands import service as brands

    other = db.write(
        lambda scope: brands.new_brand(
            scope, code="b2", name="B", currency="CNY", timezone="Asia/Shanghai", region="CN"
        )
    )

    def unit(scope: Scope) -> tuple[list[object], int]:
        taken = service.lease(scope, campaign.id, 5, scope.now + timedelta(seconds=60), 10)
        return list(taken), service.cancel_some(scope, campaign.id)

    assert db.write(unit, brand=other) == ([], 0)
    assert campaign.states() == {"queued": 3}


def test_a_batch_of_a_large_campaign_is_leased_at_once(db: Database, brand: BrandRef) -> None:
    """A planner without statistics must not look through all that is due once a row."""
    count = 30_000

    def promise(scope: Scope) -> None:
        ids = scope.new_ids(count)
        columns = ("brand_id", "id", "campaign_id", "recipient_kind", "recipient_id", "occurrence", "state", "arm", "tries", "due_at")  # fmt: skip
        rows = [(brand.id, id_, 7, "member", id_, 0, "queued", 1, 0, scope.now) for id_ in ids]
        bulk.insert(scope, Delivery, columns, rows)

    def take(scope: Scope) -> int:
        return len(service.lease(scope, 7, scope.new_id(), scope.now + timedelta(seconds=60), 500))

    db.write(promise, brand=brand)
    began = time.monotonic()
    assert [db.write(take, brand=brand) for _ in range(3)] == [500] * 3
    assert db.write(lambda scope: service.cancel_some(scope, 7, 1000), brand=brand) == 1000
    assert time.monotonic() - began < 60, "it once took ten minutes"  # a hang, not a speed
