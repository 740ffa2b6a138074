"""Doors that count tries, visitors' phones, and the e-mail channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from tests.support.web import Client
from webapp.kernel import limits, links
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.plugin_runtime import context

if TYPE_CHECKING:
    from tests.support.smtp import SmtpReceiver


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


@pytest.fixture
def mail(db: Database, brand: BrandRef, app: Flask, smtp: SmtpReceiver) -> Iterator[SmtpReceiver]:
    """The e-mail channel, set to a receiver; links have an address."""
    links.use("https://shop.example")
    given = {
        "host": "127.0.0.1",
        "port": smtp.port,
        "security": "none",
        "from_address": "shop@acme.example",
    }
    problems = db.write(lambda scope: context.save_settings(scope, "channel_email", given), brand=brand)
    assert not problems, problems
    yield smtp
    links.use(None)
