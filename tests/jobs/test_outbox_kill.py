"""A worker that is killed in the middle of a campaign: the shop's own processes bring it to its end, nobody helping.

One kill, on the embedded database, with a channel on a short leash; tests/drills/test_kill_outbox.py has the whole of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support import mailing
from tests.support.databases import ONE_DATABASE
from tests.support.live import LiveShop
from tests.support.smtp import Knobs, SmtpReceiver
from tests.support.waiting import wait_for
from webapp.kernel.scope import BrandRef
from webapp.plugin_runtime import runtime

pytestmark = ONE_DATABASE
COUNT = 400


@pytest.fixture(autouse=True)
def plugins() -> Iterator[None]:
    yield
    runtime.load_all()


def test_a_killed_worker_costs_at_most_twenty(
    live: LiveShop, smtp_receiver: Callable[..., SmtpReceiver], brand: BrandRef
) -> None:
    smtp = smtp_receiver(knobs=Knobs(delay=0.004, keep=False))
    sent = mailing.begin(live, smtp, brand, COUNT, channel="probe")
    live.start()
    wait_for(lambda: len(smtp.received()) >= 100, 40)
    sent.kill("worker")
    sent.wait_done(60)
    assert sent.check(COUNT, kills=1) > 0, "it was killed while it spoke"
    assert live.stop() == 0
