"""Brand `acme` with a channel whose answers a test writes, and a campaign to its members."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.factories.members import make_members
from tests.factories.outbox import PlainSource, make_campaign
from tests.unit.outbox.post import Post, Scripted, in_house, scripted
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.outbox import sources


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Plugins, the instance's key, an address, and one source of deliveries."""
    monkeypatch.setattr(sources, "SOURCES", {"plain": PlainSource()})
    with in_house(tmp_path, monkeypatch):
        yield


@pytest.fixture
def channel() -> Scripted:
    """Key `scripted`, owned by a plugin that is on."""
    return scripted()


@pytest.fixture
def post(db: Database, brand: BrandRef, channel: Scripted) -> Callable[..., Post]:
    """`post(30)`: a campaign over the scripted channel to 30 new members."""

    def make(members: int = 30, **more: str) -> Post:
        def unit(scope: Scope) -> int:
            return make_campaign(scope, make_members(scope, members), **({"channel": "scripted"} | more)).id

        return Post(db, brand, db.write(unit, brand=brand), channel)

    return make
