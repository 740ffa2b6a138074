"""Gifts, and pieces that come free, from the form of their offer to the counter."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, forms_of, text_of
from webapp.coupons.models import Coupon, OfferTerms, Redemption
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef

pytestmark = ONE_DATABASE


class Counter:
    """One coupon of an offer that was made through the form, and a clerk to whom it is shown."""

    def __init__(self, app: Flask, owner: Client, db: Database, brand: BrandRef) -> None:
        self.app, self.owner, self.db = app, owner, db
        self.member_id = db.write(lambda s: make.make_member(s).id, brand=brand)
        self.store = str(db.write(lambda s: make.make_store(s, "xujiahui").id, brand=brand))

    def offer(self, type_key: str, **typed: str) -> Any:
        """Makes it and gives its coupon; the page that shows it."""
        form = {"name": "For you", "valid_days": "30"} | {
            f"term_{key}": value for key, value in typed.items()
        }
        shown = self.owner.submit(f"/offers/new?type={type_key}", form)
        assert shown.status_code == 200, text_of(shown.text)
        self.owner.submit(shown.request.path, form="/open")
        self.owner.submit(f"/members/{self.member_id}/give")
        with self.db.read() as scope:
            self.coupon = scope.session.scalars(select(Coupon)).one()
        self.clerk: Client = self.app.test_client()  # type: ignore[assignment]
        self.clerk.sign_in("clerk")
        return shown

    def terms(self) -> Any:
        with self.db.read() as scope:
            return scope.session.scalars(select(OfferTerms)).one().terms

    def phone(self, locale: str = "en") -> str:
        phone: Client = self.app.test_client()  # type: ignore[assignment]
        phone.set_cookie("rg_lang", locale)
        return text_of(phone.get(f"/c/{self.coupon.token}").text)

    def look(self, **asked: str) -> Any:
        return self.clerk.get(
            "/counter", query_string={"code": self.coupon.code, "store": self.store} | asked
        )

    def basket(self, **costs: str) -> Any:
        page = self.clerk.get("/counter/basket", query_string={"code": self.coupon.code}).text
        fields = next(one for one in forms_of(page) if one.action == "/counter/basket").fields
        return self.clerk.post("/counter/basket", data=fields | {"store": self.store} | costs)

    def use(self, page: Any, action: str = "/counter/redeem") -> Redemption:
        """The button, tapped twice."""
        fields = next(one for one in forms_of(page.text) if one.action == action).fields
        places = {self.clerk.post(action, data=fields).location for _ in range(2)}
        assert len(places) == 1
        self.done = text_of(self.clerk.get(places.pop()).text)
        with self.db.read() as scope:
            return scope.session.scalars(select(Redemption)).one()


@pytest.fixture
def counter(app: Flask, client: Client, db: Database, brand: BrandRef) -> Counter:
    return Counter(app, client, db, brand)


def test_a_gift_needs_no_basket(counter: Counter) -> None:
    shown = counter.offer("gift", gift="盖碗一只", note="白盒子", worth="12")
    assert "A gift: 盖碗一只" in text_of(shown.text)
    assert "Note: 白盒子" in text_of(shown.text) and "It is worth CN¥12.00" in text_of(shown.text)
    assert counter.terms() == {"gift": "盖碗一只", "note": "白盒子", "worth": 12_00}
    assert "礼品：盖碗一只" in counter.phone("zh_CN")
    assert "白盒子" not in counter.phone() and "12.00" not in counter.phone()
    seen = counter.look()
    assert "盖碗一只" in text_of(seen.text) and "白盒子" in text_of(seen.text)
    used = counter.use(seen)
    assert (used.basket_minor, used.saving_minor, used.gift) == (0, 0, "盖碗一只")
    assert "盖碗一只" in counter.done


def test_a_step_hands_over_a_gift_instead_of_money(counter: Counter) -> None:
    typed = {
        "steps-0-spend": "100", "steps-0-save": "20",
        "steps-1-spend": "200", "steps-1-gift": " 盖碗 ",
    }  # fmt: skip
    shown = counter.offer("spend_and_save", **typed)
    assert "Spend CN¥100.00, save CN¥20.00" in text_of(shown.text)
    assert "Spend CN¥200.00, get a gift: 盖碗" in text_of(shown.text)
    stored = counter.terms()
    assert stored["steps"] == [{"spend": 100_00, "save": 20_00}, {"spend": 200_00, "gift": "盖碗"}]
    kept = next(
        one
        for one in forms_of(counter.owner.get(f"{shown.request.path}/edit").text)
        if "valid_days" in one.fields
    ).fields
    assert counter.owner.post(f"{shown.request.path}/edit", data=kept).status_code == 303
    with counter.db.read() as scope:
        assert {str(row.terms) for row in scope.session.scalars(select(OfferTerms))} == {str(stored)}
    assert "满 ¥200.00 送 盖碗" in counter.phone("zh_CN")
    assert "It saves CN¥20.00" in text_of(counter.look(basket="199.99").text)
    seen = counter.look(basket="200")
    assert "盖碗" in text_of(seen.text)
    used = counter.use(seen)
    assert (used.basket_minor, used.saving_minor, used.gift) == (200_00, 0, "盖碗")


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"save": "20", "gift": "盖碗"}, "Steps 1, Or a gift : Money or a gift: leave one of them blank."),
        ({"save": "", "gift": ""}, "Steps 1, Save : Give an amount above zero."),
        ({"gift": "x" * 121}, "with at most 120 characters."),
    ],
)
def test_a_row_with_both_or_neither_is_told_beside_its_cell(
    client: Client, cells: dict[str, str], said: str
) -> None:
    typed = {"name": "For you", "valid_days": "30", "term_steps-0-spend": "100"} | {
        f"term_steps-0-{key}": value for key, value in cells.items()
    }
    answer = client.submit("/offers/new?type=spend_and_save", typed)
    assert answer.status_code == 422 and said in text_of(answer.text), text_of(answer.text)
    assert all(f'value="{value}"' in answer.text for value in cells.values() if value)


def test_the_cheapest_is_free_worked_out_from_the_lines(counter: Counter) -> None:
    shown = counter.offer("buy_one_get_one", mode="price", paid="2", free="1")
    assert "3 for the price of 2" in text_of(shown.text)
    assert counter.terms() == {
        "mode": "price", "paid": 2, "free": 1, "percent": None, "bought": None, "given": None, "most_sets": None,
    }  # fmt: skip
    assert "2 件的价拿 3 件" in counter.phone("zh_CN")
    assert "worked out from the single goods" in text_of(counter.look(basket="100").text)
    tea = {"lines-0-product": "tea", "lines-0-pieces": "1", "lines-0-amount": "30"}
    cups = {"lines-1-product": "cup", "lines-1-pieces": "2", "lines-1-amount": "25.01"}
    assert "It needs 2 more pieces." in text_of(counter.basket(**tea).text)
    quoted = counter.basket(**tea, **cups)
    assert "12.50" in text_of(quoted.text) and "42.51" in text_of(quoted.text)
    used = counter.use(quoted, "/counter/basket/redeem")
    assert (used.basket_minor, used.saving_minor) == (55_01, 12_50)
    assert used.lines is not None and [line["saving_minor"] for line in used.lines] == [0, 12_50]


def test_terms_that_belong_to_another_way_are_told_and_kept(client: Client) -> None:
    typed = {"name": "For you", "term_mode": "second", "term_percent": "50", "term_paid": "2"}
    answer = client.submit("/offers/new?type=buy_one_get_one", typed)
    assert answer.status_code == 422 and 'name="term_paid"' in answer.text
    assert "Pieces paid : This does not belong to what is chosen above." in text_of(answer.text)
