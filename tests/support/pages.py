"""Pages from gunicorn beside a running shop, on its instance and database, as docs/operators/running.md has it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support.live import ROOT, LiveShop
from tests.support.waiting import wait_for

WORDS = [
    "--worker-class",
    "gthread",
    "--threads",
    "4",
    "--preload",
    "--bind",
    "127.0.0.1:0",
    "--no-control-socket",
]
LISTENS = re.compile(r"Listening at: (http://\S+)")


class Pages:
    """A gunicorn of two workers of four threads each, whose workers may be killed: it makes new ones."""

    def __init__(self, shop: LiveShop, workers: int = 2) -> None:
        self.workers = workers
        self.out: Path = shop.instance.parent / "gunicorn.out"
        with self.out.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *WORDS, "--workers", str(workers), "webapp:create_app()"],
                cwd=ROOT,
                env=shop.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.address = ""

    def ready(self) -> Pages:
        """Once it takes requests."""
        self.address = wait_for(self._opened, 90)  # type: ignore[assignment]
        return self

    def _opened(self) -> str | None:
        assert self.process.poll() is None, self.log
        found = LISTENS.search(self.log)
        return found and found[1] if self.pids() else None

    @property
    def log(self) -> str:
        """Everything it has said."""
        return self.out.read_text(errors="replace")

    def pids(self) -> list[int]:
        """The workers that there are now."""
        try:
            return [one.pid for one in psutil.Process(self.process.pid).children()]
        except psutil.NoSuchProcess:
            return []

    def stop(self) -> None:
        """Nothing of it stays."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


@contextmanager
def pages(shop: LiveShop) -> Iterator[Pages]:
    """gunicorn on the instance of a shop that has its key, gone afterwards; it comes up while the shop does."""
    made = Pages(shop)
    try:
        yield made
    finally:
        made.stop()
