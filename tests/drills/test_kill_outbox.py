"""A campaign of 5,000 while one thing after another is killed: each address once, or unknown and at most once.

The real shop (`regulars up`), the e-mail channel, a real SMTP server that notes every message that it accepts. The worker is
killed after 500 messages, then the supervisor, then the queue server with all that it remembers, each while messages are in
flight; a person would only start the supervisor again. Five seeds run at once: most of a run is waiting for leases.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import databases, mailing, seed
from tests.support.live import live_shop
from tests.support.mailing import Mailing
from tests.support.smtp import Knobs, SmtpReceiver
from tests.support.waiting import wait_for
from webapp.plugin_runtime import runtime

pytestmark = pytest.mark.drill

COUNT = 5000
FIRST = 500  # messages before the first kill
APART = (300, 1200)  # messages between two kills
SEEDS = range(5)
LIMIT = 420.0  # seconds for all of it


@pytest.fixture(autouse=True)
def plugins() -> Iterator[None]:
    yield
    runtime.load_all()


def test_every_address_once_whatever_is_killed(
    db_kind: str, run: databases.Run, tmp_path: Path, smtp_receiver: Callable[..., SmtpReceiver]
) -> None:
    with ExitStack() as open_ones:
        shops = []
        for number in SEEDS:
            folder = tmp_path / f"seed{number}"
            folder.mkdir()
            url = open_ones.enter_context(databases.clone(db_kind, run, folder))
            shop = open_ones.enter_context(live_shop(folder / "instance", url))
            smtp = smtp_receiver(knobs=Knobs(keep=False))
            shops.append(mailing.begin(shop, smtp, seed.brand(shop.db), COUNT))
        with ThreadPoolExecutor(len(shops)) as pool:
            told = list(pool.map(_hurt, SEEDS, shops))
    print(f"{db_kind}: unknown, seconds by seed: {told}")


def _hurt(number: int, sent: Mailing) -> tuple[int, int]:
    """One seed's run; how many are unknown at the end, and its seconds."""
    began, dice = time.monotonic(), random.Random(number)
    sent.shop.start()

    def after(n: int) -> None:
        wait_for(lambda: len(sent.smtp.received()) >= n, LIMIT, every=0.1)

    after(FIRST)
    sent.kill("worker")
    after(len(sent.smtp.received()) + dice.randint(*APART))
    sent.kill_supervisor()
    after(len(sent.smtp.received()) + dice.randint(*APART))
    sent.kill("queue")
    sent.wait_done(LIMIT)
    unknown = sent.check(COUNT, kills=3)
    assert sent.shop.stop() == 0
    return unknown, round(time.monotonic() - began)
