"""The worker by itself, on a real queue server: it steps aside when it has grown, and does not hang for ever."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.shop import ROOT
from webapp.jobs import address, worker
from webapp.supervisor import queue_server

SCRIPT = """
import logging, sys, time
from pathlib import Path
from webapp.jobs import worker
from webapp.jobs.address import queue_url
from webapp.jobs.bell import QueueBell
from webapp.kernel.db import Database
from webapp.kernel.doorbell import job
from webapp.kernel.scope import Ring

logging.basicConfig(level=logging.INFO)

@job("probe.hang")
def hang(db):
    while True:
        try:
            time.sleep(60)
        except Exception:
            pass  # swallows its own time limit

@job("probe.nothing")
def nothing(db):
    pass

name, setting, value = sys.argv[2:]
setattr(worker, setting, float(value))
url = queue_url(Path(sys.argv[1]))
QueueBell(url)([Ring(name, {})])
worker.work(Database("sqlite://"), url)
"""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Path]:
    """An instance folder whose queue server runs."""
    words = queue_server.command(queue_server.find_program(), address.socket_path(tmp_path))
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as server:
        try:
            assert queue_server.wait_until_ready(tmp_path)
            yield tmp_path
        finally:
            server.kill()


def ended(instance: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(instance), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_a_worker_that_has_grown_ends_after_its_job(instance: Path) -> None:
    done = ended(instance, "probe.nothing", "MEMORY_LIMIT", "1")
    assert done.returncode == 0
    assert "probe.nothing - took" in done.stderr and "making room for a fresh worker" in done.stderr


def test_a_job_that_hangs_and_swallows_its_limit_takes_the_process_with_it(instance: Path) -> None:
    done = ended(instance, "probe.hang", "HANG_LIMIT", "0.5")
    assert done.returncode == worker.HUNG
    assert "probe.hang has hung" in done.stderr
