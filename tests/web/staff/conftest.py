"""Doors that count tries: each test begins with none."""

from __future__ import annotations

import pytest

from webapp.kernel import limits


@pytest.fixture(autouse=True)
def no_tries_yet() -> None:
    limits._memory.reset()
