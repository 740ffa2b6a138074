"""Brand `acme` with plugins, a channel whose answers a test writes, and helpers that send a campaign to its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.campaigns.shop import Shop
from tests.unit.outbox.post import Scripted
from webapp.kernel import halt, links
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.outbox import drain
from webapp.plugin_runtime import context, runtime


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Plugins, the instance's key, an address."""
    context.use_secrets_of(tmp_path)
    runtime.load_all()
    links.use("https://shop.example")
    monkeypatch.setattr(drain, "_quiet", drain._Quiet())
    halt.forget()
    yield
    halt.forget()
    links.use(None)
    runtime.load_all()


@pytest.fixture
def shop(db: Database, brand: BrandRef) -> Shop:
    """Key `scripted`, owned by a plugin that is on."""
    scripted = Scripted()
    runtime.registry().channels[scripted.key] = ("channel_email", scripted)
    return Shop(db, brand, scripted)
