"""An open offer with a public page, and a clerk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from tests import factories as make
from tests.support.web import Client
from webapp.coupons import public_page
from webapp.coupons.models import Offer, OfferTerms
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope


@pytest.fixture
def page(app: Flask, db: Database, brand: BrandRef) -> Callable[..., Offer]:
    """An open offer with a public page; keywords that OfferDetails has not are columns of the offer."""

    def build(state: str = "open", said: dict[str, Any] | None = None, **values: Any) -> Offer:
        own = {"name", "stock", "per_person", "valid_days", "valid_until"}

        def unit(scope: Scope) -> Offer:
            details = {key: value for key, value in values.items() if key in own}
            made = make.make_offer(scope, state=state, **({"name": "Spring"} | details))
            if rest := {key: value for key, value in values.items() if key not in own}:
                scope.session.execute(update(Offer).where(Offer.id == made.id).values(**rest))
            if said:
                scope.session.execute(
                    update(OfferTerms).where(OfferTerms.offer_id == made.id).values(conditions=said)
                )
            return public_page.publish(scope, made.id)

        return db.write(unit, brand=brand)

    return build


@pytest.fixture
def clerk(app: Flask) -> Client:
    browser: Client = app.test_client()  # type: ignore[assignment]
    return browser.sign_in("clerk")
