"""Looking orders up by what tills call them. What a person reads of them is in history.py."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select

from webapp.kernel.bulk import among
from webapp.kernel.scope import Scope
from webapp.members.queries import batches
from webapp.orders.models import Order


def known_numbers(scope: Scope, source: str, numbers: Collection[str]) -> set[str]:
    """Those of `numbers` that are stored already."""
    known: set[str] = set()
    for batch in batches(numbers):
        known.update(
            scope.session.scalars(
                select(Order.number).where(
                    Order.brand_id == scope.brand.id, Order.source == source, among(Order.number, batch)
                )
            )
        )
    return known


def till_numbers(scope: Scope, first_id: int, last_id: int, order_ids: Collection[int] = ()) -> Sequence[Any]:
    """(id, source, number, member_id, person_id, paid_minor) of the orders that an `orders.recorded` event tells of."""
    columns = (Order.id, Order.source, Order.number, Order.member_id, Order.person_id, Order.paid_minor)
    of_brand = select(*columns).where(Order.brand_id == scope.brand.id)
    rows: list[Any] = []
    if first_id:
        rows += scope.session.execute(of_brand.where(Order.id.between(first_id, last_id))).all()
    for batch in batches(order_ids):
        rows += scope.session.execute(of_brand.where(among(Order.id, batch))).all()
    return rows
