"""Percentages off: the contract of their kind, what they mean in money to the last unit, and their words."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.coupon_percent.coupon import WHOLE, PercentageOff
from webapp.plugin_api import Basket, NotApplicable, Quote
from webapp.plugin_testing import words
from webapp.plugin_testing.coupon_type import LARGEST, CouponTypeContract

TYPE = PercentageOff()
SHARES = st.integers(1, WHOLE)
LIMITS = st.none() | st.integers(1, LARGEST)


def percent(basis_points: int, most: int | None = None, least: int | None = None) -> dict[str, Any]:
    return {"basis_points": basis_points, "most": most, "least": least}


def saved(terms: dict[str, Any], total: int) -> int:
    answer = TYPE.quote(terms, Basket(total))
    return answer.saving_minor if isinstance(answer, Quote) else 0


class TestContract(CouponTypeContract):
    coupon_type = TYPE
    good_terms = (
        percent(1_500),
        percent(1_250, most=5_000),
        percent(1_500, least=10_000),
        percent(3_333, most=1, least=3),
        percent(1),
        percent(WHOLE),
        percent(WHOLE, most=5_000, least=1),
    )


@pytest.mark.parametrize(
    ("terms", "total", "expected"),
    [
        (percent(1_500), 10_000, Quote(1_500)),
        (percent(1_500), 999, Quote(149)),  # 149.85: down
        (percent(1_250), 9_999, Quote(1_249)),  # 1249.875
        (percent(3_333), 100, Quote(33)),
        (percent(1_500), 7, Quote(1)),  # 1.05
        (percent(1_500), 6, NotApplicable("below_minimum", 1)),  # 0.9: nothing
        (percent(1_500), 0, NotApplicable("below_minimum", 7)),
        (percent(1), 9_999, NotApplicable("below_minimum", 1)),
        (percent(1), 10_000, Quote(1)),
        (percent(WHOLE), 1, Quote(1)),
        (percent(WHOLE), 12_345, Quote(12_345)),
        (percent(1_500, most=5_000), 33_333, Quote(4_999)),
        (percent(1_500, most=5_000), 33_334, Quote(5_000)),
        (percent(1_500, most=5_000), LARGEST, Quote(5_000)),
        (percent(1_500, least=10_000), 9_999, NotApplicable("below_minimum", 1)),
        (percent(1_500, least=10_000), 10_000, Quote(1_500)),
        (percent(1, least=3), 3, NotApplicable("below_minimum", 9_997)),
        ({"basis_points": 1_500}, 10_000, Quote(1_500)),
    ],
)
def test_examples(terms: dict[str, Any], total: int, expected: Quote | NotApplicable) -> None:
    assert TYPE.check(terms) == []
    assert TYPE.quote(terms, Basket(total)) == expected


@given(SHARES, LIMITS, LIMITS, st.integers(0, LARGEST))
def test_the_exact_share_rounded_down(share: int, most: int | None, least: int | None, total: int) -> None:
    terms = percent(share, most, least)
    assert TYPE.check(terms) == []
    saving = saved(terms, total)
    assert type(saving) is int and 0 <= saving <= total
    exact = Fraction(total) * Fraction(share, WHOLE)
    wanted = min(int(exact), LARGEST if most is None else most) if total >= (least or 0) else 0
    assert saving == wanted
    assert TYPE.quote(terms, Basket(total)) == TYPE.quote(dict(terms), Basket(total))


@given(SHARES, LIMITS, LIMITS, st.integers(0, LARGEST), st.integers(0, LARGEST))
def test_a_larger_basket_never_saves_less_and_a_larger_share_neither(
    share: int, most: int | None, least: int | None, one: int, other: int
) -> None:
    low, high = sorted((one, other))
    terms = percent(share, most, least)
    assert saved(terms, low) <= saved(terms, high)
    assert saved(terms, high) <= saved(percent(min(share + 1, WHOLE), most, least), high)


@pytest.mark.parametrize(
    ("terms", "fields"),
    [
        ({}, ["basis_points"]),
        (percent(0), ["basis_points"]),
        (percent(WHOLE + 1), ["basis_points"]),
        ({"basis_points": True}, ["basis_points"]),
        ({"basis_points": 15.0}, ["basis_points"]),
        ({"basis_points": "15"}, ["basis_points"]),
        (percent(1_500, most=0), ["most"]),
        (percent(1_500, least=-1), ["least"]),
        (percent(-1, -1, -1), ["basis_points", "most", "least"]),
    ],
)
def test_terms_that_cannot_stand_name_their_field(terms: dict[str, Any], fields: list[str]) -> None:
    assert [problem.field for problem in TYPE.check(terms)] == fields


@pytest.mark.parametrize(
    ("terms", "english", "chinese"),
    [
        (percent(1_500), ["15% off"], ["8.5折"]),
        (percent(2_000), ["20% off"], ["8折"]),
        (percent(1_250), ["12.5% off"], ["8.75折"]),
        (percent(500), ["5% off"], ["9.5折"]),
        (percent(1_205), ["12.05% off"], ["8.795折"]),
        (percent(9_000), ["90% off"], ["1折"]),
        (
            percent(1_500, most=5_000, least=10_000),
            ["15% off when you spend ¥100.00 or more", "At most ¥50.00 off one basket"],
            ["满 ¥100.00 打8.5折", "单笔最多减 ¥50.00"],
        ),
        (percent(WHOLE), ["The whole basket free"], ["整单免费"]),
        (
            percent(WHOLE, most=5_000, least=1_000),
            ["The whole basket free when you spend ¥10.00 or more", "At most ¥50.00 off one basket"],
            ["满 ¥10.00 整单免费", "单笔最多减 ¥50.00"],
        ),
    ],
)
def test_it_speaks_to_the_member(terms: dict[str, Any], english: list[str], chinese: list[str]) -> None:
    assert TYPE.describe(terms, words.yuan, words.english) == english
    assert TYPE.describe(terms, words.yuan, words.translated(TYPE)) == chinese
