"""A basket in, the allowed combination of coupons out. Pure: no I/O, no clock, no session; the same answer every time.

The rules:

1. A coupon stands alone on a basket unless its offer joins. At most three that join are used together.
2. Those that join are reckoned in the order of their offers' `place`, then the offers' ids, then the coupons'. Each sees
   what is left of the basket after the ones before: the amounts of the lines less what they were saved.
3. A coupon that cannot be used on the whole basket by itself is out, and that is its reason. So is a combination in which
   one of the coupons can no longer be used on what is left.
4. Every coupon that stands alone and every set of at most three that join compete. What saves most wins; then what hands
   over more gifts; then fewer coupons; then the earlier ones in the order of rule 2. The order of the wishes never counts.
5. What a coupon saves on each line is the type's own answer, or its saving split over the lines that it is good for in
   proportion to what is left of them, by largest remainder, ties by position. Parts sum to the whole; no line goes below
   zero, so a voucher above the basket saves the basket, and no rest is kept. A type that needs the total (or nothing) is
   asked with the total of those lines, one that works on lines with the lines.
6. A type that raises, or whose answer breaks its contract, gives nothing away (plugin_failed).

Reasons of those that are not applied, beside what was known before (`Wish.why`) and the type's own (not_applicable):
basket (nothing to pay), goods (none of the lines is what it is good for), least, parked, plugin_failed, stands_alone
(itself: whether it is the one that does), too_many, better_without; the last three with `beside`, the offers applied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from webapp.coupons.conditions import Conditions, good_for, too_little
from webapp.kernel import money
from webapp.kernel.errors import Refused
from webapp.plugin_api import Basket, BasketLine, CouponType, NotApplicable, Quote
from webapp.plugin_runtime import calls

MOST_JOINED = 3
GIFT = 200  # characters
NEEDS_LINES = "needs_lines"  # what a type answers that is worked out from the single goods


@dataclass(frozen=True, slots=True)
class Wish:
    """A coupon that somebody wants to use. key: what the caller calls it, each once. id: the coupon's. offer (its name),
    offer_code, place, offer_id: its offer's. type, plugin, terms: what works it out (type None only beside `why`). why: it is known already that
    it cannot be used here and now (expired, used, another store, the weekday)."""

    key: str
    offer: str
    type: CouponType | None
    plugin: str = ""
    terms: Mapping[str, Any] = field(default_factory=dict)
    conditions: Conditions = field(default_factory=Conditions)
    place: int = 0
    offer_id: int = 0
    id: int = 0
    why: Refused | None = None
    offer_code: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """A coupon that is used. lines: what each line of the basket is saved by it, in the basket's order; empty without lines.
    before_minor: what was to pay before it."""

    wish: Wish
    before_minor: int
    saving_minor: int
    lines: tuple[int, ...] = ()
    gift: str = ""


@dataclass(frozen=True, slots=True)
class NotUsed:
    """A coupon that is not used, and why."""

    wish: Wish
    why: Refused


@dataclass(frozen=True, slots=True)
class Bill:
    """applied: in the order in which they were reckoned; unused: in the same order of offers and coupons."""

    basket: Basket
    applied: tuple[Applied, ...]
    unused: tuple[NotUsed, ...]

    @property
    def saving_minor(self) -> int:
        """What all save together."""
        return sum(one.saving_minor for one in self.applied)

    @property
    def to_pay_minor(self) -> int:
        """What is left to pay."""
        return self.basket.total_minor - self.saving_minor

    @property
    def lines(self) -> tuple[int, ...]:
        """What each line of the basket is saved by all of them; empty without lines."""
        return tuple(
            sum(one.lines[at] for one in self.applied) if self.applied else 0
            for at in range(len(self.basket.lines))
        )

    def of(self, key: str) -> Applied | Refused:
        """What became of a wish."""
        for one in self.applied:
            if one.wish.key == key:
                return one
        return next(one.why for one in self.unused if one.wish.key == key)


@dataclass(frozen=True, slots=True)
class _Fit:
    """A wish that can be used on the whole basket. at: the lines that it is good for; None: all of them. looks: what it
    answers hangs on more than what is left in all."""

    wish: Wish
    at: tuple[int, ...] | None
    looks: bool
    quote: Quote


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left to pay, in all and of each line. amounts None: nobody who comes after asks for the lines."""

    total: int
    amounts: tuple[int, ...] | None


