"""A real shop: `regulars up` as people run it, in its own processes, on a database with brand `acme`."""

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

from tests.support import seed
from tests.support.waiting import wait_for
from webapp.kernel.db import Database
from webapp.kernel.scope import Scope
from webapp.staff import queries as staff_queries
from webapp.staff import service as staff

ROOT = Path(__file__).resolve().parents[2]
OPEN = re.compile(r"open at (http://\S+)")


class LiveShop:
    """One supervisor on one instance folder; `db` looks at (and writes) the same rows from outside."""

    def __init__(self, instance: Path, url: str, **environ: str) -> None:
        instance.mkdir(parents=True, exist_ok=True)
        self.instance = instance
        self.db: Database = seed.database(url)
        self.environ = (
            os.environ | {"REGULARS_INSTANCE": str(instance), "REGULARS_DATABASE_URL": url} | environ
        )
        self.out = instance.parent / f"{instance.name}.out"
        self.address = ""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str, seconds: float = 40) -> LiveShop:
        """`regulars up --port 0 WORDS`; returns once it says where it is open."""
        begin = self.out.stat().st_size if self.out.exists() else 0
        with self.out.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "webapp.cli.main", "up", "--port", "0", *words],
                cwd=ROOT,
                env=self.environ | {"PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

        def opened() -> str | None:
            said = self.out.read_bytes()[begin:].decode(errors="replace")
            assert self.process is not None
            assert self.process.poll() is None, said
            found = OPEN.search(said)
            return found and found[1]

        self.address = wait_for(opened, seconds)  # type: ignore[assignment]
        return self

    @property
    def log(self) -> str:
        """Everything it has said."""
        return self.out.read_text(errors="replace")

    def processes(self) -> list[psutil.Process]:
        """The supervisor and all below it."""
        assert self.process is not None
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def stop(self) -> int:
        """As Ctrl-C; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(30)

    def kill(self) -> None:
        """As the plug: the supervisor is gone, its children follow."""
        assert self.process is not None
        below = self.processes()
        self.process.kill()
        self.process.wait()
        psutil.wait_procs(below, timeout=10)

    def clean(self) -> None:
        """Nothing of it stays, whatever the test did."""
        below = self.processes() if self.process else []
        if self.process and self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for left in psutil.wait_procs(below, timeout=5)[1]:
            left.kill()
        self.db.close()

    def cookie(self, role: str = "owner") -> dict[str, str]:
        """A signed-in session's cookie, as Playwright's add_cookies takes it."""
        from webapp.staff.routes import COOKIE

        def unit(scope: Scope) -> str:
            row = staff_queries.by_email(scope, seed.email(role))
            assert row is not None, role
            return staff.open_session(scope, row.id, agent="tests")

        token = self.db.write(unit, brand=seed.brand(self.db))
        return {"name": COOKIE, "value": token, "url": self.address}


@contextmanager
def live_shop(instance: Path, url: str, **environ: str) -> Iterator[LiveShop]:
    """A shop that is not started yet, and that is gone afterwards."""
    shop = LiveShop(instance, url, **environ)
    try:
        yield shop
    finally:
        shop.clean()
