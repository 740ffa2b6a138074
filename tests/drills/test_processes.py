"""Kill after kill while there is work: it is all done at the end, nobody helping; and what an idle shop weighs."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.jobs.shop import ProbeShop, alive, shop
from tests.support.waiting import wait_for

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


def test_an_idle_shop_weighs_less_than_250_mb(tmp_path: Path) -> None:
    environ = {**os.environ, "REGULARS_INSTANCE": str(tmp_path / "var")}
    command = [sys.executable, "-m", "webapp.cli.main", "up", "--port", "0"]
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as shop:
        try:
            assert shop.stdout is not None
            address = shop.stdout.readline().split()[4]
            for _ in range(20):
                urllib.request.urlopen(address + "/", timeout=10).close()
            time.sleep(3)
            assert pss(shop.pid) < 250
            shop.send_signal(signal.SIGINT)
            _, said = shop.communicate(timeout=10)
            assert shop.returncode == 0
            assert "ERROR" not in said
        finally:
            shop.kill()
