"""What can be said about members: a registry. A higher room registers its field (the life cycle its stage), exactly as
this room registers those that orders and members give.

Orders are counted as of a day: on day D only orders before D are seen, and a window of W days is D-W .. D-1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select

from webapp.brands import queries as brands
from webapp.kernel.scope import Scope
from webapp.members.models import AttributeDefinition, Member, MemberAttribute
from webapp.orders.models import Order
from webapp.segments.rules import Condition
from webapp.tags import queries as tags

Choices = Callable[[Scope], Sequence[tuple[str, Any]]]
Compile = Callable[[Scope, Condition, date], ColumnElement[bool]]
Note = Callable[[Scope], str]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of rules. `condition` gives SQL over Member (whose brand is fenced already) for a checked condition.

    kind: choice (one of `choices`), range (bounds), window (bounds within the last `days`), attribute (of the shop's own
    columns). unit: what bounds count: days, count, money, percent. never: "it never happened" can be said too. note: what
    else is to be known at this moment, such as how old stored figures are.
    """

    key: str
    label: Any  # lazy text
    kind: Literal["choice", "range", "window", "attribute"]
    condition: Compile
    unit: Literal["days", "count", "money", "percent"] = "count"
    choices: Choices | None = None
    never: bool = False
    help: Any = ""
    note: Note | None = None


FIELDS: dict[str, Field] = {}


def register(field: Field) -> None:
    """Once per process, at import of the room that knows. Raises RuntimeError for a key that is taken."""
    if FIELDS.setdefault(field.key, field) is not field:
        raise RuntimeError(f"two fields of rules are called {field.key!r}")


# ------------------------------------------------------------------------------------------------------------- members


def _store(scope: Scope, one: Condition, day: date) -> ColumnElement[bool]:
    ids = [int(value) for value in one.values if value.isdecimal()]
    here = Member.store_id.in_([id_ for id_ in ids if id_])
    return or_(here, Member.store_id.is_(None)) if 0 in ids else here


def _stores(scope: Scope) -> list[tuple[str, Any]]:
    return [*((str(store.id), store.name) for store in brands.stores(scope)), ("0", _l("no store"))]


def _tag(scope: Scope, one: Condition, day: date) -> ColumnElement[bool]:
    return tags.has(scope, [int(value) for value in one.values if value.isdecimal()])


def _joined(scope: Scope, one: Condition, day: date) -> ColumnElement[bool]:
    bounds = []
    if one.least is not None:
        bounds.append(Member.joined_on <= day_before(day, one.least))
    if one.most is not None:
        bounds.append(Member.joined_on >= day_before(day, one.most))
    return and_(*bounds)


def _attribute(scope: Scope, one: Condition, day: date) -> ColumnElement[bool]:
    tests: list[ColumnElement[bool]] = []
    if one.values:
        tests.append(MemberAttribute.text.in_(one.values))
    if one.least is not None:
        tests.append(MemberAttribute.number >= one.least)
    if one.most is not None:
        tests.append(MemberAttribute.number <= one.most)
    attribute = select(AttributeDefinition.id).where(
        AttributeDefinition.brand_id == scope.brand.id, AttributeDefinition.key == one.key
    )
    return exists().where(
        MemberAttribute.brand_id == Member.brand_id,
        MemberAttribute.member_id == Member.id,
        MemberAttribute.attribute_id == attribute.scalar_subquery(),
        *tests,
    )


def attributes(scope: Scope) -> Sequence[AttributeDefinition]:
    """The shop's own columns about members, by label."""
    return scope.session.scalars(
        select(AttributeDefinition)
        .where(AttributeDefinition.brand_id == scope.brand.id)
        .order_by(AttributeDefinition.label)
    ).all()


# -------------------------------------------------------------------------------------------------------------- orders
# Each looks only at one person's range of ix_orders_person, so that a chunk of members costs by its own size.


def day_before(day: date, days: int) -> date:
    """`days` before a day; the earliest day there is where that is out of range."""
    try:
        return day - timedelta(days=days)
    except OverflowError:
        return date.min


def theirs(day: date, days: int | None) -> list[ColumnElement[bool]]:
    """Orders of the member that are seen on `day`, within the window."""
    where = [Order.brand_id == Member.brand_id, Order.person_id == Member.id, Order.ordered_on < day]
    if days is not None:
        where.append(Order.ordered_on >= day_before(day, days))
    return where


def _last_order(scope: Scope, one: Condition, day: date) -> ColumnElement[bool]:
    if one.never:
        return ~exists().where(*theirs(day, None))
    tests: list[ColumnElement[bool]] = []
    if one.most is not None:
        tests.append(exists().where(*theirs(day, one.most)) if one.most > 0 else false())
    else:
        tests.append(exists().where(*theirs(day, None)))
    if one.least is not None and one.least > 1:
        tests.append(~exists().where(*theirs(day, one.least - 1)))
    return and_(*tests)


def _between(value: Any, one: Condition) -> ColumnElement[bool]:
    tests = []
    if one.least is not None:
        tests.append(value >= one.least)
    if one.most is not None:
        tests.append(value <= one.most)
    return and_(*tests)


def _orders(scope: Scope, one: Condition, day: date) -> ColumnElement[bool]:
    count = select(func.count()).select_from(Order).where(*theirs(day, one.days)).correlate(Member)
    return _between(count.scalar_subquery(), one)


def _paid(scope: Scope, one: Condition, day: date) -> ColumnElement[bool]:
    paid = select(func.coalesce(func.sum(Order.paid_minor), 0)).where(*theirs(day, one.days))
    return _between(paid.correlate(Member).scalar_subquery(), one)


for _field in (
    Field(
        "last_order",
        _l("Days since the last order"),
        "range",
        _last_order,
        "days",
        never=True,
        help=_l("Yesterday's order is 1 day ago. Whoever never ordered has no last order."),
    ),
    Field("orders", _l("Number of orders"), "window", _orders, "count"),
    Field("paid", _l("Paid in all"), "window", _paid, "money"),
    Field("store", _l("Store"), "choice", _store, choices=_stores),
    Field("tag", _l("Tag"), "choice", _tag, choices=tags.choices),
    Field("attribute", _l("A column of yours"), "attribute", _attribute),
    Field("joined", _l("Days since they joined"), "range", _joined, "days", help=_l("0 is today.")),
):
    register(_field)
