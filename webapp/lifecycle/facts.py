"""Members' facts in bulk: one row a member, with all orders as one list of days and one of amounts.

A person (a member whose person_id is its own id) is what has a stage; the orders of all members merged into it count.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Select,
    String,
    and_,
    any_,
    case,
    func,
    literal,
    literal_column,
    select,
    true,
)

from webapp.kernel import bulk
from webapp.kernel.scope import Scope
from webapp.members.models import Member
from webapp.orders.models import Order
from webapp.plugin_api import MemberFacts

EARLIEST = date.min


class Known(NamedTuple):
    """A member's facts. seq, dirty: as they were when the facts were read."""

    member_id: int
    number: str
    seq: int
    dirty: bool
    facts: MemberFacts


def days_before(day: date, days: int) -> date:
    """`days` days before, or the calendar's first day."""
    return date.fromordinal(max(day.toordinal() - days, 1))


def facts(
    scope: Scope, since: date, *, member_ids: Collection[int] | None = None, joined_before: date | None = None
) -> Iterator[Known]:
    """The facts of these members, or of all who joined before a day, in one statement and so of one moment.

    since: the first day of which orders are told one by one. Members come by id; memory stays the same however many.
    """
    asked = query(scope, since, member_ids=member_ids, joined_before=joined_before)
    if member_ids is None:
        asked = asked.execution_options(yield_per=1000)
    rows = scope.session.execute(asked)
    ordinals = _Ordinals()
    for member_id, number, joined_on, seq, dirty, days, paid, earlier, last_earlier in rows:
        if not days:
            days = paid = ()
        elif isinstance(days, str):  # SQLite's lists are texts
            days = [ordinals[day] for day in days.split(",")]
            paid = [int(amount) for amount in paid.split(",")]
        if isinstance(last_earlier, str):
            last_earlier = ordinals[last_earlier]
        yield Known(
            member_id,
            number,
            seq,
            dirty,
            _sorted_facts(joined_on.toordinal(), days, paid, earlier or 0, last_earlier),
        )


def among(scope: Scope, column: Any, ids: Collection[int]) -> ColumnElement[bool]:
    """`column` is one of `ids`, however many: one parameter, so that the statement is the same each time."""
    if bulk.is_sqlite(scope):
        one_of: ColumnElement[bool] = column.in_(
            select(func.json_each(json.dumps(list(ids))).table_valued("value").c.value)
        )
    else:
        one_of = column == any_(literal(list(ids), ARRAY(BigInteger)))
    return one_of


def query(
    scope: Scope, since: date, *, member_ids: Collection[int] | None = None, joined_before: date | None = None
) -> Select[Any]:
    """One row a member, by id: id, number, joining day, facts_seq, dirty?, days, amounts, how many before, the last of those."""
    asked = _sqlite(scope, since) if bulk.is_sqlite(scope) else _postgresql(scope, since)
    asked = asked.where(Member.brand_id == scope.brand.id, Member.person_id == Member.id)
    if member_ids is not None:
        asked = asked.where(among(scope, Member.id, member_ids))
    if joined_before is not None:
        asked = asked.where(Member.joined_on < joined_before)
    return asked.order_by(Member.id)


def _sorted_facts(
    joined: int, days: Sequence[int], paid: Sequence[int], earlier: int, last_earlier: Any
) -> MemberFacts:
    """Both databases give the orders as the index has them, by day; neither promises it, so it is checked."""
    if any(map(int.__gt__, days, days[1:])):
        pairs = sorted(zip(days, paid, strict=True), key=lambda pair: pair[0])
        days, paid = [day for day, _ in pairs], [amount for _, amount in pairs]
    return MemberFacts(joined, days, paid, earlier, last_earlier)


class _Ordinals(dict[str, int]):
    """ISO day -> ordinal; a shop has few days and many orders."""

    def __missing__(self, day: str) -> int:
        ordinal = self[day] = date.fromisoformat(day).toordinal()
        return ordinal


def _member_columns() -> tuple[Any, ...]:
    return Member.id, Member.number, Member.joined_on, Member.facts_seq, Member.dirty_on.is_not(None)


def _sqlite(scope: Scope, since: date) -> Select[Any]:
    """One pass over the covering index; days as text, since that is how SQLite keeps them."""
    late, early = Order.ordered_on >= since, Order.ordered_on < since
    day = literal_column("orders.ordered_on", String)
    return (
        select(
            *_member_columns(),
            func.group_concat(case((late, day))),
            func.group_concat(case((late, Order.paid_minor))),
            func.sum(case((early, 1))),
            func.max(case((early, day))),
        )
        .outerjoin(Order, and_(Order.brand_id == scope.brand.id, Order.person_id == Member.id))
        .group_by(Member.id)
    )


def _postgresql(scope: Scope, since: date) -> Select[Any]:
    """For each member one scan of the covering index; days as ordinals."""
    orders = (
        select((Order.ordered_on - literal(EARLIEST, Date) + 1).label("day"), Order.paid_minor.label("paid"))
        .where(Order.brand_id == scope.brand.id, Order.person_id == Member.id)
        .order_by(Order.ordered_on)
        .correlate(Member)
        .subquery("seen")
    )
    late, early = orders.c.day >= since.toordinal(), orders.c.day < since.toordinal()
    gathered = select(
        func.array_agg(orders.c.day).filter(late).label("days"),
        func.array_agg(orders.c.paid).filter(late).label("paid"),
        func.count().filter(early).label("earlier"),
        func.max(orders.c.day).filter(early).label("last_earlier"),
    ).lateral("gathered")
    return select(*_member_columns(), *gathered.c).join(gathered, true())
