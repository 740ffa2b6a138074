"""The published data of the sample shop, fetched at set-up (`make sample`), never by a test."""

import os
import sys
from pathlib import Path

import pytest

from tests.support.need import MARK
from webapp.cli.sample import is_fetched


def sample_package() -> Path:
    """The folder with the published files; where there are none, the test is skipped with its remedy."""
    folder = Path(os.environ.get("REGULARS_SAMPLE") or Path(sys.prefix) / "sample")
    if not is_fetched(folder):
        pytest.skip(f"{MARK}the sample shop's data: make sample")
    return folder
