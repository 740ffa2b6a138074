"""Orders."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from itertools import count
from zoneinfo import ZoneInfo

from sqlalchemy import select

from webapp.kernel.scope import Scope
from webapp.members.models import Member
from webapp.orders import service
from webapp.orders.models import Order

_numbers = count(1)


def make_order(
    scope: Scope,
    member: Member | None,
    on: date,
    paid: int = 100_00,
    *,
    number: str | None = None,
    source: str = "till",
    phone: str | None = None,
    store_id: int | None = None,
    hour: int = 12,
) -> Order:
    """An order on a local day; paid in minor units. `phone` (E.164) with no member: it waits."""
    number = number or f"t{next(_numbers):07}"
    at = datetime.combine(on, time(hour), ZoneInfo(scope.brand.timezone))
    told = service.OrderIn(
        number=number,
        member=member.number if member else "",
        phone=phone,
        store_id=store_id,
        ordered_at=at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
        ordered_on=on.isoformat(),
        gross=paid,
        discount=0,
        paid=paid,
        digest=service.digest63(f"{number} {at} {paid} {member and member.id} {phone}".encode()),
        lines_digest=None,
    )
    service.record(scope, source, [told])
    scope.session.flush()
    where = (Order.brand_id == scope.brand.id, Order.source == source, Order.number == number)
    return scope.session.scalars(select(Order).where(*where)).one()


def make_orders(scope: Scope, member: Member, days: Iterable[date | tuple[date, int]]) -> list[Order]:
    """An order for each day, or (day, paid in minor units)."""
    return [make_order(scope, member, *(day if isinstance(day, tuple) else (day,))) for day in days]
