"""What codes brought: scans, joins and first orders, by code, place, store and guide; and the rows behind each figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, select

from webapp.kernel.reach import within
from webapp.kernel.scope import Scope
from webapp.members.models import Member
from webapp.orders.models import Order
from webapp.touchpoints.models import TouchpointJoin, TouchpointScan

BY = ("code", "place", "store", "guide")
WHAT = ("scans", "joins", "orders")
PAGE = 50


@dataclass(frozen=True, slots=True)
class Sums:
    """scans: pages opened, once per browser and day; None where they cannot be told apart. joins: members who joined.
    orders: those of them who have bought since."""

    scans: int | None
    joins: int
    orders: int


@dataclass(frozen=True, slots=True)
class Row:
    """One row behind a figure. member_id None: a scan, which is nobody's."""

    at: datetime
    touchpoint_id: int
    place: str
    member_id: int | None = None
    name: str = ""
    serves_id: int | None = None
    first_order_on: date | None = None


def _keys(by: str) -> tuple[Any, Any]:
    """The columns of scans and of joins that a grouping means; scans have no guide."""
    return {
        "code": (TouchpointScan.touchpoint_id, TouchpointJoin.touchpoint_id),
        "place": (TouchpointScan.place, TouchpointJoin.place),
        "store": (TouchpointScan.store_id, TouchpointJoin.store_id),
        "guide": (None, TouchpointJoin.serves_id),
    }[by]


def sums(scope: Scope, by: str, since: date | None, code: int | None = None) -> dict[Any, Sums]:
    """Group's key (None: none) -> its sums, since a local day. code: of one touchpoint only."""
    of_scans, of_joins = _keys(by)
    scans: dict[Any, int] = {}
    if of_scans is not None:
        scans = _counted(scope, of_scans, _scans(scope, since, code))
    where = _joins(scope, since, code)
    joined = _counted(scope, of_joins, where)
    ordered = _counted(scope, of_joins, [*where, exists().where(_bought())])
    return {
        key: Sums(None if of_scans is None else scans.get(key, 0), joined.get(key, 0), ordered.get(key, 0))
        for key in {*scans, *joined}
    }


def _counted(scope: Scope, key: Any, where: list[ColumnElement[bool]]) -> dict[Any, int]:
    rows = scope.session.execute(select(key, func.count()).where(*where).group_by(key))
    return {row[0]: row[1] for row in rows}


def total(found: dict[Any, Sums]) -> Sums:
    """All groups together."""
    scans = [one.scans for one in found.values() if one.scans is not None]
    return Sums(
        sum(scans), sum(one.joins for one in found.values()), sum(one.orders for one in found.values())
    )


def _scans(scope: Scope, since: date | None, code: int | None) -> list[ColumnElement[bool]]:
    where = [TouchpointScan.brand_id == scope.brand.id, within(scope, TouchpointScan.store_id)]
    if since is not None:
        where.append(TouchpointScan.day >= since)
    if code is not None:
        where.append(TouchpointScan.touchpoint_id == code)
    return where


def _joins(scope: Scope, since: date | None, code: int | None) -> list[ColumnElement[bool]]:
    where = [TouchpointJoin.brand_id == scope.brand.id, within(scope, TouchpointJoin.store_id)]
    if since is not None:
        where.append(TouchpointJoin.joined_on >= since)
    if code is not None:
        where.append(TouchpointJoin.touchpoint_id == code)
    return where


def _bought() -> ColumnElement[bool]:
    """An order of whoever joined, on the day of joining or later."""
    return and_(
        Order.brand_id == TouchpointJoin.brand_id,
        Order.person_id
        == select(Member.person_id)
        .where(Member.brand_id == TouchpointJoin.brand_id, Member.id == TouchpointJoin.member_id)
        .correlate(TouchpointJoin)
        .scalar_subquery(),
        Order.ordered_on >= TouchpointJoin.joined_on,
    )


def rows(
    scope: Scope, what: str, by: str, key: Any, since: date | None, *, page: int = 0, everything: bool = False
) -> Sequence[Row]:
    """The rows behind a figure, newest first, PAGE and one more from `page` on. everything: of all groups."""
    of_scans, of_joins = _keys(by)
    if what == "scans":
        where = _scans(scope, since, None)
        if not everything and of_scans is not None:
            where.append(of_scans.is_(None) if key is None else of_scans == key)
        found = scope.session.scalars(
            select(TouchpointScan)
            .where(*where)
            .order_by(TouchpointScan.at.desc(), TouchpointScan.browser)
            .offset(page * PAGE)
            .limit(PAGE + 1)
        )
        return [Row(one.at, one.touchpoint_id, one.place) for one in found]
    where = _joins(scope, since, None)
    if not everything:
        where.append(of_joins.is_(None) if key is None else of_joins == key)
    if what == "orders":
        where.append(exists().where(_bought()))
    first = select(func.min(Order.ordered_on)).where(_bought()).correlate(TouchpointJoin).scalar_subquery()
    joined = scope.session.execute(
        select(TouchpointJoin, Member.name, Member.number, first)
        .join(
            Member,
            and_(Member.brand_id == TouchpointJoin.brand_id, Member.id == TouchpointJoin.member_id),
        )
        .where(*where)
        .order_by(TouchpointJoin.id.desc())
        .offset(page * PAGE)
        .limit(PAGE + 1)
    )
    return [
        Row(one.at, one.touchpoint_id, one.place, one.member_id, name or number, one.serves_id, on)
        for one, name, number, on in joined
    ]
