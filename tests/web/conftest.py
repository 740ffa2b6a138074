"""Doors that count tries, and visitors' phones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from tests.support.web import Client
from webapp.kernel import limits


@pytest.fixture(autouse=True)
def no_tries_yet() -> Iterator[None]:
    """What other tests did at the door does not count here."""
    limits._memory.reset()
    yield
    limits._memory.reset()


@pytest.fixture
def phone(app: Flask) -> Callable[[], Client]:
    """A fresh phone that nobody knows."""
    return app.test_client  # type: ignore[return-value]
