"""The whole demo on the published data, as the wheel runs it: in an empty venv, away from the checkout."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.drill

MEMBERS, ORDERS = 2_469, 155_848
STAGES = {"introduction", "growth", "maturity", "dormancy", "churn"}


def test_the_wheel_carries_everything_and_nothing_of_the_tests(wheel: Path) -> None:
    names = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", wheel], capture_output=True, text=True, check=True
    ).stdout
    for part in ("templates/base.html", "migrations/env.py", "plugins/channel_email/plugin.toml"):
        assert f"webapp/_bundled/{part}" in names
    assert not re.search(r"(^|/)tests?/|\.parquet|__pycache__", names)


def test_everything_is_imported(demo: dict[str, Any]) -> None:
    assert (demo["members"], demo["orders"]) == (MEMBERS, ORDERS)
    assert demo["paid_minor"] > 0
    assert sum(demo["stages"].values()) == MEMBERS
    assert {stage for stage, number in demo["stages"].items() if number} == STAGES


def test_each_of_the_audience_is_sent_to_once_or_left_out(demo: dict[str, Any]) -> None:
    lines = [json.loads(line) for line in Path(demo["caught_log"]).read_text().splitlines()]
    addresses = Counter(line["to"] for line in lines)
    sent = demo["deliveries"]["sent"]
    assert sent == len(lines) == demo["caught"] == demo["stages"]["dormancy"] - sum(demo["left_out"].values())
    assert sent >= 100
    assert set(addresses.values()) == {1}
    assert demo["deliveries"].keys() == {"sent", "left_out"}


def test_coupons_are_claimed_and_redeemed(demo: dict[str, Any]) -> None:
    assert sum(demo["coupons"].values()) == demo["deliveries"]["sent"]
    assert min(demo["coupons"][state] for state in ("issued", "claimed", "redeemed", "reversed")) > 0


def test_nothing_went_wrong_on_the_way(demo: dict[str, Any]) -> None:
    assert not re.search(r" ERROR |Traceback", demo["progress"]), demo["progress"]
