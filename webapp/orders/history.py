"""What a member bought, for people to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, select, tuple_

from webapp.brands.models import Store
from webapp.kernel.clock import days
from webapp.kernel.reach import within
from webapp.kernel.scope import Scope
from webapp.orders.models import Order, OrderLine


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of a person's orders, counted now. Money in minor units; recent: the last 365 days up to today."""

    orders: int
    paid_minor: int
    recent_orders: int
    recent_paid_minor: int
    first_on: date | None
    last_on: date | None


def _of(scope: Scope, person_id: int) -> tuple[ColumnElement[bool], ...]:
    return Order.brand_id == scope.brand.id, Order.person_id == person_id, within(scope, Order.store_id)


def summary(scope: Scope, person_id: int) -> Summary:
    """Counted over all orders that count for the person, in the stores that the actor reaches."""
    mine = _of(scope, person_id)
    since = scope.today - days(365)
    total = scope.session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Order.paid_minor), 0),
            func.min(Order.ordered_on),
            func.max(Order.ordered_on),
        ).where(*mine)
    ).one()
    recent = scope.session.execute(
        select(func.count(), func.coalesce(func.sum(Order.paid_minor), 0)).where(
            *mine, Order.ordered_on >= since
        )
    ).one()
    return Summary(total[0], int(total[1]), recent[0], int(recent[1]), total[2], total[3])


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Orders with their stores' names, newest first. next: (day, id) to continue after."""

    orders: Sequence[tuple[Order, str | None]]
    next: tuple[date, int] | None


def of_person(
    scope: Scope, person_id: int, *, after: tuple[date, int] | None = None, limit: int = 20
) -> OrderPage:
    """A person's orders in the stores that the actor reaches, in pages by day and id."""
    query = (
        select(Order, Store.name)
        .outerjoin(Store, (Store.brand_id == Order.brand_id) & (Store.id == Order.store_id))
        .where(*_of(scope, person_id))
        .order_by(Order.ordered_on.desc(), Order.id.desc())
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(tuple_(Order.ordered_on, Order.id) < after)
    rows = [(order, store) for order, store in scope.session.execute(query)]
    more = rows[limit - 1][0] if len(rows) > limit else None
    return OrderPage(rows[:limit], (more.ordered_on, more.id) if more else None)


def lines_of(scope: Scope, order_ids: Sequence[int]) -> dict[int, list[OrderLine]]:
    """order id -> its lines, in the till's order."""
    found: dict[int, list[OrderLine]] = {id_: [] for id_ in order_ids}
    for line in scope.session.scalars(
        select(OrderLine)
        .where(OrderLine.brand_id == scope.brand.id, OrderLine.order_id.in_(order_ids))
        .order_by(OrderLine.order_id, OrderLine.position)
    ):
        found[line.order_id].append(line)
    return found
