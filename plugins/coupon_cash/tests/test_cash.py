"""Cash vouchers: the contract of their kind, what they mean in money, and their words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.coupon_cash.coupon import Cash
from webapp.plugin_api import Basket, NotApplicable, Quote
from webapp.plugin_testing import words
from webapp.plugin_testing.coupon_type import LARGEST, CouponTypeContract

TYPE = Cash()
AMOUNTS = st.integers(1, LARGEST)


def cash(amount: int, least: int | None = None) -> dict[str, Any]:
    return {"amount": amount, "least": least}


def saved(terms: dict[str, Any], total: int) -> int:
    answer = TYPE.quote(terms, Basket(total))
    return answer.saving_minor if isinstance(answer, Quote) else 0


class TestContract(CouponTypeContract):
    coupon_type = TYPE
    good_terms = (cash(2_000), cash(1), cash(2_000, 5_000), cash(2_000, 2_000), cash(2_000, 500))


@pytest.mark.parametrize(
    ("terms", "total", "expected"),
    [
        (cash(2_000), 5_000, Quote(2_000)),
        (cash(2_000), 2_000, Quote(2_000)),
        (cash(2_000), 1_250, Quote(1_250)),
        (cash(2_000), 1, Quote(1)),
        (cash(2_000), 0, NotApplicable("below_minimum", 1)),
        (cash(2_000, 5_000), 4_999, NotApplicable("below_minimum", 1)),
        (cash(2_000, 5_000), 5_000, Quote(2_000)),
        (cash(2_000, 500), 499, NotApplicable("below_minimum", 1)),
        (cash(2_000, 500), 700, Quote(700)),
        ({"amount": 2_000}, 5_000, Quote(2_000)),
    ],
)
def test_examples(terms: dict[str, Any], total: int, expected: Quote | NotApplicable) -> None:
    assert TYPE.check(terms) == []
    assert TYPE.quote(terms, Basket(total)) == expected


@given(AMOUNTS, st.none() | AMOUNTS, st.integers(0, LARGEST))
def test_the_amount_or_the_basket_from_the_least_spend_on(amount: int, least: int | None, total: int) -> None:
    terms = cash(amount, least)
    assert TYPE.check(terms) == []
    saving = saved(terms, total)
    assert type(saving) is int and 0 <= saving <= total
    assert saving == (min(amount, total) if total >= (least or 0) else 0)
    assert TYPE.quote(terms, Basket(total)) == TYPE.quote(dict(terms), Basket(total))


@given(AMOUNTS, st.none() | AMOUNTS, st.integers(0, LARGEST), st.integers(0, LARGEST))
def test_a_larger_basket_never_saves_less(amount: int, least: int | None, one: int, other: int) -> None:
    low, high = sorted((one, other))
    terms = cash(amount, least)
    assert saved(terms, low) <= saved(terms, high)


@pytest.mark.parametrize(
    ("terms", "fields"),
    [
        ({}, ["amount"]),
        (cash(0), ["amount"]),
        (cash(-1, -1), ["amount", "least"]),
        ({"amount": True}, ["amount"]),
        ({"amount": 20.0}, ["amount"]),
        ({"amount": "20"}, ["amount"]),
        (cash(100, 0), ["least"]),
    ],
)
def test_terms_that_cannot_stand_name_their_field(terms: dict[str, Any], fields: list[str]) -> None:
    assert [problem.field for problem in TYPE.check(terms)] == fields


@pytest.mark.parametrize(
    ("terms", "english", "chinese"),
    [
        (
            cash(2_000),
            ["¥20.00 off any basket", "A basket that costs less is free; no change is given"],
            ["立减 ¥20.00，无门槛", "消费不足券面金额时全额抵扣，不找零"],
        ),
        (cash(2_000, 5_000), ["¥20.00 off when you spend ¥50.00 or more"], ["满 ¥50.00 减 ¥20.00"]),
        (
            cash(2_000, 500),
            [
                "¥20.00 off when you spend ¥5.00 or more",
                "A basket that costs less is free; no change is given",
            ],
            ["满 ¥5.00 减 ¥20.00", "消费不足券面金额时全额抵扣，不找零"],
        ),
    ],
)
def test_it_speaks_to_the_member(terms: dict[str, Any], english: list[str], chinese: list[str]) -> None:
    assert TYPE.describe(terms, words.yuan, words.english) == english
    assert TYPE.describe(terms, words.yuan, words.translated(TYPE)) == chinese
