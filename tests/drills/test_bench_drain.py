"""Sending a campaign costs little more than a loop that keeps no promise, on both databases."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import databases

pytestmark = pytest.mark.drill

TRIES = 3  # a busy machine proves nothing


def test_the_drain_keeps_up_with_a_plain_loop(db_kind: str, run: databases.Run, tmp_path: Path) -> None:
    told = {}
    for _ in range(TRIES):
        with databases.empty(db_kind, run, tmp_path) as url:
            where = ["--database-url", url] if db_kind == "postgresql" else []
            command = [
                sys.executable,
                "-m",
                "webapp.cli.main",
                "bench",
                "drain",
                "--json",
                "--messages",
                "1200",
            ]
            said = subprocess.run(
                [*command, *where], capture_output=True, text=True, check=True, timeout=200
            ).stdout
        told = json.loads(said.splitlines()[-1])
        print(told)
        assert told["database"] == db_kind
        assert told["messages"] == 1200
        if told["ok"]:
            return
    pytest.fail(f"{TRIES} times not as fast as it should be, the last time {told}")
