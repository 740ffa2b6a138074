"""Buy some, get some: the contract of the kind, every mode beside a reference that lays out single pieces, and its words."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.coupon_buy_one_get_one.coupon import BuyOneGetOne
from webapp.plugin_api import Basket, BasketLine, NotApplicable, Quote
from webapp.plugin_testing import words
from webapp.plugin_testing.coupon_type import CouponTypeContract

TYPE = BuyOneGetOne()
BLANK = dict.fromkeys(("paid", "free", "percent", "bought", "given", "most_sets"))


def sets(paid: int, free: int, most: int | None = None, mode: str = "free") -> dict[str, Any]:
    return BLANK | {"mode": mode, "paid": paid, "free": free, "most_sets": most}


def second(percent: int, most: int | None = None) -> dict[str, Any]:
    return BLANK | {"mode": "second", "percent": percent, "most_sets": most}


def pair(bought: str, given: str, most: int | None = None) -> dict[str, Any]:
    return BLANK | {"mode": "pair", "bought": bought, "given": given, "most_sets": most}


def basket(*lines: tuple[int, int] | tuple[int, int, str]) -> Basket:
    """(amount, pieces, category) of each line."""
    made = tuple(BasketLine(amount, pieces, category="".join(more)) for amount, pieces, *more in lines)
    return Basket(sum(line.amount_minor for line in made), made)


class TestContract(CouponTypeContract):
    coupon_type = TYPE
    good_terms = (
        sets(1, 1),
        sets(2, 1, most=1),
        sets(3, 2, mode="price"),
        sets(100, 100),
        second(5_000),
        second(1),
        second(10_000, most=2),
        pair("tea", "面包"),
        pair(" tea ", "cups", most=3),
    )


@pytest.mark.parametrize(
    ("terms", "bought", "expected"),
    [
        (sets(1, 1), basket((3_000, 1), (2_000, 1)), Quote(2_000, (0, 2_000))),
        (sets(1, 1), basket((2_000, 1), (2_000, 1)), Quote(2_000, (0, 2_000))),  # alike: the later one
        (sets(1, 1), basket((3_000, 1)), NotApplicable("too_few", needs_pieces=1)),
        (sets(2, 1), basket((3_000, 1)), NotApplicable("too_few", needs_pieces=2)),
        (sets(2, 1), basket((3_000, 1), (0, 5)), NotApplicable("too_few", needs_pieces=2)),  # given already
        (sets(2, 1), basket((4_000, 2), (500, 1)), Quote(500, (0, 500))),
        (sets(1, 1), basket((100, 1), (90, 1), (20, 1), (10, 1)), Quote(100, (0, 90, 0, 10))),
        (sets(1, 1, most=1), basket((100, 1), (90, 1), (20, 1), (10, 1)), Quote(90, (0, 90, 0, 0))),
        (sets(2, 2), basket((100, 1), (90, 1), (20, 1), (10, 1)), Quote(30, (0, 0, 20, 10))),
        (sets(2, 1), basket((50, 1), (40, 1), (30, 1), (20, 1)), Quote(30, (0, 0, 30, 0))),  # one is left over
        (sets(2, 1, mode="price"), basket((9_000, 3)), Quote(3_000, (3_000,))),
        (sets(2, 1, mode="price"), basket((100, 3)), Quote(33, (33,))),  # 34, 33, 33: the last one is free
        (sets(1, 1), basket((10**12, 2)), Quote(5 * 10**11, (5 * 10**11,))),
        (second(5_000), basket((3_000, 1), (2_000, 1)), Quote(1_000, (0, 1_000))),
        (second(5_000), basket((333, 1), (333, 1), (333, 1)), Quote(166, (0, 166, 0))),  # 166.5: down
        (second(5_000), basket((7, 1), (5, 1), (3, 1), (1, 1)), Quote(3, (0, 3, 0, 0))),  # 2.5 and 0.5
        (second(10_000), basket((500, 2)), Quote(250, (250,))),
        (second(1), basket((500, 2)), NotApplicable("too_cheap")),
        (second(5_000), basket((500, 1)), NotApplicable("too_few", needs_pieces=1)),
        (pair("tea", "cups"), basket((900, 1, "tea"), (500, 1, "cups")), Quote(500, (0, 500))),
        (pair("tea", "cups"), basket((900, 1, "tea"), (700, 1, "cups"), (500, 1, "cups")), Quote(500, (0, 0, 500))),
        (pair("tea", "cups"), basket((900, 2, "tea"), (1_500, 3, "cups")), Quote(1_000, (0, 1_000))),
        (pair("tea", "cups", most=1), basket((900, 2, "tea"), (1_500, 3, "cups")), Quote(500, (0, 500))),
        (pair("tea", "cups"), basket((900, 5, "tea"), (500, 1, "cups")), Quote(500, (0, 500))),
        (pair("tea", "cups"), basket((900, 1, "Tea"), (500, 1, "cups")), NotApplicable("none_bought")),
        (pair("tea", "cups"), basket((900, 1, "tea"), (500, 1, "jugs")), NotApplicable("none_given")),
        (pair("tea", "cups"), basket((900, 1, "tea"), (0, 1, "cups")), NotApplicable("none_given")),
        (sets(1, 1), Basket(5_000), NotApplicable("needs_lines")),
    ],
)  # fmt: skip
def test_examples(terms: dict[str, Any], bought: Basket, expected: Quote | NotApplicable) -> None:
    assert TYPE.check(terms) == []
    assert TYPE.quote(terms, bought) == expected


CATEGORIES = ("tea", "cups", "")
LINES = st.lists(
    st.tuples(st.integers(0, 60) | st.integers(0, 10**6), st.integers(1, 9), st.sampled_from(CATEGORIES)),
    min_size=1,
    max_size=6,
)
LIMITS = st.none() | st.integers(1, 4)


def laid_out(bought: Basket, category: str | None = None) -> list[tuple[int, int]]:
    """(price, line) of every single piece that costs something, dearest first."""
    found = []
    for at, line in enumerate(bought.lines):
        if category in (None, line.category):
            prices = [line.amount_minor // line.quantity] * line.quantity
            for extra in range(line.amount_minor % line.quantity):
                prices[extra] += 1
            found += [(price, at) for price in prices if price]
    return sorted(found, key=lambda piece: (-piece[0], piece[1]))


def in_sets(bought: Basket, paid: int, free: int, most: int | None) -> list[tuple[int, int]]:
    """What is given, piece by piece."""
    left, given, done = laid_out(bought), [], 0
    while len(left) >= paid + free and (most is None or done < most):
        one, left = left[: paid + free], left[paid + free :]
        given += one[paid:]
        done += 1
    return given


def by_line(bought: Basket, given: list[tuple[int, int]]) -> tuple[int, ...]:
    return tuple(sum(price for price, line in given if line == at) for at in range(len(bought.lines)))


@given(LINES, st.integers(1, 4), st.integers(1, 3), LIMITS, st.sampled_from(["free", "price"]))
def test_what_is_free_in_sets(lines: list[Any], paid: int, free: int, most: int | None, mode: str) -> None:
    bought = basket(*lines)
    given = in_sets(bought, paid, free, most)
    answer = TYPE.quote(sets(paid, free, most, mode), bought)
    missing = paid + free - len(laid_out(bought))
    if missing > 0:
        assert answer == NotApplicable("too_few", needs_pieces=missing)
    else:
        assert answer == Quote(sum(price for price, _ in given), by_line(bought, given))


@given(LINES, st.integers(1, 10_000), LIMITS)
def test_what_the_second_pieces_are_saved(lines: list[Any], percent: int, most: int | None) -> None:
    bought = basket(*lines)
    whole = by_line(bought, in_sets(bought, 1, 1, most))
    exact = Fraction(sum(whole)) * percent / 10_000
    answer = TYPE.quote(second(percent, most), bought)
    if isinstance(answer, NotApplicable):
        missing = 2 - len(laid_out(bought))
        assert answer == (
            NotApplicable("too_few", needs_pieces=missing) if missing > 0 else NotApplicable("too_cheap")
        )
        assert exact < 1
        return
    assert answer.saving_minor == int(exact)
    for part, of_line in zip(answer.lines, whole, strict=True):
        fair = Fraction(answer.saving_minor * of_line, sum(whole))
        assert int(fair) <= part <= min(of_line, int(fair) + 1)


@given(LINES, LIMITS)
def test_what_is_free_of_another_category(lines: list[Any], most: int | None) -> None:
    bought = basket(*lines)
    teas, cups = laid_out(bought, "tea"), laid_out(bought, "cups")
    answer = TYPE.quote(pair("tea", "cups", most), bought)
    if not teas or not cups:
        assert answer == NotApplicable("none_given" if teas else "none_bought")
        return
    number = min(len(teas), len(cups), most or len(teas))
    given = cups[len(cups) - number :]
    assert answer == Quote(sum(price for price, _ in given), by_line(bought, given))


@given(LINES, st.integers(1, 4), st.integers(1, 3))
def test_as_many_pieces_as_are_said_to_be_missing_would_do(lines: list[Any], paid: int, free: int) -> None:
    bought = basket(*lines)
    answer = TYPE.quote(sets(paid, free), bought)
    if isinstance(answer, NotApplicable):
        assert answer.needs_pieces
        for more, enough in ((answer.needs_pieces, True), (answer.needs_pieces - 1, False)):
            fuller = basket(*lines, *([(700 * more, more, "")] if more else []))
            assert isinstance(TYPE.quote(sets(paid, free), fuller), Quote) is enough


def test_a_line_of_very_many_pieces_costs_no_more_than_a_line_of_one() -> None:
    answer = TYPE.quote(sets(2, 1), basket((10**15, 10**12), (5, 3)))
    assert isinstance(answer, Quote)
    assert answer.saving_minor == sum(answer.lines) == (10**12 // 3) * 1_000 + 2


@pytest.mark.parametrize(
    ("terms", "fields"),
    [
        ({}, ["mode"]),
        ({"mode": ["free"]}, ["mode"]),
        ({"mode": "free"}, ["paid", "free"]),
        (sets(0, 101), ["paid", "free"]),
        (sets(1, 1, most=0), ["most_sets"]),
        (sets(True, 1), ["paid"]),
        (sets(1, 1) | {"percent": 5_000, "bought": "tea"}, ["percent", "bought"]),
        (second(10_001), ["percent"]),
        (second(5_000) | {"paid": 1}, ["paid"]),
        (pair("", "cups"), ["bought"]),
        (pair("tea", "x" * 81), ["given"]),
        (pair("tea", " tea "), ["given"]),
        (pair("tea", "cups") | {"free": 1}, ["free"]),
        (sets(1, 1) | {"bought": "", "given": ""}, []),
    ],
)
def test_terms_that_cannot_stand_name_their_field(terms: dict[str, Any], fields: list[str]) -> None:
    assert [problem.field for problem in TYPE.check(terms)] == fields


@pytest.mark.parametrize(
    ("terms", "english", "chinese"),
    [
        (
            sets(2, 1),
            ["Buy 2, get 1 free", "What costs least in each set is free"],
            ["买 2 送 1", "每组中价低者免单"],
        ),
        (
            sets(2, 1, most=1, mode="price"),
            ["3 for the price of 2", "What costs least in each set is free", "Counts once in one basket"],
            ["2 件的价拿 3 件", "每组中价低者免单", "单笔享受一次"],
        ),
        (
            second(3_000, most=2),
            [
                "30% off the second piece",
                "The cheaper one of each two counts as the second",
                "At most 2 times in one basket",
            ],
            ["第二件7折", "每两件中价低的一件算第二件", "单笔最多享受 2 次"],
        ),
        (
            second(5_000),
            ["The second piece half price", "The cheaper one of each two counts as the second"],
            ["第二件半价", "每两件中价低的一件算第二件"],
        ),
        (
            pair("茶", "杯"),
            [
                "Buy from 茶, get a piece of 杯 free",
                "One for each that is bought; the cheapest ones are free",
            ],
            ["买茶，送一件杯", "买几件送几件，送价最低的"],
        ),
    ],
)
def test_it_speaks_to_the_member(terms: dict[str, Any], english: list[str], chinese: list[str]) -> None:
    assert TYPE.describe(terms, str, words.english) == english
    assert TYPE.describe(terms, str, words.translated(TYPE)) == chinese
