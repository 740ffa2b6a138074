"""Group buys: the contract of their kind, what a team must be, what each of them saves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plugins.coupon_group_buy import showing, teams
from plugins.coupon_group_buy.coupon import GroupBuy
from webapp.plugin_api import Basket, NotApplicable, Quote
from webapp.plugin_testing.coupon_type import CouponTypeContract

TYPE = GroupBuy()
NOW = datetime(2026, 11, 11, 12, tzinfo=UTC)


def terms(**other: Any) -> dict[str, Any]:
    plain: dict[str, Any] = dict.fromkeys(("enough", "amount", "basis_points", "most", "least"))
    return plain | {"size": 3, "minutes": 60, "amount": 20_00} | other


PERCENT = terms(amount=None, basis_points=15_00, most=30_00)


class TestContract(CouponTypeContract):
    coupon_type = TYPE
    good_terms = (
        terms(),
        terms(size=50, enough=49, least=100_00, minutes=90),
        PERCENT,
        terms(amount=None, basis_points=100_00),
        terms(amount=None, basis_points=1, least=5),
    )


@pytest.mark.parametrize(
    ("said", "total", "answer"),
    [
        (terms(), 50_00, Quote(20_00)),
        (terms(), 15_00, Quote(15_00)),  # a voucher above the basket saves the basket
        (terms(), 0, NotApplicable("below_minimum", 1)),
        (terms(least=50_00), 49_99, NotApplicable("below_minimum", 1)),
        (PERCENT, 99_99, Quote(14_99)),  # rounded down
        (PERCENT, 1000_00, Quote(30_00)),
        (PERCENT, 6, NotApplicable("below_minimum", 1)),  # 15 % of 0.06 is below one minor unit
        (terms(amount=None, basis_points=100_00), 7, Quote(7)),
    ],
)
def test_what_each_saves(said: dict[str, Any], total: int, answer: Quote | NotApplicable) -> None:
    assert TYPE.check(said) == []
    assert TYPE.quote(said, Basket(total)) == answer


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"size": 1}, "size"),
        ({"size": 51}, "size"),
        ({"minutes": 4}, "minutes"),
        ({"minutes": 4321}, "minutes"),
        ({"enough": 3}, "enough"),
        ({"enough": 1}, "enough"),
        ({"amount": None}, "amount"),
        ({"amount": 0}, "amount"),
        ({"basis_points": 10_00}, "basis_points"),
        ({"most": 5_00}, "most"),
        ({"least": 0}, "least"),
    ],
)
def test_terms_that_do_not_stand_name_their_field(other: dict[str, Any], field: str) -> None:
    assert [problem.field for problem in TYPE.check(terms(**other))] == [field]


def test_it_is_taken_on_its_own_page_only() -> None:
    assert TYPE.own_page and TYPE.keeps(terms()) is None


def test_nobody_is_told_otherwise_while_the_work_is_a_second_late() -> None:
    team: dict[str, Any] = {"state": "open", "ends_at": NOW, "enough": None, "members": 2, "size": 3}
    before, after = NOW - timedelta(seconds=1), NOW
    assert (teams.shown(team, before), teams.shown(team, after)) == ("open", "failed")
    assert teams.shown(team | {"enough": 2}, after) == "complete"
    assert teams.shown(team | {"enough": 2, "members": 1}, after) == "failed"
    assert teams.shown(team | {"state": "complete"}, after) == "complete"
    assert showing.clock(showing.seconds_to(NOW + timedelta(milliseconds=61_001), NOW)) == "00:01:02"
