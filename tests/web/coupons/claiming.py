"""What the tests of public pages ask of the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from webapp.coupons import public_page
from webapp.coupons.models import Offer
from webapp.kernel.db import Database

HIS, HERS, NOBODYS = "13800138000", "13900139000", "13700137000"


def url(offer: Offer) -> str:
    assert offer.token is not None
    return public_page.path(offer.token)


def all_of(db: Database, model: Any) -> list[Any]:
    with db.read() as scope:
        return list(scope.session.scalars(select(model).order_by(getattr(model, "id", None))))


def count(db: Database, model: Any) -> int:
    with db.read() as scope:
        return scope.session.scalar(select(func.count()).select_from(model)) or 0


def issued(db: Database, offer: Offer) -> int:
    with db.read() as scope:
        return scope.session.scalars(select(Offer.issued).where(Offer.id == offer.id)).one()
