"""Programs a test needs. Where one is missing the test is skipped with its remedy; under REGULARS_STRICT it fails."""

import os
import shutil
from pathlib import Path

import pytest

STRICT = os.environ.get("REGULARS_STRICT", "") not in ("", "0")
MARK = "needs "


def need(program: str, remedy: str, *, places: tuple[str, ...] = ()) -> Path:
    """The path of `program`, from PATH or the last match of the glob patterns `places`; else the test is skipped.

    remedy: what the person runs to have it, e.g. "apt-get install chromium".
    """
    found = shutil.which(program)
    if found:
        return Path(found)
    for place in places:
        matches = sorted(Path("/").glob(place.lstrip("/")), key=lambda p: (len(str(p)), str(p)))
        if matches:
            return matches[-1]
    pytest.skip(f"{MARK}{program}: {remedy}")
