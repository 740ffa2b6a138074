"""An import that is killed with -9 at any moment: nothing half, nothing twice, and it goes on by itself or with the next one.

The sample shop's whole year besides: memory of the process, and a second time that changes nothing.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import func, select

from tests.support import seed
from tests.support.sample import sample_package
from webapp.imports import jobs, service
from webapp.imports.models import Import
from webapp.kernel.db import Database
from webapp.members.models import Member
from webapp.orders.models import Order, OrderLine

pytestmark = pytest.mark.drill

ROOT = Path(__file__).parents[2]
MEMBERS, ORDERS = 300, 20_000
MOST_MEMORY = 200 * 2**20


class Shop:
    """`acme` at the shell, and its rows seen from outside."""

    def __init__(self, url: str, folder: Path) -> None:
        self.db: Database = seed.database(url)
        self.folder = folder
        self.environ = os.environ | {
            "REGULARS_INSTANCE": str(folder / "instance"),
            "REGULARS_DATABASE_URL": url,
        }

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "webapp.cli.main",
            "import",
            *map(str, words),
            "--brand",
            seed.CODE,
            "--json",
        ]
        return subprocess.Popen(
            command, cwd=ROOT, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, *words: str | Path) -> Any:
        process = self.start(*words)
        out, err = process.communicate(timeout=600)
        assert process.returncode == 0, err.decode()
        return json.loads(out.splitlines()[-1])

    def count(self, model: Any) -> int:
        with self.db.read() as scope:
            return scope.session.scalar(select(func.count()).select_from(model)) or 0

    def totals(self) -> tuple[int, int, int, int, int]:
        """Orders, lines, members, what was paid, the lines' amounts."""
        with self.db.read() as scope:
            paid = scope.session.scalar(select(func.sum(Order.paid_minor))) or 0
            amounts = scope.session.scalar(select(func.sum(OrderLine.amount_minor))) or 0
        return self.count(Order), self.count(OrderLine), self.count(Member), int(paid), int(amounts)

    def staged(self) -> list[Path]:
        return list((self.folder / "instance" / "staged").glob("*.stage"))


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


@pytest.mark.parametrize("share", [0.02, 0.4, 0.9])
def test_killed_while_it_applies(shop: Shop, files: Any, share: float) -> None:
    paths, totals = files
    shop.run("members", paths["members"])
    process = shop.start("orders", paths["orders"], "--lines", paths["lines"])
    while process.poll() is None and shop.count(Order) < ORDERS * share:
        time.sleep(0.002)
    kill(process)
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


def test_the_sample_year_in_flat_memory(shop: Shop, tmp_path: Path) -> None:
    """1.47 million lines: under 200 MB; a second time creates and updates nothing."""
    from webapp.cli.sample import write_sample

    written = write_sample(
        sample_package(), tmp_path / "sample", today=date(2026, 3, 1), timezone="Asia/Shanghai"
    )
    shop.run("members", written.members, "--make-stores")
    process = shop.start("orders", written.orders, "--lines", written.lines, "--make-stores")
    watched, most = psutil.Process(process.pid), 0
    while process.poll() is None:
        try:
            most = max(
                most, sum(one.memory_info().rss for one in (watched, *watched.children(recursive=True)))
            )
        except psutil.Error:
            break
        time.sleep(0.05)
    out, err = process.communicate()
    assert process.returncode == 0, err.decode()
    said = json.loads(out.splitlines()[-1])
    assert (said["created"], said["lines"]["written"]) == (written.counts["orders"], written.counts["lines"])
    assert shop.totals()[3] == written.paid_minor
    assert most < MOST_MEMORY, f"{most / 2**20:.0f} MB"
    again = shop.run("orders", written.orders, "--lines", written.lines, "--make-stores")
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, written.counts["orders"])
