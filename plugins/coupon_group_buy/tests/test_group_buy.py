"""Group buys: the contract of their kind, what a team must be, what each of them saves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from plugins.coupon_group_buy import showing, teams, telling
from plugins.coupon_group_buy.coupon import GroupBuy
from webapp.plugin_api import Basket, CouponView, NotApplicable, OfferView, Quote
from webapp.plugin_testing.coupon_type import CouponTypeContract
from webapp.plugin_testing.telling import Said, told

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


class Shop:
    """As much of a context as telling needs; it notes what is told."""

    def __init__(self, stage: Any, *, on: bool = True) -> None:
        self.settings = {"tell": on}
        self.coupons = self
        self.stage = stage
        self.told: list[tuple[dict[str, str], str, dict[str, Said]]] = []

    def offer_by_id(self, offer_id: int) -> OfferView:
        return OfferView(
            offer_id, "Tea", "group_buy", "open", self.stage, "w", "/x/w", None, None, None, None, {}
        )

    def tell(self, to: dict[str, str], *, key: str, subject: str, text: str, **facts: Any) -> None:
        self.told.append((to, key, told(Path(telling.__file__).parent, subject, text, **facts)))


def test_what_each_is_told_in_every_language() -> None:
    team = {"id": 7, "offer_id": 1, "size": 3}
    places = [{"member_id": 17, "coupon_id": 5}, {"member_id": 18, "coupon_id": 6}]
    coupons = [CouponView(5, 1, "claimed", None, "/c/five"), CouponView(6, 1, "claimed", None, "/c/six")]
    made, late, over, off = Shop("sold_out"), Shop("few"), Shop("over"), Shop("open", on=False)
    telling.complete(made, team, places, coupons)  # type: ignore[arg-type]
    for one in (late, over, off):
        telling.failed(one, team, places)  # type: ignore[arg-type]
    telling.complete(off, team, places, coupons)  # type: ignore[arg-type]
    [(to, key, said)] = made.told
    assert (to, key) == ({"member:17": "/c/five", "member:18": "/c/six"}, "team:7")
    assert said["zh_CN"].subject == "您参加的团已成团：Tea" and "good from now on" in said["en"].text
    [(to, key, said)] = late.told
    assert (to, key) == ({"member:17": "/x/w", "member:18": "/x/w"}, "team:7")
    assert "2 of 3. You owe nothing" in said["en"].text and "2 / 3" in said["zh_CN"].text
    [(to, _key, said)] = over.told
    assert set(to.values()) == {""} and "over" in said["en"].text and not off.told
