"""Taking orders back, as if an import had never brought or changed them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select

from webapp.kernel import bulk
from webapp.kernel.scope import Scope
from webapp.members.bulk import move_joining_days
from webapp.members.queries import touch_many
from webapp.orders import queries
from webapp.orders.models import Order, OrderLine
from webapp.orders.service import LINE_COLUMNS

_DAYS = {"ordered_at": datetime, "ordered_on": date}


def remove(scope: Scope, order_ids: Sequence[int]) -> int:
    """Orders go, with their lines; the stages of whose they were follow. Returns how many there were."""
    these = (Order.brand_id == scope.brand.id, bulk.among(Order.id, order_ids))
    rows = scope.session.execute(
        select(Order.member_id, Order.person_id, Order.ordered_on).where(*these)
    ).all()
    lines = delete(OrderLine).where(
        OrderLine.brand_id == scope.brand.id, bulk.among(OrderLine.order_id, order_ids)
    )
    scope.session.execute(lines.execution_options(synchronize_session=False))
    scope.session.execute(delete(Order).where(*these).execution_options(synchronize_session=False))
    _changed(scope, [(row.member_id, row.person_id, row.ordered_on) for row in rows])
    return len(rows)


def restore(scope: Scope, before: Mapping[int, Mapping[str, Any]]) -> int:
    """Orders become what they were (service.Recorded.before). One that was changed again since is left; returns how many
    were restored."""
    rows = {
        order.id: order
        for order in scope.session.scalars(
            select(Order).where(Order.brand_id == scope.brand.id, bulk.among(Order.id, list(before)))
        )
    }
    touched: list[tuple[int | None, int | None, date]] = []
    done = 0
    for order_id, was in before.items():
        order = rows.get(order_id)
        if order is None or not unchanged(order, was):
            continue
        touched.append((order.member_id, order.person_id, order.ordered_on))
        for name, value in was.items():
            if name not in ("lines", "now"):
                kind = _DAYS.get(name)
                setattr(order, name, kind.fromisoformat(value) if kind and value else value)
        touched.append((order.member_id, order.person_id, order.ordered_on))
        if was["now"][1] != was["lines_digest"]:
            lines = delete(OrderLine).where(
                OrderLine.brand_id == scope.brand.id, OrderLine.order_id == order_id
            )
            scope.session.execute(lines.execution_options(synchronize_session=False))
            rows_of = [(scope.brand.id, order_id, *cells) for cells in was.get("lines", ())]
            bulk.insert(scope, OrderLine, LINE_COLUMNS, rows_of)
        done += 1
    scope.session.flush()
    _changed(scope, touched)
    return done


def unchanged(order: Order, was: Mapping[str, Any]) -> bool:
    """Does an order still say what the import made of it?"""
    return [order.digest, order.lines_digest, order.member_id] == list(was["now"])


def wait_again(scope: Scope, phones: Mapping[int, str]) -> int:
    """order -> the phone for which it waits again, since the member who held it goes."""
    rows = scope.session.scalars(
        select(Order).where(Order.brand_id == scope.brand.id, bulk.among(Order.id, list(phones)))
    ).all()
    for order in rows:
        order.member_id = order.person_id = None
        order.phone = phones[order.id]
    scope.session.flush()
    return len(rows)


def _changed(scope: Scope, facts: Sequence[tuple[int | None, int | None, date]]) -> None:
    """Assumed joining days, then who is to be looked at again."""
    days: dict[int, date] = {}
    for _, person_id, day in facts:
        if person_id is not None:
            days[person_id] = min(day, days.get(person_id, day))
    members = {member_id for member_id, _, _ in facts if member_id is not None}
    if members:
        move_joining_days(scope, queries.assumed_joining_days(scope, members))
    touch_many(scope, days)
