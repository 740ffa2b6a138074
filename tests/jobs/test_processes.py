"""Real processes: the bell is heard, what dies comes back, one signal ends all."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from redis import Redis

from tests.jobs.shop import ROOT, ProbeShop, alive
from tests.support.waiting import wait_for
from webapp.jobs import address
from webapp.jobs.address import queue_url
from webapp.kernel.doorbell import ring_id
from webapp.kernel.scope import Ring
from webapp.supervisor import queue_server


def test_a_rung_bell_is_work_and_one_ctrl_c_ends_everything(shop: ProbeShop) -> None:
    shop.start()
    children = shop.children()
    shop.row(1)
    shop.ring("probe.do", task=1)
    wait_for(lambda: shop.done(1))
    assert shop.worked_by(1) == children["worker"]
    assert shop.page() == str(children["web"])

    began = time.monotonic()
    assert shop.signal(signal.SIGINT) == 0
    assert time.monotonic() - began < 4
    assert not [name for name, pid in children.items() if alive(pid)]


def test_a_bell_rung_twice_while_it_waits_is_one_job_and_while_it_runs_two(shop: ProbeShop) -> None:
    shop.start()
    for number in (1, 2):
        shop.row(number)
    shop.ring("probe.do", task=1, seconds=1.0)
    wait_for(lambda: Redis.from_url(shop.url).llen("rq:queue:regulars") == 0)
    for _ in range(5):
        shop.ring("probe.do", task=2)  # waits behind the first: one job
    shop.ring("probe.do", task=1, seconds=1.0)  # the same as the one that is running: it is not swallowed
    wait_for(lambda: shop.runs(1) == 2)
    time.sleep(0.3)
    assert (shop.runs(1), shop.runs(2)) == (2, 1)
    shop.ring("probe.do", task=2)  # nor does one that has finished stand in the way
    wait_for(lambda: shop.runs(2) == 2)


def test_a_job_that_fails_is_tried_again_and_does_not_block_its_next_ring(shop: ProbeShop) -> None:
    shop.start()
    tries = lambda: shop.log.read_text().count("exception raised while executing")  # noqa: E731
    shop.ring("probe.fail")
    wait_for(lambda: tries() == 2)
    shop.ring("probe.fail")
    wait_for(lambda: tries() == 4)
    shop.row(1)
    shop.ring("probe.do", task=1)  # and the worker goes on
    wait_for(lambda: shop.done(1))


def test_the_worker_runs_nothing_but_the_entry(shop: ProbeShop, tmp_path: Path) -> None:
    from rq import Callback, Queue
    from rq.serializers import JSONSerializer

    shop.start()
    queue = Queue(address.QUEUE, connection=Redis.from_url(shop.url), serializer=JSONSerializer)
    made = tmp_path / "made"
    queue.enqueue("os.mkdir", str(made))
    queue.enqueue(
        "webapp.jobs.entry.run",
        "no.such.job",
        {},
        on_failure=Callback("os.abort"),
        on_success=Callback("os.abort"),
    )
    shop.row(1)
    shop.ring("probe.do", task=1)
    wait_for(lambda: shop.done(1))
    assert not made.exists()
    assert "only webapp.jobs.entry.run is run" in shop.log.read_text()
    assert "no job is called 'no.such.job'" in shop.log.read_text()


@pytest.mark.parametrize("name", ["web", "worker", "tick", "queue"])
def test_what_is_killed_comes_back_and_works(shop: ProbeShop, name: str) -> None:
    shop.start()
    old = shop.children()[name]
    began = time.monotonic()
    os.kill(old, signal.SIGKILL)
    new = shop.await_new(name, old)
    assert time.monotonic() - began < 1
    shop.started.append(new)
    shop.row(1, "due")  # found by the sweep, rung, worked on
    wait_for(lambda: shop.done(1))
    assert shop.page() == str(shop.children()["web"])
    assert shop.signal(signal.SIGTERM) == 0
    assert not alive(new)


def test_the_workers_death_in_the_middle_of_a_job_loses_nothing(shop: ProbeShop) -> None:
    shop.start()
    shop.row(1, "due")
    shop.ring("probe.do", task=1, seconds=20)
    queue, slow = Redis.from_url(shop.url), ring_id(Ring("probe.do", {"task": 1, "seconds": 20})).encode()
    # Taken; a sweep may have rung for the row meanwhile, which waits behind it.
    wait_for(lambda: slow not in queue.lrange("rq:queue:regulars", 0, -1))
    os.kill(shop.children()["worker"], signal.SIGKILL)
    wait_for(lambda: shop.done(1))


def test_no_connection_is_lost_while_web_is_started_again(shop: ProbeShop) -> None:
    shop.start()
    old = shop.children()["web"]
    with ThreadPoolExecutor(4) as crowd:
        at_hand = [crowd.submit(shop.page, "/slow") for _ in range(4)]
        time.sleep(0.2)
        os.kill(old, signal.SIGTERM)
        late = [crowd.submit(shop.page) for _ in range(20)]
        assert {answer.result() for answer in at_hand} == {str(old)}  # answered before it went
        assert str(old) not in {answer.result() for answer in late[-1:]}


@pytest.mark.parametrize(
    "words", [("--port", "0"), ("--port", "0", "--guardian")], ids=["kernel", "guardian"]
)
def test_a_killed_supervisor_takes_its_children_along_and_a_new_one_goes_on(
    shop: ProbeShop, words: tuple[str, ...]
) -> None:
    shop.start(*words)
    children = shop.children()
    os.kill(shop.pid, signal.SIGKILL)
    shop.wait()
    wait_for(lambda: not [name for name, pid in children.items() if alive(pid)])
    shop.row(1, "due")
    port = shop.address.rpartition(":")[2]
    shop.start("--port", port, *words[2:])  # stale socket, pid and lock are in nobody's way
    wait_for(lambda: shop.done(1))


def test_a_killed_guardian_is_replaced_and_told_whom_to_watch(shop: ProbeShop) -> None:
    shop.start("--port", "0", "--guardian")
    named = set(shop.children().values())

    def guardians() -> set[int]:
        return {child.pid for child in psutil.Process(shop.pid).children()} - named

    (old,) = guardians()
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: guardians() - {old})
    os.kill(shop.pid, signal.SIGKILL)
    shop.wait()
    wait_for(lambda: not [pid for pid in named if alive(pid)])


def test_without_pages_the_worker_needs_their_address(shop: ProbeShop) -> None:
    shop.start("--no-web", ready=False)
    assert shop.wait() != 0
    assert "set REGULARS_PUBLIC_URL" in shop.log.read_text()

    shop.environ |= {"REGULARS_PUBLIC_URL": "https://shop.example", "LESS": "web"}
    shop.start("--no-web")
    assert "web" not in shop.children()
    shop.row(1, "due")
    wait_for(lambda: shop.done(1))


def test_a_second_supervisor_is_refused_with_a_sentence(shop: ProbeShop) -> None:
    shop.start()
    second = subprocess.run(
        [sys.executable, "-m", "tests.jobs.probe_shop"],
        cwd=ROOT,
        env=shop.environ,
        capture_output=True,
        text=True,
    )
    assert second.returncode != 0
    assert f"The shop in {shop.instance} is already running (process {shop.pid})" in second.stderr
    shop.page()


def test_a_long_instance_path_gets_a_short_private_socket(tmp_path: Path) -> None:
    shop = ProbeShop(tmp_path / ("long" * 30) / "shop")
    shop.instance.parent.mkdir()
    try:
        shop.start()
        socket = address.socket_path(shop.instance)
        assert len(os.fsencode(socket)) <= 100
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        shop.row(1)
        shop.ring("probe.do", task=1)
        wait_for(lambda: shop.done(1))
    finally:
        shop.clean()


def test_redis_url_is_used_and_no_own_server_started(shop: ProbeShop, tmp_path: Path) -> None:
    elsewhere = tmp_path / "redis"
    program = queue_server.find_program()
    socket = address.socket_path(elsewhere)
    with subprocess.Popen(queue_server.command(program, socket), stdout=subprocess.DEVNULL) as server:
        try:
            assert queue_server.wait_until_ready(elsewhere)
            shop.environ["REDIS_URL"] = queue_url(elsewhere)
            shop.environ["LESS"] = "queue"
            shop.start()
            assert "queue" not in shop.children()
            shop.row(1)
            shop.ring("probe.do", task=1)
            wait_for(lambda: shop.done(1))
            assert shop.signal(signal.SIGINT) == 0
        finally:
            server.kill()


def test_an_extra_child_can_end_the_shop_with_its_own_code(shop: ProbeShop) -> None:
    shop.start("--port", "0", "--ender", "7", ready=False)
    assert shop.wait() == 7
    assert not [name for name, pid in shop.children().items() if alive(pid)]
