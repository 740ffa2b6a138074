"""Brand `acme` with plugins, a channel whose answers a test writes, and helpers that send a campaign to its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.campaigns.shop import Shop
from tests.unit.outbox.post import in_house, scripted
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Plugins, the instance's key, an address."""
    with in_house(tmp_path, monkeypatch):
        yield


@pytest.fixture
def shop(db: Database, brand: BrandRef) -> Shop:
    """Key `scripted`, owned by a plugin that is on."""
    return Shop(db, brand, scripted())
