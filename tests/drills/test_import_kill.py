"""An import that is killed with -9 at any moment: nothing half, nothing twice, and it goes on by itself or with the next one."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.drills.importing import Shop
from tests.support import seed
from webapp.imports import jobs, service
from webapp.imports.models import Import
from webapp.orders.models import Order, OrderLine

pytestmark = pytest.mark.drill

MEMBERS, ORDERS = 300, 8_000


@pytest.fixture
def shop(db_url: str, tmp_path: Path) -> Iterator[Shop]:
    made = Shop(db_url, tmp_path)
    yield made
    made.db.close()


@pytest.fixture
def files(tmp_path: Path) -> tuple[dict[str, Path], tuple[int, int, int, int, int]]:
    """members, orders and lines, and the totals that they make."""
    chance, totals = random.Random(5), [ORDERS, 0, MEMBERS, 0, 0]
    paths = {name: tmp_path / f"{name}.csv" for name in ("members", "orders", "lines")}
    paths["members"].write_text("number,phone\n" + "".join(f"{n:04},1380000{n:04}\n" for n in range(MEMBERS)))
    with paths["orders"].open("w") as orders, paths["lines"].open("w") as lines:
        orders.write("number,member,ordered_at,paid\n")
        lines.write("order,product,amount\n")
        for n in range(ORDERS):
            paid = 0
            for k in range(chance.randrange(12)):
                amount = chance.randrange(5000)
                lines.write(f"T{n},Product {k},{amount / 100:.2f}\n")
                paid, totals[1], totals[4] = paid + amount, totals[1] + 1, totals[4] + amount
            orders.write(
                f"T{n},{chance.randrange(MEMBERS):04},2026-01-{1 + n % 28:02} 10:00:00,{paid / 100:.2f}\n"
            )
            totals[3] += paid
    return paths, tuple(totals)  # type: ignore[return-value]


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def kill_at(process: subprocess.Popen[bytes], shop: Shop, share: float) -> None:
    """Once so much is in. While it is looked at it stands still: a fast machine is not through before the signal comes."""
    while process.poll() is None:
        process.send_signal(signal.SIGSTOP)
        if shop.count(Order) >= ORDERS * share:
            break
        process.send_signal(signal.SIGCONT)
        time.sleep(0.002)
    kill(process)


# A unit is at most two fifths of all before it (imports.apply.Pace), so that something is left after six and a half tenths.
@pytest.mark.parametrize("share", [0.02, 0.4, 0.65])
def test_killed_while_it_applies(shop: Shop, files: Any, share: float) -> None:
    paths, totals = files
    shop.run("members", paths["members"])
    process = shop.start("orders", paths["orders"], "--lines", paths["lines"])
    kill_at(process, shop, share)
    part = shop.count(Order)
    assert 0 < part < ORDERS, "it was over before it was killed: more orders are needed"
    with shop.db.read() as scope:
        half = scope.session.execute(
            select(Order.number).where(Order.lines_digest != 0).outerjoin(OrderLine, OrderLine.order_id == Order.id)
            .group_by(Order.number).having(func.count(OrderLine.position) == 0)
        ).all()  # fmt: skip
    assert not half, "an order without its lines"
    said = shop.run("orders", paths["orders"], "--lines", paths["lines"])
    assert (said["read"], said["created"], said["updated"]) == (
        ORDERS,
        0,
        0,
    )  # the rest had come in before it began
    assert shop.totals() == totals and not shop.staged()


def test_killed_and_taken_up_by_the_worker(shop: Shop, files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, totals = files
    shop.run("members", paths["members"])
    process = shop.start("orders", paths["orders"], "--lines", paths["lines"])
    while process.poll() is None and shop.count(Order) < ORDERS * 0.3:
        time.sleep(0.002)
    assert shop.staged()
    kill(process)
    monkeypatch.setenv("REGULARS_INSTANCE", str(shop.folder / "instance"))
    assert jobs.interrupted(shop.db) == []  # it may only be slow
    monkeypatch.setattr(jobs, "QUIET", jobs.QUIET * 0)
    (ring,) = jobs.interrupted(shop.db)
    jobs.resume(shop.db, **ring.ids)
    assert shop.totals() == totals and jobs.interrupted(shop.db) == [] and not shop.staged()
    with shop.db.read() as scope:
        (done,) = scope.session.scalars(select(Import).where(Import.kind == "orders"))
        assert (done.state, done.counts["created"], done.counts["lines"]) == ("done", ORDERS, totals[1])


def test_killed_while_it_reads(shop: Shop, files: Any) -> None:
    """Nothing has changed, and the next import removes what was staged."""
    paths, totals = files
    shop.run("members", paths["members"])
    for wait in (0.0, 0.05, 0.15):
        process = shop.start("orders", paths["orders"], "--lines", paths["lines"])
        while process.poll() is None and not shop.staged():
            time.sleep(0.002)
        time.sleep(wait)
        kill(process)
        if shop.count(Order):
            break  # it had read all of it already
    shop.run("orders", paths["orders"], "--lines", paths["lines"])
    assert shop.totals() == totals and not shop.staged()


def test_killed_again_and_again(shop: Shop, files: Any) -> None:
    """Members and orders, each killed at some moment, until they are through."""
    paths, totals = files
    chance = random.Random(11)
    for words in (("members", paths["members"]), ("orders", paths["orders"], "--lines", paths["lines"])):
        for _ in range(6):
            process = shop.start(*words)
            try:
                process.communicate(timeout=0.8 + chance.random() * 2)
            except subprocess.TimeoutExpired:
                kill(process)
        shop.run(*words)
    assert shop.totals() == totals and not shop.staged()


def test_an_older_file_is_finished_before_a_newer_one_begins(shop: Shop, files: Any) -> None:
    """The newer has the last word, also over what the older had not got to yet."""
    paths, _ = files
    shop.run("members", paths["members"])
    process = shop.start("orders", paths["orders"])
    while process.poll() is None and shop.count(Order) < ORDERS * 0.1:
        time.sleep(0.002)
    kill(process)
    newer = shop.folder / "newer.csv"
    newer.write_text(f"number,ordered_at,paid\nT{ORDERS - 1},2026-02-01,1.23\n")
    assert shop.run("orders", newer)["updated"] == 1
    with shop.db.read() as scope:
        assert scope.session.scalar(select(Order.paid_minor).where(Order.number == f"T{ORDERS - 1}")) == 123
    assert shop.count(Order) == ORDERS


def test_two_at_once_take_turns(shop: Shop, files: Any) -> None:
    paths, totals = files
    shop.run("members", paths["members"])
    words = ("orders", paths["orders"], "--lines", paths["lines"])
    processes = [shop.start(*words) for _ in range(2)]
    said = [json.loads(process.communicate(timeout=300)[0].splitlines()[-1]) for process in processes]
    assert sorted((one["created"], one["unchanged"]) for one in said) == [(0, ORDERS), (ORDERS, 0)]
    assert shop.totals() == totals


def test_a_lost_stage_is_told_of_and_holds_nobody_up(shop: Shop, files: Any) -> None:
    paths, totals = files
    shop.run("members", paths["members"])
    process = shop.start("orders", paths["orders"], "--lines", paths["lines"])
    while process.poll() is None and shop.count(Order) < ORDERS * 0.1:
        time.sleep(0.002)
    kill(process)
    for path in shop.staged():
        path.unlink()
    brand = seed.brand(shop.db)
    with shop.db.read() as scope:
        import_id = scope.session.scalar(select(Import.id).where(Import.state == "applying"))
    assert import_id is not None
    assert service.resume(shop.db, brand, shop.folder / "instance" / "staged", import_id)
    with shop.db.read() as scope:
        assert scope.session.scalar(select(Import.state).where(Import.id == import_id)) == "lost"
    shop.run("orders", paths["orders"], "--lines", paths["lines"])
    assert shop.totals() == totals
