"""When, where and with what a coupon can be used, beside its type's own terms. Pure: facts in, an answer with its reason out.

Stored as JSON in `OfferTerms.conditions`; what is not said there has its default. A coupon keeps the version it was given
under, its conditions too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal

from webapp.kernel.errors import Refused
from webapp.plugin_api import Basket, BasketLine

MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Conditions:
    """weekdays: 0 is Monday; hours: (first, end) in minutes of the local day, the end not counted, over midnight where it is
    the smaller one; stores: ids; products, categories: the till's words that it is good for, `_out` those that it is not;
    empty: no such condition. least_minor: what the goods that it is good for must cost together. joins: may be used
    together with others that join. undone: what undoing a redemption does: the coupon is usable again, or it returns to
    the offer's stock and its member's allowance."""

    weekdays: tuple[int, ...] = ()
    hours: tuple[int, int] | None = None
    stores: tuple[int, ...] = ()
    products: tuple[str, ...] = ()
    products_out: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    categories_out: tuple[str, ...] = ()
    least_minor: int = 0
    joins: bool = False
    undone: Literal["usable", "returned"] = "usable"

    @property
    def picks(self) -> bool:
        """It is good for some goods only."""
        return bool(self.products or self.products_out or self.categories or self.categories_out)


_DEFAULT = Conditions()


def load(data: Mapping[str, Any]) -> Conditions:
    """Of stored JSON; words that this version does not know are left aside."""
    known = {one.name for one in fields(Conditions)}
    said: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key in known
    }
    return Conditions(**said)


def dump(conditions: Conditions) -> dict[str, Any]:
    """As JSON, only what is not the default."""
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in asdict(conditions).items()
        if value != getattr(_DEFAULT, key)
    }


def good_for(conditions: Conditions, line: BasketLine) -> bool:
    """Whether a line of a basket counts. What is left out weighs more than what is named; a named product or a named
    category is enough."""
    if line.product in conditions.products_out or line.category in conditions.categories_out:
        return False
    named = bool(conditions.products or conditions.categories)
    return not named or line.product in conditions.products or line.category in conditions.categories


def refuse(conditions: Conditions, local: datetime, store_id: int | None) -> Refused | None:
    """Why it cannot be used here and now; `local`: the moment in the brand's zone. Codes: weekday, hours, store."""
    if conditions.hours is not None and not _within(conditions.hours, local.hour * 60 + local.minute):
        return Refused("hours", {"from": conditions.hours[0], "until": conditions.hours[1]})
    if conditions.weekdays and _trading_day(conditions, local) not in conditions.weekdays:
        return Refused("weekday", {"weekdays": list(conditions.weekdays)})
    if conditions.stores and store_id not in conditions.stores:
        return Refused("store", {"stores": list(conditions.stores)})
    return None


def too_little(conditions: Conditions, part: Basket) -> Refused | None:
    """Why the eligible part of a basket is not enough. Code: least."""
    missing = conditions.least_minor - part.total_minor
    return Refused("least", {"needs_minor": missing}) if missing > 0 else None


def _within(hours: tuple[int, int], minute: int) -> bool:
    first, end = hours
    return first <= minute < end if first < end else minute >= first or minute < end


def _trading_day(conditions: Conditions, local: datetime) -> int:
    """After midnight the hours of the evening before are still going on."""
    late = conditions.hours is not None and conditions.hours[0] > conditions.hours[1]
    if late and conditions.hours is not None and local.hour * 60 + local.minute < conditions.hours[1]:
        return (local.weekday() - 1) % 7
    return local.weekday()


def words(values: Iterable[str]) -> tuple[str, ...]:
    """As a list of the till's words: trimmed, each once, in the order given."""
    return tuple(dict.fromkeys(word.strip() for word in values if word.strip()))
