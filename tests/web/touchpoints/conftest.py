"""A touchpoint with a welcome, and visitors' phones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from tests import factories as make
from tests.support.web import Client
from webapp.kernel import limits
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.touchpoints import service
from webapp.touchpoints.models import Touchpoint


@pytest.fixture(autouse=True)
def no_limits_used() -> Iterator[None]:
    """What other tests did at the door does not count here."""
    limits._memory.reset()
    yield
    limits._memory.reset()


@pytest.fixture
def point(app: Flask, db: Database, brand: BrandRef) -> Callable[..., Touchpoint]:
    """A touchpoint; offer=True for an open welcome offer."""

    def build(offer: bool = False, **details: Any) -> Touchpoint:
        def unit(scope: Scope) -> Touchpoint:
            if offer:
                details["offer_id"] = make.make_offer(scope, name="Welcome").id
            made = service.new(scope, service.Details(**({"name": "Window"} | details)))
            assert not isinstance(made, Refused), made
            return made

        return db.write(unit, brand=brand)

    return build


@pytest.fixture
def phone(app: Flask) -> Callable[[], Client]:
    """A fresh phone that nobody knows."""

    def build() -> Client:
        client: Client = app.test_client()  # type: ignore[assignment]
        return client

    return build
