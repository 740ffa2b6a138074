"""The bench of quotes gives its figures on both databases: that it measures, not how fast."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.drill


def test_the_bench_of_quotes_gives_its_figures(empty_url: str) -> None:
    command = [sys.executable, "-m", "webapp.cli.main", "bench", "quote", "--json", "--rounds", "20"]
    url = [] if empty_url.startswith("sqlite") else ["--database-url", empty_url]
    said = subprocess.run([*command, *url], capture_output=True, text=True, check=True, timeout=200).stdout
    told = json.loads(said.splitlines()[-1])
    assert (told["coupons"], told["lines"], told["rounds"]) == (10, 50, 20)
    for part in ("reckoned", "quoted"):
        assert 0 < told[part]["p50_ms"] <= told[part]["p95_ms"] <= told[part]["worst_ms"]
