"""Flash sales: the contract of their kind, one piece at its price, the page by the server's clock, the reminder."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from plugins.coupon_flash_sale import reminding, showing
from plugins.coupon_flash_sale.coupon import FlashSale
from webapp.plugin_api import Basket, BasketLine, NotApplicable, NotFound, OfferView, Page, PageRequest, Quote
from webapp.plugin_testing.coupon_type import CouponTypeContract

TYPE = FlashSale()
NOW = datetime(2026, 11, 11, 12, tzinfo=UTC)


def terms(**other: Any) -> dict[str, Any]:
    return {"product": "保温杯", "word": None, "price": 49_00, "regular": 99_00, "minutes": 30} | other


class TestContract(CouponTypeContract):
    coupon_type = TYPE
    good_terms = (terms(), terms(minutes=None), terms(word="CUP-350", price=1, regular=2))


def line(amount: int, product: str = "保温杯", quantity: int = 1) -> BasketLine:
    return BasketLine(amount, quantity, product)


def basket(*lines: BasketLine) -> Basket:
    return Basket(sum(one.amount_minor for one in lines), lines)


@pytest.mark.parametrize(
    ("said", "bought", "answer"),
    [
        (terms(), Basket(99_00), Quote(50_00)),
        (terms(), Basket(120_00), Quote(50_00)),
        (terms(), Basket(98_99), NotApplicable("below_price", 1)),
        (terms(), basket(line(30_00, "tea"), line(99_00)), Quote(50_00, (0, 50_00))),
        (terms(), basket(line(99_00 * 3, quantity=3)), Quote(50_00, (50_00,))),  # one piece a coupon
        (terms(), basket(line(89_00), line(99_00)), Quote(50_00, (0, 50_00))),  # the dearest one
        (terms(), basket(line(99_00), line(99_00)), Quote(50_00, (50_00, 0))),  # of two alike the first
        (terms(), basket(line(49_00)), NotApplicable("cheap_already")),
        (terms(), basket(line(300_00, "tea")), NotApplicable("not_in_basket")),
        (terms(word="CUP-350"), basket(line(99_00, " CUP-350 ")), Quote(50_00, (50_00,))),
        (terms(word="CUP-350"), basket(line(99_00)), NotApplicable("not_in_basket")),
    ],
)
def test_examples(said: dict[str, Any], bought: Basket, answer: Quote | NotApplicable) -> None:
    assert TYPE.check(said) == []
    assert TYPE.quote(said, bought) == answer


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"price": 99_00}, "price"),
        ({"price": 0}, "price"),
        ({"regular": None}, "regular"),
        ({"product": " "}, "product"),
        ({"word": "x" * 81}, "word"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 1441}, "minutes"),
    ],
)
def test_terms_that_do_not_stand_name_their_field(other: dict[str, Any], field: str) -> None:
    assert [problem.field for problem in TYPE.check(terms(**other))] == [field]


def test_it_is_kept_for_its_minutes() -> None:
    assert TYPE.keeps(terms()) == 30
    assert TYPE.keeps(terms(minutes=None)) is None


# ------------------------------------------------------------------------------------------------- the page, by handler


SALE = OfferView(
    17, "Double eleven", "flash_sale", "open", "open", "word", "/o/word", 10, 7, None, None, terms()
)


class Shop:
    """As much of a context as the pages and the reminder ask of."""

    def __init__(self, *offers: OfferView, now: datetime = NOW) -> None:
        self.all, self.now, self.timezone = list(offers), now, "Asia/Shanghai"
        self.planned: dict[str, tuple[dict[str, Any], datetime]] = {}
        self.given: list[dict[str, Any]] = []
        self.coupons = SimpleNamespace(
            offers=lambda: self.all,
            offer=lambda word: next((one for one in self.all if one.word == word), None),
        )
        self.tasks = SimpleNamespace(add=lambda key, **more: self.given.append({"key": key, **more}))

    def say(self, message: str, **facts: Any) -> str:
        return message % facts

    def later(self, name: str, payload: dict[str, Any], *, key: str, at: datetime) -> bool:
        return self.planned.setdefault(key, (payload, at)) == (payload, at) and len(key) <= 80


def asked(word: str = "word", *, posted: bool = False, **more: Any) -> PageRequest:
    return PageRequest("", posted, NOW, "en", word=word, base="/plugins/coupon_flash_sale", **more)


def shown(offer: OfferView) -> dict[str, Any]:
    answer = showing.sale(Shop(offer), asked())  # type: ignore[arg-type]
    assert isinstance(answer, Page) and answer.seconds == 1
    return dict(answer.values)


def test_the_page_counts_to_its_beginning_and_then_to_its_end() -> None:
    begins, ends = NOW + timedelta(minutes=90, milliseconds=1), NOW + timedelta(hours=3)
    soon = dataclasses.replace(SALE, stage="soon", claim_from=begins, claim_until=ends)
    assert (shown(soon)["seconds"], shown(soon)["clock"]) == (5401, "01:30:01")  # never too early
    on = dataclasses.replace(SALE, claim_from=NOW, claim_until=ends)
    assert (shown(on)["seconds"], shown(on)["taking"]) == (3 * 3600, True)
    gone = dataclasses.replace(SALE, stage="sold_out", claim_until=ends)
    assert (shown(gone)["seconds"], shown(gone)["taking"]) == (None, False)
    far = dataclasses.replace(SALE, stage="soon", claim_from=NOW + timedelta(days=5))
    assert (shown(far)["seconds"], shown(far)["towards"]) == (None, far.claim_from)
    assert isinstance(showing.sale(Shop(SALE), asked("other")), NotFound)  # type: ignore[arg-type]


def test_a_reminder_moves_with_its_sale_and_comes_once() -> None:
    begins = NOW + timedelta(hours=2)
    soon = dataclasses.replace(SALE, stage="soon", claim_from=begins)
    shop = Shop(soon)
    assert showing.leads(soon, NOW) == [10, 30, 60]
    form = {"offer": "17", "minutes": "30"}
    showing.remind(shop, asked(staff="staff:5", form=form, posted=True))  # type: ignore[arg-type]
    [(payload, at)] = shop.planned.values()
    assert at == begins - timedelta(minutes=30)
    shop.all, shop.now = [dataclasses.replace(soon, claim_from=begins + timedelta(hours=1))], at
    reminding.remind(shop, payload)  # type: ignore[arg-type]
    assert not shop.given
    [_, (again, later)] = shop.planned.values()
    assert later == at + timedelta(hours=1)
    shop.now = later
    reminding.remind(shop, again)  # type: ignore[arg-type]
    [task] = shop.given
    assert task["to"] == "staff:5" and "23:00" in task["title"] and len(task["key"]) <= 40
    shop.all = [dataclasses.replace(soon, state="closed", claim_from=begins + timedelta(days=1))]
    reminding.remind(shop, again)  # type: ignore[arg-type]
    assert len(shop.given) == 1
