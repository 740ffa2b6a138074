"""Gifts: the contract of their kind, what staff read and members do not, and their words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.coupon_gift.coupon import Gift
from webapp.plugin_api import Basket, Quote
from webapp.plugin_testing import words
from webapp.plugin_testing.coupon_type import CouponTypeContract

TYPE = Gift()


def gift(words: str, note: str | None = None, worth: int | None = None) -> dict[str, Any]:
    return {"gift": words, "note": note, "worth": worth}


class TestContract(CouponTypeContract):
    coupon_type = TYPE
    good_terms = (gift("盖碗一只"), gift("A cup", note="The white boxes", worth=1_200), gift("x" * 120))


@given(st.integers(0, 10**12))
def test_the_gift_and_no_money_whatever_the_basket(total: int) -> None:
    assert TYPE.quote(gift(" A cup "), Basket(total)) == Quote(0, gift="A cup")


@pytest.mark.parametrize(
    ("terms", "fields"),
    [
        ({}, ["gift"]),
        (gift("  "), ["gift"]),
        (gift("x" * 121), ["gift"]),
        (gift("two\nlines"), ["gift"]),
        (gift("A cup", note="x" * 201), ["note"]),
        (gift("A cup", note=""), []),
        (gift("A cup", worth=0), ["worth"]),
        ({"gift": 3, "note": 3, "worth": "3"}, ["gift", "note", "worth"]),
    ],
)
def test_terms_that_cannot_stand_name_their_field(terms: dict[str, Any], fields: list[str]) -> None:
    assert [problem.field for problem in TYPE.check(terms)] == fields


def test_members_read_the_gift_and_staff_the_note_and_its_worth() -> None:
    terms, chinese = gift("盖碗", note="白盒子", worth=1_200), words.translated(TYPE)
    assert TYPE.describe(terms, words.yuan, chinese) == ["礼品：盖碗", "无需消费"]
    assert TYPE.for_staff(terms, words.yuan, chinese) == ["备注：白盒子", "价值 ¥12.00"]
    assert TYPE.for_staff(gift("盖碗"), words.yuan, chinese) == []
