"""Spend and save: the contract of its kind, what it means in money, and its words."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.coupon_spend_and_save.coupon import SpendAndSave
from webapp.plugin_api import Basket, NotApplicable, Quote
from webapp.plugin_testing import words
from webapp.plugin_testing.coupon_type import CouponTypeContract

TYPE = SpendAndSave()


def steps(*rows: tuple[int, int]) -> dict[str, Any]:
    return {"mode": "steps", "steps": [{"spend": spend, "save": save} for spend, save in rows], "most": None}


def gifts(*rows: tuple[int, int | str]) -> dict[str, Any]:
    """Rows as the form hands them over: what is blank is left out."""
    made = [{"spend": spend, "gift" if isinstance(given, str) else "save": given} for spend, given in rows]
    return {"mode": "steps", "steps": made, "most": None}


def every(spend: int, save: int, most: int | None = None) -> dict[str, Any]:
    return {"mode": "every", "steps": [{"spend": spend, "save": save}], "most": most}


class TestContract(CouponTypeContract):
    coupon_type = TYPE
    good_terms = (
        steps((10_000, 2_000)),
        steps((20_000, 5_000), (10_000, 2_000), (30_000, 9_000)),
        steps((1, 1)),
        every(10_000, 1_000),
        every(10_000, 1_000, most=2_500),
        gifts((10_000, "盖碗一只")),
        gifts((30_000, "A tea set"), (10_000, 2_000), (20_000, " A cup "), (40_000, 2_001)),
    )


@pytest.mark.parametrize(
    ("terms", "total", "expected"),
    [
        (steps((10_000, 2_000)), 9_999, NotApplicable("below_minimum", 1)),
        (steps((10_000, 2_000)), 0, NotApplicable("below_minimum", 10_000)),
        (steps((10_000, 2_000)), 10_000, Quote(2_000)),
        (steps((10_000, 2_000), (20_000, 5_000)), 19_999, Quote(2_000)),
        (steps((20_000, 5_000), (10_000, 2_000)), 25_000, Quote(5_000)),
        (every(10_000, 1_000), 39_999, Quote(3_000)),
        (every(10_000, 1_000), 40_000, Quote(4_000)),
        (every(10_000, 1_000, most=2_500), 90_000, Quote(2_500)),
        (every(100, 100), 250, Quote(200)),
        (gifts((10_000, 2_000), (20_000, " A cup ")), 9_999, NotApplicable("below_minimum", 1)),
        (gifts((10_000, 2_000), (20_000, " A cup ")), 19_999, Quote(2_000)),
        (gifts((10_000, 2_000), (20_000, " A cup ")), 20_000, Quote(0, gift="A cup")),
        (gifts((10_000, "A cup"), (20_000, 2_000)), 20_000, Quote(2_000)),
        (
            {"mode": "steps", "steps": [{"spend": 100, "save": None, "gift": "A cup"}]},
            100,
            Quote(0, gift="A cup"),
        ),
        ({"mode": "steps", "steps": [{"spend": 100, "save": 10, "gift": None}]}, 100, Quote(10)),
    ],
)
def test_examples(terms: dict[str, Any], total: int, expected: Quote | NotApplicable) -> None:
    assert TYPE.check(terms) == []
    assert TYPE.quote(terms, Basket(total)) == expected


@given(
    st.dictionaries(st.integers(1, 10**7), st.integers(1, 10**7), min_size=1, max_size=6),
    st.integers(0, 2 * 10**7),
)
def test_the_highest_reached_step_counts_whatever_the_rows_order(rows: dict[int, int], total: int) -> None:
    saved, terms = 0, []
    for spend, save in sorted(rows.items()):  # rows that the type allows: rising, never above what is spent
        saved = max(saved + 1, min(save, spend))
        if saved <= spend:
            terms.append((spend, saved))
    if not terms:
        return
    wanted = max((save for spend, save in terms if spend <= total), default=None)
    answers = {TYPE.quote(steps(*order), Basket(total)) for order in (terms, terms[::-1])}
    assert TYPE.check(steps(*terms)) == []
    assert answers == {Quote(wanted) if wanted else NotApplicable("below_minimum", terms[0][0] - total)}


@given(st.integers(1, 10**6), st.data())
def test_every_full_amount_is_exact(spend: int, data: st.DataObject) -> None:
    save, total = data.draw(st.integers(1, spend)), data.draw(st.integers(spend, 10**12))
    answer = TYPE.quote(every(spend, save), Basket(total))
    assert isinstance(answer, Quote)
    assert answer.saving_minor == int(Fraction(total, spend)) * save


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_larger_basket_never_saves_less(one: int, other: int) -> None:
    low, high = sorted((one, other))
    for terms in [some for some in TestContract.good_terms if "gift" not in str(some)]:
        answers = [TYPE.quote(terms, Basket(total)) for total in (low, high)]
        saved = [answer.saving_minor if isinstance(answer, Quote) else 0 for answer in answers]
        assert saved[0] <= saved[1]


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({}, "mode"),
        ({"mode": "steps"}, "steps"),
        ({"mode": "steps", "steps": []}, "steps"),
        (steps((0, 1)), "steps.0.spend"),
        (steps((100, 101)), "steps.0.save"),
        (steps((100, 10), (100, 20)), "steps.1.spend"),
        (steps((200, 10), (100, 10)), "steps.0.save"),
        (every(100, 10, most=9), "most"),
        ({**every(100, 10), "steps": steps((100, 10), (200, 30))["steps"]}, "steps"),
        ({**steps((100, 10)), "most": 50}, "most"),
        (steps(*((n * 100, n) for n in range(1, 22))), "steps"),
        (gifts((100, "x" * 121)), "steps.0.gift"),
        (gifts((100, "two\nlines")), "steps.0.gift"),
        (gifts((0, "A cup")), "steps.0.spend"),
        ({"mode": "steps", "steps": [{"spend": 100, "save": 10, "gift": "A cup"}]}, "steps.0.gift"),
        ({"mode": "steps", "steps": [{"spend": 100}]}, "steps.0.save"),
        ({"mode": "steps", "steps": [{"spend": 100, "gift": ["A cup"]}]}, "steps.0.gift"),
        (gifts((300, 10), (200, "A cup"), (100, 20)), "steps.0.save"),
        (gifts((100, "A cup"), (100, 20)), "steps.1.spend"),
        (gifts((100, "A cup")) | {"mode": "every"}, "steps.0.gift"),
    ],
)
def test_terms_that_cannot_stand_name_their_field(terms: dict[str, Any], field: str) -> None:
    assert field in [problem.field for problem in TYPE.check(terms)]


def test_it_speaks_to_the_member() -> None:
    def money(minor: int) -> str:
        return f"{minor / 100:.2f}"

    assert TYPE.describe(steps((20_000, 5_000), (10_000, 2_000)), money, words.english) == [
        "Spend 100.00, save 20.00",
        "Spend 200.00, save 50.00",
    ]
    assert TYPE.describe(every(10_000, 1_000, 2_500), money, words.english) == [
        "Save 10.00 on every full 100.00",
        "At most 25.00 off one basket",
    ]
    assert TYPE.describe(gifts((20_000, " A cup "), (10_000, 2_000)), money, words.english) == [
        "Spend 100.00, save 20.00",
        "Spend 200.00, get a gift: A cup",
    ]
