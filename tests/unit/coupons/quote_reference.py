"""What a quote must answer, worked out slowly and separately: every combination that the rules allow, compared as they say.

Shares nothing with webapp.coupons.quoting but the values that go in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

from webapp.coupons.quoting import Wish
from webapp.plugin_api import Basket, BasketLine, Quote


@dataclass
class Used:
    """A coupon of a combination: what it saves, and what each line is saved."""

    key: str
    saving: int
    lines: list[int]
    gift: bool


def best(basket: Basket, wishes: Sequence[Wish]) -> list[Used]:
    """The winner of all combinations, in the order of reckoning."""
    ranked = sorted(wishes, key=lambda w: (w.place, w.offer_id, w.id))
    usable = [w for w in ranked if w.why is None and combination(basket, [w]) is not None]
    allowed: list[list[Wish]] = [[]] + [[w] for w in usable]
    joining = [w for w in usable if w.conditions.joins]
    for many in (2, 3):
        allowed += [list(some) for some in combinations(joining, many)]
    answers = [(some, used) for some in allowed if (used := combination(basket, some)) is not None]
    most = max(sum(one.saving for one in used) for _, used in answers)
    answers = [pair for pair in answers if sum(one.saving for one in pair[1]) == most]
    gifts = max(sum(one.gift for one in used) for _, used in answers)
    answers = [pair for pair in answers if sum(one.gift for one in pair[1]) == gifts]
    fewest = min(len(some) for some, _ in answers)
    answers = [pair for pair in answers if len(pair[0]) == fewest]
    return min(answers, key=lambda pair: [ranked.index(w) for w in pair[0]])[1]


def combination(basket: Basket, some: Sequence[Wish]) -> list[Used] | None:
    """One after the other on what is left; None where one of them cannot be used."""
    total, left = basket.total_minor, [line.amount_minor for line in basket.lines]
    used = []
    for wish in some:
        mine = [i for i, line in enumerate(basket.lines) if counts(wish, line)]
        if basket.lines and not mine:
            return None
        eligible = sum(left[i] for i in mine) if basket.lines else total
        assert wish.type is not None
        lines = tuple(
            BasketLine(left[i], basket.lines[i].quantity, basket.lines[i].product, basket.lines[i].category)
            for i in mine
        )
        part = Basket(eligible, lines if wish.type.needs in ("lines", "either") else ())
        answer = asked(wish, part)
        if answer is None:
            return None
        saved = [0] * len(left)
        if basket.lines:
            shares = list(answer.lines) or shared(answer.saving_minor, [left[i] for i in mine])
            for i, share in zip(mine, shares, strict=True):
                saved[i] = share
                left[i] -= share
        total -= answer.saving_minor
        used.append(Used(wish.key, answer.saving_minor, saved, bool(answer.gift)))
    return used


def counts(wish: Wish, line: BasketLine) -> bool:
    """Left out weighs more than named; where something is named, one of the two is enough."""
    rules = wish.conditions
    if line.product in rules.products_out or line.category in rules.categories_out:
        return False
    if not rules.products and not rules.categories:
        return True
    return line.product in rules.products or line.category in rules.categories


def asked(wish: Wish, part: Basket) -> Quote | None:
    """The type's answer, if it keeps the contract."""
    assert wish.type is not None
    if wish.type.needs != "nothing" and part.total_minor == 0:
        return None
    if wish.type.needs == "lines" and not part.lines:
        return None
    if part.total_minor < wish.conditions.least_minor:
        return None
    try:
        answer: Any = wish.type.quote(wish.terms, part)
    except Exception:
        return None
    if not isinstance(answer, Quote) or isinstance(answer.saving_minor, bool):
        return None
    if answer.saving_minor < 0 or answer.saving_minor > part.total_minor:
        return None
    if answer.saving_minor == 0 and not answer.gift:
        return None
    if answer.lines:
        if len(answer.lines) != len(part.lines) or sum(answer.lines) != answer.saving_minor:
            return None
        if any(s < 0 or s > line.amount_minor for s, line in zip(answer.lines, part.lines, strict=True)):
            return None
    return answer


def shared(whole: int, amounts: list[int]) -> list[int]:
    """In proportion by largest remainder, ties by position."""
    if sum(amounts) == 0:
        return [0] * len(amounts)
    exact = [Fraction(whole * amount, sum(amounts)) for amount in amounts]
    parts = [int(one) for one in exact]
    for _ in range(whole - sum(parts)):
        at = max(range(len(parts)), key=lambda i: (exact[i] - parts[i], -i))
        parts[at] += 1
    return parts
