"""The drain's bench gives its figures on both databases: that it measures, not how fast."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.drill


def test_the_drains_bench_gives_its_figures(empty_url: str) -> None:
    command = [sys.executable, "-m", "webapp.cli.main", "bench", "drain", "--json", "--messages", "200"]
    url = [] if empty_url.startswith("sqlite") else ["--database-url", empty_url]
    said = subprocess.run([*command, *url], capture_output=True, text=True, check=True, timeout=200).stdout
    told = json.loads(said.splitlines()[-1])
    assert told["messages"] == 200
    assert told["ratio"] > 0
    assert told["worst_unit_ms"] > 0
