"""The five stages, written a second time from the words of their definition, day by day and as slowly as need be.

Nothing here is shared with the product: no bisection, no integers cross-multiplied, no turning days.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

DEFAULTS = {
    "introduction_days": 30,
    "churn_days": 180,
    "window_days": 90,
    "basket_drop_percent": 60,
    "maturity_orders": 5,
}


@dataclass
class Person:
    """What is known of one member: the joining day, and every order as (local day, paid in minor units)."""

    joined: date
    orders: list[tuple[date, int]] = field(default_factory=list)


def window(as_of: date, first: int, last: int) -> set[date]:
    """The calendar days as_of - first .. as_of - last."""
    return {as_of - timedelta(days=back) for back in range(last, first + 1)}


def stage(person: Person, as_of: date, settings: dict[str, int]) -> tuple[str, str]:
    """(stage, reason code) as of a local date."""
    if person.joined >= as_of:
        return "introduction", "joined_today"
    orders = [(day, paid) for day, paid in person.orders if day < as_of]

    def within(days: set[date]) -> list[int]:
        return [paid for day, paid in orders if day in days]

    churn = window(as_of, settings["churn_days"], 1)
    recent = window(as_of, settings["window_days"], 1)
    before = window(as_of, 2 * settings["window_days"], settings["window_days"] + 1)
    if not orders and person.joined in churn:
        return "introduction", "no_order_yet"
    if len(orders) == 1 and within(window(as_of, settings["introduction_days"], 1)):
        return "introduction", "first_order"
    if not within(churn):
        return "churn", "no_order" if orders else "never_bought"
    if not within(recent):
        return "dormancy", "no_order"
    if within(before) and sum(within(before)) > 0:
        average = Fraction(sum(within(recent)), len(within(recent)))
        average_before = Fraction(sum(within(before)), len(within(before)))
        if average <= Fraction(100 - settings["basket_drop_percent"], 100) * average_before:
            return "dormancy", "basket_drop"
    if len(within(recent)) >= settings["maturity_orders"]:
        return "maturity", "orders"
    return "growth", "orders"
