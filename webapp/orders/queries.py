"""Looking orders up by what tills call them; joining days that follow from them. What a person reads: history.py."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select

from webapp.kernel.bulk import among
from webapp.kernel.clock import local_day
from webapp.kernel.scope import Scope
from webapp.members.models import Member
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


def assumed_joining_days(scope: Scope, member_ids: Collection[int]) -> dict[int, date]:
    """member -> the joining day to assume where none was given: that of the first order, or of the member's own row."""
    found: dict[int, date] = {}
    for batch in batches(member_ids):
        rows = scope.session.execute(
            select(Member.id, Member.created_at, func.min(Order.ordered_on))
            .join(
                Order,
                (Order.brand_id == Member.brand_id)
                & (Order.person_id == Member.person_id)
                & (Order.member_id == Member.id),
                isouter=True,
            )
            .where(
                Member.brand_id == scope.brand.id,
                among(Member.id, batch),
                Member.joined_given.is_(False),
            )
            .group_by(Member.id, Member.created_at)
        )
        for id_, created_at, first in rows:
            made = local_day(created_at, scope.brand.timezone)
            found[id_] = min(made, first) if first else made
    return found
