"""A touchpoint with a welcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests import factories as make
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.touchpoints import service
from webapp.touchpoints.models import Touchpoint


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
