"""The whole demo on the published data, as the wheel runs it: in an empty venv, away from the checkout."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.sample import sample_package

pytestmark = pytest.mark.drill

ROOT = Path(__file__).parents[2]
MEMBERS, ORDERS = 2_469, 155_848
LIMIT = 180.0  # seconds, on 2 cores
STAGES = {"introduction", "growth", "maturity", "dormancy", "churn"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`make wheel`'s file."""
    dist = tmp_path_factory.mktemp("dist")
    _pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(dist), str(ROOT))
    [file] = dist.glob("regulars-*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an empty venv with the wheel in it. pip's cache is shared, so little is fetched."""
    venv = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    _pip(str(venv / "bin/python"), "install", str(wheel), "--constraint", str(ROOT / "constraints.txt"))
    return venv / "bin"


def _pip(python: str, *words: str) -> None:
    told = subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", "--no-input", *words, "--quiet"],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr


@pytest.fixture(scope="module")
def demo(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `regulars demo --no-serve --json` says, run from the wheel in a folder of its own."""
    sample = sample_package()
    folder = tmp_path_factory.mktemp("away")
    environ = {
        "PATH": f"{installed}:{os.environ['PATH']}",
        "HOME": str(folder),
        "REGULARS_INSTANCE": str(folder / "shop"),
        "REGULARS_SAMPLE": str(sample),
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    told = subprocess.run(
        [installed / "regulars", "demo", "--no-serve", "--json"],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT * 3,
        check=False,
    )
    took = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert told.returncode == 0, told.stderr[-5000:]
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"demo: {took:.0f} s, {worked:.0f} s of processor\n{told.stdout}")
    said: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return said | {"took": took, "progress": told.stderr}


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