_Steps = tuple[tuple[_Fit, Quote], ...]
_BY_LINES = ("lines", "either")


def reckon(basket: Basket, wishes: Sequence[Wish]) -> Bill:
    """The allowed combination that saves most. Raises ValueError for a basket whose lines do not sum to its total."""
    if basket.total_minor < 0 or any(line.amount_minor < 0 for line in basket.lines):
        raise ValueError("a basket is not negative")
    if basket.lines and sum(line.amount_minor for line in basket.lines) != basket.total_minor:
        raise ValueError("the lines do not sum to the total")
    if len({wish.key for wish in wishes}) != len(wishes):
        raise ValueError("a wish is named twice")
    unused: list[NotUsed] = []
    fits: list[_Fit] = []
    whole = _Left(basket.total_minor, tuple(line.amount_minor for line in basket.lines))
    for wish in sorted(wishes, key=_place):
        fit = _fit(wish, basket, whole)
        if isinstance(fit, Refused):
            unused.append(NotUsed(wish, fit))
        else:
            fits.append(fit)
    best = _best(basket, whole, fits)
    chosen = {fit.wish.key for fit, _ in best}
    beside = [fit.wish for fit, _ in best]
    unused += [NotUsed(fit.wish, _beaten(fit.wish, beside)) for fit in fits if fit.wish.key not in chosen]
    unused.sort(key=lambda one: _place(one.wish))
    return Bill(basket, _applied(whole, best), tuple(unused))


def _place(wish: Wish) -> tuple[int, int, int, str]:
    return wish.place, wish.offer_id, wish.id, wish.key


# ------------------------------------------------------------------------------------------------------------ one coupon


def _fit(wish: Wish, basket: Basket, whole: _Left) -> _Fit | Refused:
    if wish.why is not None:
        return wish.why
    at = None
    if basket.lines and wish.conditions.picks:
        at = tuple(i for i, line in enumerate(basket.lines) if good_for(wish.conditions, line))
        if not at:
            return Refused("goods")
    by_lines = wish.type is not None and wish.type.needs in _BY_LINES
    quote = _ask(wish, _part(basket, whole, at, by_lines=by_lines))
    return quote if isinstance(quote, Refused) else _Fit(wish, at, by_lines or at is not None, quote)


def _part(basket: Basket, left: _Left, at: tuple[int, ...] | None, *, by_lines: bool) -> Basket:
    """What a coupon is good for; where only a total is known, that is taken for it."""
    if not left.amounts:
        return Basket(left.total)
    if not by_lines:
        return Basket(left.total if at is None else sum([left.amounts[i] for i in at]))
    lines = tuple(
        BasketLine(
            left.amounts[i], basket.lines[i].quantity, basket.lines[i].product, basket.lines[i].category
        )
        for i in (range(len(left.amounts)) if at is None else at)
    )
    return Basket(sum(line.amount_minor for line in lines), lines)


def _ask(wish: Wish, part: Basket) -> Quote | Refused:
    kind = wish.type
    if kind is None:
        return Refused("parked")
    if kind.needs != "nothing" and part.total_minor <= 0:
        return Refused("basket")
    if kind.needs == "lines" and not part.lines:
        return _not_applicable(kind, NotApplicable(NEEDS_LINES))
    if (little := too_little(wish.conditions, part)) is not None:
        return Refused(little.code, little.facts | {"goods": True}) if wish.conditions.picks else little
    answer = calls.decide(wish.plugin, lambda: kind.quote(wish.terms, part))
    if isinstance(answer, Refused):
        return answer
    if isinstance(answer, NotApplicable):
        return _not_applicable(kind, answer)
    breach = _breach(answer, part)
    return Refused("plugin_failed", {"plugin": wish.plugin, "error": breach}) if breach else answer


def _not_applicable(kind: CouponType, answer: NotApplicable) -> Refused:
    facts = {"type": kind.key, "reason": answer.code, "needs_minor": answer.needs_minor}
    if answer.needs_pieces is not None:
        facts["needs_pieces"] = answer.needs_pieces
    return Refused("not_applicable", facts)


