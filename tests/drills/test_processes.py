"""Kill after kill while there is work: it is all done at the end, nobody helping; and what an idle shop weighs."""

from __future__ import annotations

import html
import os
import random
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select

from tests.jobs.shop import ProbeShop, alive, shop
from tests.support.live import live_shop
from tests.support.waiting import wait_for
from webapp.brands import queries as brands
from webapp.staff import service as staff
from webapp.staff.cookie import COOKIE
from webapp.staff.models import StaffRole

__all__ = ["shop"]
pytestmark = pytest.mark.drill

ROWS = 1500
KILLS = 12


@pytest.mark.parametrize("seed", range(5))
def test_work_is_finished_whatever_is_killed(shop: ProbeShop, seed: int) -> None:
    dice = random.Random(seed)
    shop.start("--port", "0", "--workers", "2")
    shop.sql(
        "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < :rows) "
        "INSERT INTO task (id, state) SELECT id, 'slow' FROM n",
        rows=ROWS,
    )
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.05, 0.6))
        name = dice.choice(["web", "worker", "worker1", "tick", "queue", "supervisor"])
        if name == "supervisor":
            children = shop.children()
            os.kill(shop.pid, signal.SIGKILL)
            shop.wait()
            wait_for(lambda: not [pid for pid in children.values() if alive(pid)], 3)  # noqa: B023
            shop.start("--port", "0", "--workers", "2")
        else:
            pid = shop.children()[name]
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
    wait_for(lambda: shop.sql("SELECT count(*) FROM task WHERE state = 'done'") == [(ROWS,)], 60)
    assert shop.sql("SELECT count(*) FROM task WHERE runs <> 1") == [(0,)]
    assert shop.page()
    assert shop.signal(signal.SIGINT) == 0


def test_a_part_that_dies_again_and_again_is_started_more_and_more_slowly(shop: ProbeShop) -> None:
    shop.start()
    for pause in (0.0, 0.3, 1.0, 2.0):
        old = shop.children()["tick"]
        os.kill(old, signal.SIGKILL)
        began = time.monotonic()
        shop.started.append(shop.await_new("tick", old))
        assert pause <= time.monotonic() - began < pause + 0.8
    assert shop.page()


def pss(pid: int) -> float:
    """Proportional memory of a process and all below it, MB; where that is not counted (macOS), what is its alone."""
    tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    found = [process.memory_full_info() for process in tree]
    return sum(getattr(memory, "pss", memory.uss) for memory in found) / 2**20


def test_an_idle_shop_weighs_less_than_250_mb(sample_shop: Callable[[], Path]) -> None:
    """The sample shop, every page that an owner can reach opened once, then nothing: proportional memory of the tree.

    IDLE_SECONDS: how long nothing is done (600 to see it ten minutes later).
    """
    instance = sample_shop()
    with live_shop(instance, f"sqlite:///{instance / 'regulars.db'}") as shop:
        began = time.monotonic()
        shop.start()
        cold = time.monotonic() - began
        with shop.db.read() as scope:
            [brand] = brands.all_refs(scope.session)
            owner = scope.session.scalars(select(StaffRole.staff_id).where(StaffRole.role == "owner")).first()
        assert owner is not None
        token = shop.db.write(lambda scope: staff.open_session(scope, owner, agent="drill"), brand=brand)
        opened = open_each_page_once(shop.address, f"{COOKIE}={token}")
        assert len(opened) > 30, sorted(opened)
        time.sleep(float(os.environ.get("IDLE_SECONDS", "5")))
        assert shop.process is not None
        weighs = pss(shop.process.pid)
        print(
            f"open {cold:.1f} s after the start; {len(opened)} kinds of pages opened; idle at {weighs:.0f} MB"
        )
        assert weighs < 250
        assert shop.stop() == 0
        assert " ERROR " not in shop.log


LINK = re.compile(r'<a\b[^>]*?\bhref="(/[^"#]*)"')


def open_each_page_once(address: str, cookie: str) -> set[str]:
    """Follow the links from Today on; of pages that differ in numbers and words alone, one. The kinds that were opened."""
    opened: set[str] = set()
    waiting = ["/"]
    while waiting:
        path = html.unescape(waiting.pop(0))
        kind = re.sub(r"/[^/]*\d[^/]*", "/N", path.partition("?")[0])
        if kind in opened or "sign-out" in path:
            continue
        opened.add(kind)
        request = urllib.request.Request(address + path, headers={"Cookie": cookie})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                if answer.headers.get_content_type() == "text/html":
                    waiting += LINK.findall(answer.read().decode())
        except urllib.error.HTTPError as said:
            assert said.code < 500, path
            said.close()
    return opened
