"""The sweep: what is due is rung for, whatever became of the bell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests.unit.outbox.post import Post, Scripted
from webapp.kernel import clock
from webapp.outbox import jobs, service
from webapp.plugin_api import Outcome

NewPost = Callable[..., Post]


def test_the_sweep_rings_for_what_is_due(post: NewPost, channel: Scripted) -> None:
    campaign = post(30)
    ring = [("outbox.drain", {"brand_id": campaign.brand.id, "campaign_id": campaign.id})]

    def swept() -> list[tuple[str, dict[str, int]]]:
        return [(one.job, one.ids) for one in jobs.due(campaign.db)]

    assert swept() == ring
    campaign.set_state("paused")
    assert swept() == []
    campaign.set_state("sending")
    channel.answer = lambda message: Outcome("retry", "try_later")
    campaign.drain()
    assert swept() == [], "all wait for their time"
    with clock.fixed(clock.now() + timedelta(seconds=61)):
        assert swept() == ring
        channel.answer = lambda message: Outcome("sent")
        campaign.drain()
        assert swept() == []
    assert campaign.state == "done"


def test_the_sweep_rings_for_leases_that_ran_out_even_when_paused(post: NewPost) -> None:
    campaign = post(30)
    campaign.write(
        lambda scope: service.lease(scope, campaign.id, 77, scope.now + timedelta(seconds=10), 500)
    )
    campaign.set_state("paused")
    assert jobs.due(campaign.db) == []
    with clock.fixed(clock.now() + timedelta(seconds=11)):
        assert len(jobs.due(campaign.db)) == 1
        campaign.drain()
        assert jobs.due(campaign.db) == []
    assert campaign.states() == {"queued": 30}


def test_the_sweep_rings_when_nothing_is_left(post: NewPost) -> None:
    campaign = post(0)
    assert len(jobs.due(campaign.db)) == 1
    campaign.drain()
    assert campaign.state == "done"
    assert jobs.due(campaign.db) == []
