"""The wheel, an empty venv with it, and the sample shop that its demo makes: once a run, for every drill that wants them."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.sample import sample_package

ROOT = Path(__file__).parents[2]
LIMIT = 180.0  # seconds, on 2 cores
LONG = (
    "test_import_year.py",
    "test_kill_outbox.py",
    "test_import_kill.py",
    "test_stampede.py",
    "test_http_mix.py",
    "test_http_stampede.py",
    "test_demo.py",
    "test_processes.py",
    "test_plugin_work.py",
    "test_walk.py",
    "test_file_kills.py",
    "test_power_cut.py",
    "test_backup_under_load.py",
    "test_replay.py",
    "test_lifecycle.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`make wheel`'s file."""
    dist = tmp_path_factory.mktemp("dist")
    _pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(dist), str(ROOT))
    [file] = dist.glob("regulars-*.whl")
    return file


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def demo(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `regulars demo --no-serve --json` says, run from the wheel in a folder of its own; and `instance`, that folder."""
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
    return said | {"took": took, "progress": told.stderr, "instance": folder / "shop"}


@pytest.fixture
def sample_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Path]:
    """`sample_shop()`: a copy of the demo's instance folder with its SQLite database; nobody runs it.

    SAMPLE_SHOP names such a folder that is there already, for who works on these drills.
    """

    def copy() -> Path:
        named = os.environ.get("SAMPLE_SHOP")
        source = Path(named) if named else request.getfixturevalue("demo")["instance"]
        return Path(
            shutil.copytree(source, tmp_path / "sample", ignore=shutil.ignore_patterns("run", "staged"))
        )

    return copy
