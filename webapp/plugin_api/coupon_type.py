"""Kind coupon_type/1: how a coupon turns a basket into a saving. Pure: no I/O, no clock, no session."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class TermField:
    """One term of an offer as staff set it. kind money: minor units; percent: basis points, typed with at most two decimals
    (12.5 is 1250); steps: a list of rows of the `columns`. minimum and maximum are in the same units.

    choices: (value, label) pairs. Labels are English msgids of the plugin's catalogue.
    """

    key: str
    kind: Literal["money", "int", "percent", "bool", "choice", "text", "steps"]
    label: str
    help: str = ""
    required: bool = True
    default: Any = None
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[tuple[str, str], ...] = ()
    columns: tuple[TermField, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why terms cannot stand: the field (`steps.1.save` for a cell of a table, rows from 0) and an English msgid of the
    plugin's catalogue with %(name)s places filled from facts; a fact whose name ends in `_minor` is shown as money."""

    field: str
    message: str
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One line of a basket. amount_minor: of all its pieces, before this coupon, not negative. quantity: whole pieces, at
    least 1. product, category: the till's own words, blank where they are not known."""

    amount_minor: int
    quantity: int = 1
    product: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class Basket:
    """What the member buys, as far as the offer is good for it. total_minor: minor units, not negative, what is left to pay
    where another coupon has been reckoned before. lines: where the till names them, and then their amounts sum to the total;
    empty where only the total is known."""

    total_minor: int
    lines: tuple[BasketLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """What it saves: 0 <= saving_minor <= total, 0 only beside a gift.

    lines: the saving of each of the basket's lines in their order (0 <= saving <= its amount, saving_minor in all); empty:
    the core splits saving_minor over the lines in proportion, by largest remainder. gift: what the member is handed, in the
    words of the terms.
    """

    saving_minor: int
    lines: tuple[int, ...] = ()
    gift: str = ""


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """It saves nothing, and why. code: stable word; needs_minor: how much more would do, where that is the reason;
    needs_pieces: how many more pieces would, likewise."""

    code: str
    needs_minor: int | None = None
    needs_pieces: int | None = None


class Money(Protocol):
    """Shows minor units in the brand's currency and the reader's language."""

    def __call__(self, minor: int) -> str:
        """The amount as text."""
        ...


class Words(Protocol):
    """gettext of the plugin's own catalogue in the reader's language; places are filled from keywords."""

    def __call__(self, message: str, **facts: Any) -> str:
        """The sentence."""
        ...


class CouponType(ABC):
    """A promotion mechanism. `key` is stored in rows: it never changes. terms_version: raise it when terms change shape,
    and read all older ones.

    needs: what it must know of a basket. "total": its total, and with its lines it saves the same. "lines": where the basket
    has none it answers NotApplicable("needs_lines") and guesses nothing. "either": the lines where there are some; a total
    alone it takes for that of the goods which the offer is about, as the clerk was told. "nothing": it hands over the same
    gift whatever the basket, and saves no money.

    reasons: NotApplicable.code -> English msgid of the plugin's catalogue, what a clerk and a member read. needs_lines and
    what carries needs_minor or needs_pieces need none: the core says it.

    own_page: members take its coupons on the plugin's own page and nowhere else. The plugin has a PublicPage of the blank
    path; the core's page of such an offer leads there, and neither staff nor campaigns can give one (`own_page`).
    """

    kind = "coupon_type/1"
    key: str
    label: str
    terms_version: int = 1
    needs: Literal["total", "lines", "either", "nothing"] = "total"
    fields: tuple[TermField, ...] = ()
    reasons: Mapping[str, str] = {}
    own_page: bool = False

    @abstractmethod
    def check(self, terms: Mapping[str, Any]) -> list[Problem]:
        """What is wrong with typed terms; an empty list: they stand. Never raises."""

    @abstractmethod
    def quote(self, terms: Mapping[str, Any], basket: Basket) -> Quote | NotApplicable:
        """What the coupon saves on this basket. The same answer every time. Never below zero, never above the basket."""

    @abstractmethod
    def describe(self, terms: Mapping[str, Any], money: Money, _: Words) -> list[str]:
        """The terms as sentences for the member, in the reader's language: "Spend 100.00, save 20.00"."""

    def for_staff(self, terms: Mapping[str, Any], money: Money, _: Words) -> list[str]:
        """What staff read beside those sentences and members never do: where a gift is kept, what it is worth. Nothing,
        unless the type says otherwise."""
        return []

    def keeps(self, terms: Mapping[str, Any]) -> int | None:
        """For how many minutes a coupon is kept for whoever took it, before it returns to the stock unused; None: to its
        last day."""
        return None