def _breach(answer: object, part: Basket) -> str:
    """How an answer breaks the contract of coupon types; blank: it does not."""
    if not isinstance(answer, Quote) or type(answer.saving_minor) is not int or type(answer.gift) is not str:
        return f"answered {type(answer).__name__}"
    least = 0 if answer.gift else 1
    if not least <= answer.saving_minor <= part.total_minor:
        return f"saving {answer.saving_minor}"
    if answer.lines:
        if len(answer.lines) != len(part.lines) or sum(answer.lines) != answer.saving_minor:
            return "lines do not sum"
        if any(
            not 0 <= saved <= line.amount_minor for saved, line in zip(answer.lines, part.lines, strict=True)
        ):
            return "a line below zero"
    return ""


# ----------------------------------------------------------------------------------------------------- the combination


def _best(basket: Basket, whole: _Left, fits: Sequence[_Fit]) -> _Steps:
    """The winner of rule 4. Sets grow by the later ones only, so that what is left after the earlier ones is worked out once."""
    joiners = [fit for fit in fits if fit.wish.conditions.joins]
    looked_at = [any(fit.looks for fit in joiners[i:]) for i in range(len(joiners) + 1)]
    best: _Steps = ()
    best_worth = (0, 0, 0)

    def compete(steps: _Steps, saving: int, gifts: int) -> None:
        nonlocal best, best_worth
        worth = (-saving, -gifts, len(steps))  # the smaller one wins
        if worth < best_worth or (worth == best_worth and _places(steps) < _places(best)):
            best, best_worth = steps, worth

    def grow(steps: _Steps, saving: int, gifts: int, left: _Left, start: int) -> None:
        for i in range(start, len(joiners)):
            fit = joiners[i]
            quote = fit.quote
            if steps:
                by_lines = fit.wish.type is not None and fit.wish.type.needs in _BY_LINES
                answer = _ask(fit.wish, _part(basket, left, fit.at, by_lines=by_lines))
                if isinstance(answer, Refused):
                    continue
                quote = answer
            more, saved, given = (*steps, (fit, quote)), saving + quote.saving_minor, gifts + bool(quote.gift)
            compete(more, saved, given)
            if len(more) < MOST_JOINED and i + 1 < len(joiners):
                rest = (
                    _after(left, fit, quote)
                    if looked_at[i + 1]
                    else _Left(left.total - quote.saving_minor, None)
                )
                grow(more, saved, given, rest, i + 1)

    for fit in fits:
        if not fit.wish.conditions.joins:
            compete(((fit, fit.quote),), fit.quote.saving_minor, bool(fit.quote.gift))
    grow((), 0, 0, whole, 0)
    return best


def _places(steps: _Steps) -> list[tuple[int, int, int, str]]:
    return [_place(fit.wish) for fit, _ in steps]


def _after(left: _Left, fit: _Fit, quote: Quote) -> _Left:
    """What is left of the whole basket after a coupon."""
    amounts = list(left.amounts or ())
    if amounts:
        at = range(len(amounts)) if fit.at is None else fit.at
        parts = quote.lines or money.split(quote.saving_minor, [amounts[i] for i in at])
        for i, part in zip(at, parts, strict=True):
            amounts[i] -= part
    return _Left(left.total - quote.saving_minor, tuple(amounts))


def _applied(left: _Left, steps: _Steps) -> tuple[Applied, ...]:
    done: list[Applied] = []
    for fit, quote in steps:
        after = _after(left, fit, quote)
        saved = tuple(
            before - now for before, now in zip(left.amounts or (), after.amounts or (), strict=True)
        )
        done.append(Applied(fit.wish, left.total, quote.saving_minor, saved, quote.gift[:GIFT]))
        left = after
    return tuple(done)


def _beaten(wish: Wish, winners: Sequence[Wish]) -> Refused:
    """Why a coupon that could be used by itself is not among those that are."""
    beside = [one.offer for one in winners]
    itself = not wish.conditions.joins
    if itself or not winners[0].conditions.joins:
        return Refused("stands_alone", {"itself": itself, "beside": beside})
    if len(winners) == MOST_JOINED:
        return Refused("too_many", {"most": MOST_JOINED, "beside": beside})
    return Refused("better_without", {"beside": beside})
