"""Money is exact: text in, minor units, text out, and parts that sum to the whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.kernel import money

AMOUNTS = st.integers(-(10**12), 10**12)


@given(AMOUNTS, st.sampled_from(["CNY", "JPY", "USD", "BHD"]))
def test_plain_text_comes_back_as_the_same_amount(minor: int, currency: str) -> None:
    assert money.parse(money.plain(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("text", "code"),
    [("1e3", "not_a_number"), ("", "not_a_number"), ("1,000", "not_a_number"), ("--1", "not_a_number"), ("NaN", "not_a_number"),
     ("0.001", "too_fine"), ("9" * 20, "too_large"), ("１２", "not_a_number")],
)  # fmt: skip
def test_what_is_no_exact_amount_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(money.BadMoney) as refused:
        money.parse(text, "CNY")
    assert refused.value.code == code


@given(AMOUNTS, st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_a_split_sums_to_the_whole_and_each_part_is_within_one_of_its_share(
    total: int, weights: list[int]
) -> None:
    parts = money.split(total, weights)
    assert sum(parts) == total and len(parts) == len(weights)
    whole = sum(weights)
    if whole:
        assert all(abs(part * whole - total * w) < whole for part, w in zip(parts, weights, strict=True))


@given(AMOUNTS, st.integers(1, 10**6))
def test_half_up_is_within_half_and_symmetric(numerator: int, denominator: int) -> None:
    rounded = money.half_up(numerator, denominator)
    assert abs(2 * (rounded * denominator - numerator)) <= denominator
    assert money.half_up(-numerator, denominator) == -rounded
