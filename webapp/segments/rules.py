"""A rule over members as data: an all-of list of typed conditions, JSON in rows, checked before it is stored.

    {"all": [{"field": "stage", "in": ["dormancy"]}, {"field": "orders", "days": 90, "max": 2}]}

Bounds are inclusive integers: days, counts, minor units of money, thousandths of a number attribute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_CONDITIONS = 20
MOST_VALUES = 200
MOST_TEXT = 300
MOST_DAYS = 36_500
BIGGEST = 10**15


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. `values`: one of these; `least`, `most`: bounds; `days`: the window before today (None: ever);
    `never`: it never happened; `key`: which attribute."""

    field: str
    values: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    days: int | None = None
    never: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions must hold. An empty rule means everybody."""

    all: tuple[Condition, ...] = ()

    def of(self, field: str) -> Iterable[Condition]:
        """The conditions on a field."""
        return (one for one in self.all if one.field == field)


class BadRule(ValueError):
    """The JSON is no rule. `at`: the condition's position from 0, or None for the rule itself."""

    def __init__(self, code: str, at: int | None = None) -> None:
        super().__init__(f"{code} at condition {at}" if at is not None else code)
        self.code = code
        self.at = at


def load(data: Any) -> Rule:
    """The rule that JSON says. Raises BadRule; which fields there are is checked where it is compiled."""
    if not isinstance(data, Mapping) or set(data) - {"all"} or not isinstance(data.get("all", []), list):
        raise BadRule("not_a_rule")
    rows = data.get("all", [])
    if len(rows) > MOST_CONDITIONS:
        raise BadRule("too_many")
    return Rule(tuple(_condition(row, at) for at, row in enumerate(rows)))


def dump(rule: Rule) -> dict[str, Any]:
    """The rule as JSON, without what is not said."""
    return {"all": [_dumped(one) for one in rule.all]}


def _dumped(one: Condition) -> dict[str, Any]:
    row: dict[str, Any] = {"field": one.field}
    if one.key:
        row["key"] = one.key
    if one.values:
        row["in"] = list(one.values)
    if one.never:
        row["never"] = True
    row |= {
        name: value
        for name, value in (("min", one.least), ("max", one.most), ("days", one.days))
        if value is not None
    }
    return row


def _condition(row: Any, at: int) -> Condition:
    if not isinstance(row, Mapping) or set(row) - {"field", "key", "in", "min", "max", "days", "never"}:
        raise BadRule("not_a_condition", at)
    field, key, values = row.get("field"), row.get("key", ""), row.get("in", [])
    if not isinstance(field, str) or not field or not isinstance(key, str) or len(key) > 60:
        raise BadRule("not_a_condition", at)
    if not isinstance(values, list) or len(values) > MOST_VALUES:
        raise BadRule("bad_values", at)
    if not all(isinstance(value, str) and 0 < len(value) <= MOST_TEXT for value in values):
        raise BadRule("bad_values", at)
    least, most, days = (_whole(row.get(name), at) for name in ("min", "max", "days"))
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise BadRule("bad_days", at)
    if least is not None and most is not None and least > most:
        raise BadRule("upside_down", at)
    never = row.get("never", False)
    if not isinstance(never, bool):
        raise BadRule("not_a_condition", at)
    if not values and least is None and most is None and not never:
        raise BadRule("says_nothing", at)
    return Condition(field, tuple(dict.fromkeys(values)), least, most, days, never, key)


def _whole(value: Any, at: int) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > BIGGEST:
        raise BadRule("not_a_number", at)
    return value
