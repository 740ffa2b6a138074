"""A probe shop (tests/jobs/probe_shop.py) as a real process tree, and ways to look at it and hurt it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.support.waiting import wait_for
from webapp.jobs.address import queue_url
from webapp.jobs.bell import QueueBell
from webapp.kernel.scope import Ring

ROOT = Path(__file__).parents[2]


class ProbeShop:
    """One supervisor, at work or not, on one instance folder."""

    def __init__(self, instance: Path, **environ: str) -> None:
        self.instance = instance
        self.environ = {**os.environ, "REGULARS_INSTANCE": str(instance), **environ}
        self.address = ""
        self.process: subprocess.Popen[str] | None = None
        self.started: list[int] = []
        self.log = instance.parent / f"{instance.name}.log"

    # -- running -------------------------------------------------------------------------------------------------------
    def start(self, *words: str, ready: bool = True) -> None:
        """Start the supervisor; unless told otherwise, wait for its address."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.jobs.probe_shop", *(words or ("--port", "0"))],
                cwd=ROOT,
                env=self.environ,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        if not ready:
            return
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready "), f"{line!r}: {self.log.read_text()}"
        self.address = line.removeprefix("ready ").strip()
        wait_for(
            lambda: (
                {"queue", "web", "worker", "tick"} - set(self.environ.get("LESS", "").split())
                <= set(self.children())
            )
        )
        self.started.extend(self.children().values())

    @property
    def pid(self) -> int:
        """The supervisor's."""
        assert self.process is not None
        return self.process.pid

    def signal(self, number: int) -> int:
        """Signal the supervisor as a terminal does (its whole process group), wait for its end; the exit code."""
        os.killpg(self.pid, number)
        return self.wait()

    def wait(self) -> int:
        """For the supervisor's end; its exit code."""
        assert self.process is not None
        assert self.process.stdout is not None
        code = self.process.wait(timeout=15)
        self.process.stdout.close()
        return code

    def children(self) -> dict[str, int]:
        """name -> pid, as the supervisor last said."""
        told: dict[str, int] = {}
        for line in self.log.read_text().splitlines():
            words = line.split()
            if f"regulars.supervisor[{self.pid}]" in line and "started" in words:
                told[words[3]] = int(words[-1].rstrip(")"))
        return told

    def await_new(self, name: str, old: int, seconds: float = 5) -> int:
        """The pid of the process that has taken the place of `old`."""
        return wait_for(lambda: (pid := self.children()[name]) != old and pid, seconds)

    def clean(self) -> None:
        """Nothing of this shop stays, whatever the test did."""
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGKILL)
        for pid in self.started:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)

    # -- work ----------------------------------------------------------------------------------------------------------
    def sql(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        """One statement on the shop's database, committed."""
        engine = create_engine(
            f"sqlite:///{self.instance / 'regulars.db'}", poolclass=NullPool, connect_args={"timeout": 30}
        )
        with engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    def row(self, number: int, state: str = "quiet") -> None:
        """A row of work; "due" ones are found by the sweep, "quiet" ones only by a ring."""
        self.sql("INSERT INTO task (id, state) VALUES (:id, :state)", id=number, state=state)

    def done(self, number: int) -> bool:
        """Whether a row's work is done."""
        return self.sql("SELECT state FROM task WHERE id = :id", id=number) == [("done",)]

    def runs(self, number: int) -> object:
        """How often a row's work was done."""
        return self.sql("SELECT runs FROM task WHERE id = :id", id=number)[0][0]

    def worked_by(self, number: int) -> object:
        """The process that did it last."""
        return self.sql("SELECT pid FROM task WHERE id = :id", id=number)[0][0]

    def ring(self, name: str, **ids: object) -> None:
        """Ring as any process of the shop does after its commit."""
        bell = QueueBell(self.url)
        bell([Ring(name, ids)])
        bell.close()

    @property
    def url(self) -> str:
        return queue_url(self.instance, self.environ.get("REDIS_URL"))

    def page(self, path: str = "/") -> str:
        """GET."""
        with urllib.request.urlopen(self.address + path, timeout=10) as answer:
            body: bytes = answer.read()
            return body.decode()


def alive(pid: int) -> bool:
    """There and no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ProbeShop]:
    """A probe shop that is not started yet."""
    probe = ProbeShop(tmp_path / "shop")
    try:
        yield probe
    finally:
        probe.clean()
