"""A throw-away PostgreSQL for the run: one cluster shared by all xdist workers, a database a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from filelock import FileLock

from tests.support.need import need
from tests.support.pg_keeper import USER

ROOT = Path(__file__).resolve().parents[2]
REMEDY = "apt-get install postgresql (the server's programs; no running server is used)"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster, reached through the unix socket in `folder`."""

    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    def run(self, statement: str) -> None:
        """One statement outside any transaction (CREATE DATABASE and its like)."""
        with psycopg.connect(
            dbname="postgres", host=str(self.folder), user=USER, autocommit=True
        ) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def exists(self, database: str) -> bool:
        with psycopg.connect(
            dbname="postgres", host=str(self.folder), user=USER, autocommit=True
        ) as connection:
            return bool(
                connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone()
            )

    def create(self, template: str | None = None, name: str | None = None) -> str:
        """A new database, empty or copied from `template` (which nobody may be connected to); returns its name."""
        name = name or f"t_{uuid.uuid4().hex[:16]}"
        # file_copy needs a checkpoint, which costs nothing without fsync, and is twice as fast as going through the WAL
        how = f'TEMPLATE "{template}" STRATEGY file_copy' if template else "TEMPLATE template0"
        self.run(f'CREATE DATABASE "{name}" {how}')
        return name

    def drop(self, database: str) -> None:
        self.run(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def stop(self) -> None:
        (self.folder / "stop").touch()


def start(run_pid: int, *, durable: bool = False) -> Cluster:
    """A new cluster that ends with process `run_pid`. Skips the test where the server's programs are missing."""
    initdb = need(
        "initdb",
        REMEDY,
        places=("usr/lib/postgresql/*/bin/initdb", "opt/homebrew/opt/postgresql*/bin/initdb"),
    )
    bin_dir = initdb.resolve().parent
    place = tempfile.gettempdir()
    if durable or len(place) > 60:  # on a disk; or a socket's path, of at most 107 bytes, would be too long
        place = "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="rg-", dir=place))
    folder.chmod(0o755)
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.support.pg_keeper", str(folder), str(run_pid), str(bin_dir)]
        + (["--durable"] if durable else []),
        cwd=ROOT,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (folder / "ready").exists():
            keeper.returncode = 0  # it outlives us on purpose: no warning about a child still running
            return Cluster(folder)
        if (folder / "failed").exists():
            pytest.fail(f"PostgreSQL did not start: {(folder / 'failed').read_text(errors='replace')}")
        if keeper.poll() is not None:
            break
        time.sleep(0.05)
    pytest.fail("PostgreSQL's keeper ended or hung before the cluster took connections")


def shared(run_dir: Path, run_pid: int) -> Cluster:
    """The run's one cluster: the first worker that asks starts it."""
    note = run_dir / "cluster.json"
    with FileLock(str(note) + ".lock", timeout=120):
        if note.exists():
            return Cluster(Path(json.loads(note.read_text())["folder"]))
        cluster = start(run_pid)
        note.write_text(json.dumps({"folder": str(cluster.folder), "pid": os.getpid()}))
        return cluster


def stop_shared(run_dir: Path) -> None:
    """At the end of the run, by the process that leads it."""
    note = run_dir / "cluster.json"
    if note.exists():
        cluster = Cluster(Path(json.loads(note.read_text())["folder"]))
        if cluster.folder.exists():
            cluster.stop()
