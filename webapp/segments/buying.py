"""What members buy, in rules: the average basket, the share that was discounted, the most-bought category.

Averages are compared without dividing, so that they are exact: an average is at least 50.00 where the sum of what each
order has above 50.00 is not below zero.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, case, exists, func, null, select

from webapp.catalogue import habits
from webapp.catalogue import queries as catalogue
from webapp.catalogue.models import MemberHabit
from webapp.kernel.filters import moment
from webapp.kernel.scope import Scope
from webapp.members.models import Member
from webapp.orders.models import Order
from webapp.segments.fields import Field, register, theirs
from webapp.segments.rules import Condition


def _sum(value: Any, one: Condition, day: date) -> Any:
    """Over the member's orders within the window; NULL where there is none."""
    return select(func.sum(value)).where(*theirs(day, one.days)).correlate(Member).scalar_subquery()


def _basket(scope: Scope, one: Condition, day: date) -> ColumnElement[bool]:
    tests: list[ColumnElement[bool]] = []
    if one.least is not None:
        tests.append(_sum(Order.paid_minor - one.least, one, day) >= 0)
    if one.most is not None:
        tests.append(_sum(Order.paid_minor - one.most, one, day) <= 0)
    return and_(*tests)


def _discount(scope: Scope, one: Condition, day: date) -> ColumnElement[bool]:
    def beyond(percent: int) -> Any:
        """Of all orders together, by how much a hundred times the discount is above so many times the gross: one look at
        each order. NULL where the gross is nothing."""
        above = func.sum(100 * Order.discount_minor - percent * Order.gross_minor)
        shares = select(case((func.sum(Order.gross_minor) > 0, above), else_=null()))
        return shares.where(*theirs(day, one.days)).correlate(Member).scalar_subquery()

    tests: list[ColumnElement[bool]] = []
    if one.least is not None:
        tests.append(beyond(one.least) >= 0)
    if one.most is not None:
        tests.append(beyond(one.most) <= 0)
    return and_(*tests)


def _category(scope: Scope, one: Condition, day: date) -> ColumnElement[bool]:
    return exists().where(
        MemberHabit.brand_id == Member.brand_id,
        MemberHabit.member_id == Member.id,
        MemberHabit.category.in_(one.values),
    )


def _categories(scope: Scope) -> list[tuple[str, Any]]:
    return list(catalogue.categories(scope))


def _gathered(scope: Scope) -> str:
    """How old what is stored is."""
    at = habits.gathered_at(scope)
    if at is None:
        return str(
            gettext("Not gathered yet: the shop's worker does so in the night, and after orders came in.")
        )
    return str(gettext("Gathered %(when)s.", when=moment(at)))


for _field in (
    Field(
        "basket",
        _l("Average basket"),
        "window",
        _basket,
        "money",
        help=_l("What they paid on an order, on the average. Whoever has no order in that time has none."),
    ),
    Field(
        "discount",
        _l("Average share of discounts"),
        "window",
        _discount,
        "percent",
        help=_l(
            "Of 100 that their orders would have cost, so much was taken off: all their orders together. 0 is never."
        ),
    ),
    Field(
        "category",
        _l("Most-bought category"),
        "choice",
        _category,
        choices=_categories,
        help=_l(
            "The category that stands on most lines of all their orders; of two that stand on as many, the one they paid "
            "more for."
        ),
        note=_gathered,
    ),
):
    register(_field)
