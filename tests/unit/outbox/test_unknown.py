"""What a worker leaves behind that dies, sleeps or loses its database; what a person or a receipt says about it later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from tests.support.databases import OTHER_IN_DRILL
from tests.unit.outbox.post import Post, Scripted
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.errors import NotFound, Refused
from webapp.outbox import drain, queries, service, turn
from webapp.outbox.turn import Hand, Landed, Lane, Turn
from webapp.plugin_api import Outcome
from webapp.plugin_runtime import calls

pytestmark = OTHER_IN_DRILL

NewPost = Callable[..., Post]
LEASE = timedelta(seconds=20)


def lane(campaign: Post, token: int) -> Lane:
    with campaign.db.read(brand=campaign.brand) as scope:
        bound = calls.channel(scope, "scripted")
    assert bound is not None
    return Lane(campaign.id, token, LEASE, bound, True)


def take(campaign: Post, token: int = 1, landed: Any = (), hand: Hand | None = None) -> Turn:
    """One turn of a worker that this test is."""
    turned: Turn = campaign.write(
        lambda scope: turn.turn(scope, lane(campaign, token), landed, hand or Hand())
    )
    return turned


def after_the_lease() -> datetime:
    return clock.now() + LEASE + timedelta(seconds=1)


def test_a_worker_that_dies_leaves_at_most_twenty_unknown(post: NewPost, channel: Scripted) -> None:
    campaign = post(60)
    flying = take(campaign).flights  # and is never seen again
    assert campaign.states() == {"in_flight": 20, "leased": 40}
    assert campaign.drain().outcomes == {}, "its lease still holds"
    with clock.fixed(after_the_lease()):
        assert campaign.drain().outcomes == {"sent": 40}
        assert campaign.states() == {"sent": 40, "unknown": 20}
        assert campaign.drain().outcomes == {}, "unknown is never sent again blindly"
    left = {flight.delivery.id for flight in flying}
    assert {row.id for row in campaign.rows("unknown")} == left
    assert {row.reason for row in campaign.rows("unknown")} == {"worker_lost"}
    by_state = sorted(d.state for d in campaign.dispatches)
    assert by_state == ["sent"] * 40 + ["unknown"] * 20
    assert sorted(a.outcome for a in campaign.attempts) == by_state
    assert campaign.state == "done", "what is unknown waits for a person, not for a worker"
    assert {m.to.value for m in channel.said}.isdisjoint(f.message.to.value for f in flying)


def test_late_news_settles_what_is_still_unknown(post: NewPost, channel: Scripted) -> None:
    campaign = post(4)
    flying = take(campaign, token=1).flights
    with clock.fixed(after_the_lease()):
        campaign.drain()
        assert campaign.states() == {"unknown": 4}
        person = service.resolve_unknown
        campaign.write(lambda scope: person(scope, flying[3].delivery.id, arrived=True))
        news = [
            Outcome("sent"),
            Outcome("failed", "bad_address"),
            None,  # never said
            Outcome("failed", "refused"),  # but a person has decided already
        ]
        take(campaign, token=1, landed=[Landed(f, o) for f, o in zip(flying, news, strict=True)])
    rows = [(row.state, row.reason) for row in campaign.rows()]
    assert rows == [("sent", None), ("failed", "bad_address"), ("in_flight", None), ("sent", None)], (
        "the one that was never said is on its way again"
    )
    assert sorted(r.detail or "" for r in campaign.receipts if r.kind == "late") == [
        "failed",
        "failed",
        "sent",
        "unsent",
    ]


def test_a_worker_that_slept_does_not_write_over_the_next_one(post: NewPost, channel: Scripted) -> None:
    campaign = post(2)
    sleeper = take(campaign, token=1).flights
    with clock.fixed(after_the_lease()):
        campaign.drain()
        for row in campaign.rows("unknown"):
            campaign.write(lambda scope, row=row: service.resolve_unknown(scope, row.id, arrived=False))
        second = take(campaign, token=2)
        assert len(second.flights) == 2
        take(campaign, token=1, landed=[Landed(f, Outcome("failed", "refused")) for f in sleeper])
        assert campaign.states() == {"in_flight": 2}, "in the second one's hands"
        assert {row.lease for row in campaign.rows()} == {2}
        take(campaign, token=2, landed=[Landed(f, Outcome("sent")) for f in second.flights], hand=second.hand)
    assert campaign.states() == {"sent": 2}
    assert sorted(a.outcome for a in campaign.attempts) == ["failed", "failed", "sent", "sent"]


def test_a_hand_that_slept_takes_off_with_nothing_of_others(post: NewPost) -> None:
    campaign = post(60)
    first = take(campaign, token=1)
    with clock.fixed(after_the_lease()):
        campaign.write(lambda scope: service.recover(scope, campaign.id))
        second = take(campaign, token=2)
        assert len(second.flights) == 20
        again = take(campaign, token=1, landed=[], hand=first.hand)
        mine = {f.delivery.id for f in again.flights}
        assert mine.isdisjoint(f.delivery.id for f in second.flights)
        assert mine == set(), "the second worker has all of them in hand"


def test_a_long_hand_is_renewed(post: NewPost) -> None:
    campaign = post(60)
    first = take(campaign)
    with clock.fixed(clock.now() + LEASE * 0.75):
        moment = clock.now()
        second = take(campaign, landed=[Landed(f, Outcome("sent")) for f in first.flights], hand=first.hand)
        assert second.hand.until == moment + LEASE
        assert {row.lease_until for row in campaign.rows("leased")} == {moment + LEASE}
        assert len(second.flights) == 20


def test_nothing_is_begun_that_could_outlast_the_lease(post: NewPost, channel: Scripted) -> None:
    campaign = post(20)
    flights = take(campaign).flights
    now = 1000.0
    ticks = iter(range(100))

    def later() -> float:
        return now + next(ticks) * 4  # each message takes 4 s; a call may take 5 s, the lease holds 20 s

    landed = _with_clock(later, lambda: drain.speak(channel.send, flights, lane(campaign, 1), now))
    assert [one.outcome.state if one.outcome else None for one in landed] == ["sent"] * 4 + [None] * 16
    take(campaign, landed=landed, hand=Hand())
    assert len(channel.said) == 4


def test_a_slow_service_is_given_fewer_at_once() -> None:
    one = Landed(None, Outcome("sent"))  # type: ignore[arg-type]
    silent = Landed(None, None)  # type: ignore[arg-type]
    assert drain.fitting([one] * 20, 0.2) == 20
    assert drain.fitting([one] * 20, 20) == 5
    assert drain.fitting([one] * 4, 20) == 1
    assert drain.fitting([one] + [silent] * 19, 30) == 1


def _with_clock(ask: Callable[[], float], work: Callable[[], Any]) -> Any:
    patch = pytest.MonkeyPatch()
    # Of the drain alone: the connections' pool and other threads look at the process's clock, too.
    with patch.context() as p:
        p.setattr(drain, "time", SimpleNamespace(monotonic=ask))
        return work()


def test_outcomes_outlive_a_database_that_is_away_for_a_moment(
    post: NewPost, channel: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = post(5)
    write, away = Database.write, 3

    def flaky(self: Database, work: Any, **more: Any) -> Any:
        nonlocal away
        if channel.said and away:
            away -= 1
            raise OperationalError("UPDATE", {}, Exception("server closed"), connection_invalidated=True)
        return write(self, work, **more)

    monkeypatch.setattr(Database, "write", flaky)
    assert campaign.drain().outcomes == {"sent": 5}
    assert away == 0
    assert campaign.states() == {"sent": 5}


# -- people and receipts -----------------------------------------------------------------------------------------------


def unknown(campaign: Post, channel: Scripted) -> int:
    """One unknown delivery."""
    channel.answer = lambda message: Outcome("unknown", "no_answer")
    campaign.drain()
    channel.answer = lambda message: Outcome("sent")
    return campaign.rows("unknown")[0].id


def resolve(campaign: Post, delivery_id: int, *, arrived: bool) -> Refused | None:
    answer: Refused | None = campaign.write(
        lambda scope: service.resolve_unknown(scope, delivery_id, arrived=arrived)
    )
    return answer


def test_a_person_says_that_it_arrived(post: NewPost, channel: Scripted) -> None:
    campaign = post(1)
    one = unknown(campaign, channel)
    assert resolve(campaign, one, arrived=True) is None
    assert campaign.states() == {"sent": 1}
    assert [d.state for d in campaign.dispatches] == ["sent"]
    assert [(r.kind, r.detail) for r in campaign.receipts] == [("resolved", "arrived")]
    assert resolve(campaign, one, arrived=False) == Refused("not_unknown", {"state": "sent"}), (
        "two people: the first counts"
    )
    campaign.drain()
    assert len(channel.said) == 1


def test_a_person_says_that_it_did_not(post: NewPost, channel: Scripted) -> None:
    campaign = post(1)
    one = unknown(campaign, channel)
    assert campaign.state == "done"
    assert resolve(campaign, one, arrived=False) is None
    assert campaign.state == "sending"
    assert resolve(campaign, one, arrived=False) == Refused("not_unknown", {"state": "queued"})
    assert campaign.drain().outcomes == {"sent": 1}
    first, second = channel.said
    assert first.key != second.key
    assert [d.state for d in campaign.dispatches] == ["failed", "sent"]
    assert [a.outcome for a in campaign.attempts] == ["unknown", "sent"]
    assert campaign.state == "done"


def test_nothing_is_sent_again_after_a_cancel(post: NewPost, channel: Scripted) -> None:
    campaign = post(1)
    one = unknown(campaign, channel)
    campaign.set_state("cancelled")
    assert resolve(campaign, one, arrived=False) == Refused("campaign_over")
    assert campaign.states() == {"unknown": 1}
    assert resolve(campaign, one, arrived=True) is None


def test_only_what_is_there_is_resolved(post: NewPost) -> None:
    campaign = post(0)
    with pytest.raises(NotFound):
        resolve(campaign, 5, arrived=True)


def test_an_opening_proves_that_it_arrived(post: NewPost, channel: Scripted) -> None:
    campaign = post(1)
    one = unknown(campaign, channel)

    def opened() -> bool:
        new: bool = campaign.write(lambda scope: service.receipt(scope, one, "opened", once=True))
        return new

    assert opened()
    assert not opened()
    assert campaign.states() == {"sent": 1}
    assert len(campaign.receipts) == 1
    with campaign.db.read(brand=campaign.brand) as scope:
        assert queries.receipts_of(scope, campaign.id) == {"opened": 1}
        assert [row.id for row in queries.deliveries(scope, campaign.id, kind="opened")] == [one]
        assert queries.tallies(scope, campaign.id) == [("sent", None, 1, 1)]
        calls_, receipts = queries.history(scope, one)
        assert [c.state for c in calls_] == ["sent"]
        assert [r.kind for r in receipts] == ["opened"]


def test_keys_are_never_used_twice(post: NewPost, channel: Scripted) -> None:
    campaign = post(30)
    channel.answer = lambda message: (
        Outcome("retry", "try_later") if len(channel.said) % 3 else Outcome("sent")
    )
    for n in range(4):
        with clock.fixed(clock.now() + timedelta(hours=n)):
            campaign.drain()
    keys = [message.key for message in channel.said]
    assert len(set(keys)) == len(keys)
