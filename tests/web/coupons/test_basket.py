"""The counter's page for several coupons, or for goods by lines: shown, used once, told when it is no longer what was shown."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from limits.storage import MemoryStorage
from sqlalchemy import select

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, forms_of, text_of
from webapp.catalogue.models import Category, Product
from webapp.coupons import service
from webapp.coupons.conditions import Conditions
from webapp.coupons.models import Coupon, Redemption
from webapp.coupons.routes import counter
from webapp.kernel import limits, secrets
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.staff.models import StaffRole

pytestmark = ONE_DATABASE


def give(db: Database, brand: BrandRef, save: int, said: Conditions) -> Coupon:
    def unit(scope: Scope) -> Coupon:
        terms = {"mode": "steps", "steps": [{"spend": 50_00, "save": save}]}
        offer = make.make_offer(scope, terms, name=f"Save {save // 100}", conditions=said)
        coupon = service.give(scope, offer.id, make.make_member(scope).id, f"key-{offer.id}")
        assert isinstance(coupon, Coupon)
        return coupon

    return db.write(unit, brand=brand)


@pytest.fixture
def coupons(db: Database, brand: BrandRef, app: Flask) -> list[Coupon]:
    """10 off and 9 off shoes, which join; 8 off, which stands alone."""
    return [
        give(db, brand, 10_00, Conditions(joins=True)),
        give(db, brand, 9_00, Conditions(joins=True, categories=("shoes",))),
        give(db, brand, 8_00, Conditions()),
    ]


@pytest.fixture
def clerk(app: Flask, db: Database, brand: BrandRef) -> Client:
    """Of one store, who is not asked for it."""

    def bind(scope: Scope) -> None:
        role = scope.session.scalars(select(StaffRole).where(StaffRole.role == "clerk")).one()
        role.store_id = make.make_store(scope, "nanjing-road").id

    browser: Client = app.test_client()  # type: ignore[assignment]
    browser.sign_in("clerk")
    db.write(bind, brand=brand)
    return browser


def look(clerk: Client, *codes: str, more: str = "", **fields: str) -> Any:
    data = {f"codes-{at}": code for at, code in enumerate(codes)}
    data |= {name.replace("__", "-"): value for name, value in fields.items()}
    return clerk.post("/counter/basket", data=data | ({"more": more} if more else {}))


def lines(*rows: tuple[str, str, str]) -> dict[str, str]:
    return {
        f"lines__{at}__{name}": value
        for at, row in enumerate(rows)
        for name, value in zip(("product", "category", "amount"), row, strict=True)
    }


def use_form(html: str) -> dict[str, Any]:
    return next(one for one in forms_of(html) if one.action == "/counter/basket/redeem").fields


def redemptions(db: Database) -> list[Redemption]:
    with db.read() as scope:
        return list(scope.session.scalars(select(Redemption).order_by(Redemption.id)))


def test_by_lines_shown_used_once_and_undone(clerk: Client, db: Database, coupons: list[Coupon]) -> None:
    assert "Several coupons, or by lines" in text_of(clerk.get("/counter").text)
    ten, shoes, alone = (one.code for one in coupons)
    answer = look(
        clerk,
        ten,
        shoes,
        alone,
        till="T1",
        **lines(("Loafer", "shoes", "60"), ("", "", ""), ("Hat", "hats", "40")),
    )
    said = text_of(answer.text)
    assert answer.status_code == 200 and "¥81.00" in said and "instead of CN¥100.00" in said
    assert "It is used alone; with Save 10 and Save 9 at least as much is saved." in said
    assert "Loafer" in said and "¥45.00" in said  # 60 less 6 of ten and 9 of nine
    filled = use_form(answer.text)
    first = clerk.post("/counter/basket/redeem", data=filled, follow_redirects=True)
    assert first.status_code == 200 and "Used together" in text_of(first.text)
    again = clerk.post("/counter/basket/redeem", data=filled, follow_redirects=True)
    assert again.request.path == first.request.path
    made = redemptions(db)
    assert [one.saving_minor for one in made] == [10_00, 9_00] and {one.till_number for one in made} == {"T1"}
    clerk.submit(f"/counter/{made[1].id}", form="undo")
    left = text_of(clerk.get(first.request.path).text)
    assert "¥90.00" in left and "undone" in left and "¥54.00" in left


def test_one_more_row_keeps_what_was_typed_and_looks_nothing_up(clerk: Client, coupons: list[Coupon]) -> None:
    answer = look(clerk, coupons[0].code, "nonsense", more="lines", total="1x")
    fields = next(one for one in forms_of(answer.text) if one.action == "/counter/basket").fields
    assert answer.status_code == 200 and "lines-0-amount" in fields and fields["total"] == "1x"
    assert fields["codes-1"] == "nonsense" and 'class="error"' not in answer.text
    five = look(clerk, *[""] * 5, more="codes")
    assert "codes-4" in five.text and "codes-5" not in five.text and "One more coupon" not in five.text
    code = clerk.get("/counter/basket", query_string={"code": coupons[0].code}).text
    assert f'value="{coupons[0].code}"' in code


def test_mistakes_stand_beside_their_fields(clerk: Client, coupons: list[Coupon]) -> None:
    ten = coupons[0].code
    cases: list[tuple[tuple[str, ...], dict[str, str], str]] = [
        (("", ""), {"total": "100"}, "Type the code on the member's phone."),
        (("AAAAAAAAA",), {"total": "100"}, "This is no code of ours"),
        ((ten, ten), {"total": "100"}, "This code is typed above already."),
        ((ten,), {}, "Give what the basket costs, or its lines below."),
        ((ten,), {"total": "90"} | lines(("a", "", "60"), ("b", "", "40")), "The lines sum to CN¥100.00."),
        ((ten,), lines(("a", "", "")), "Give what they cost together."),
        ((ten,), lines(("a", "", "6x")), "Write the amount in digits"),
        ((ten,), lines(("a", "", "-1")), "At least 0.00."),
    ]
    for codes, fields, sentence in cases:
        answer = look(clerk, *codes, **fields)
        assert answer.status_code == 422 and sentence in text_of(answer.text), (codes, fields)
        assert "/counter/basket/redeem" not in answer.text


def test_the_store_is_asked_for_beside_what_else_is_wrong(client: Client, coupons: list[Coupon]) -> None:
    said = text_of(look(client, "", total="").text)
    for sentence in (
        "Choose the store you are in.",
        "Type the code on the member's phone.",
        "Give what the basket costs",
    ):
        assert sentence in said


def test_nothing_is_used_where_it_is_no_longer_what_was_shown(
    clerk: Client, db: Database, brand: BrandRef, coupons: list[Coupon]
) -> None:
    ten, shoes = coupons[0].code, coupons[1].code
    filled = use_form(look(clerk, ten, shoes, total="100").text)
    db.write(lambda s: service.redeem(s, typed=shoes, basket_minor=100_00, key="another-clerk"), brand=brand)
    answer = clerk.post("/counter/basket/redeem", data=filled)
    said = text_of(answer.text)
    assert answer.status_code == 409 and "Something has changed" in said and "¥90.00" in said
    assert len(redemptions(db)) == 1
    fresh = use_form(answer.text)
    assert fresh["key"] != filled["key"]
    assert clerk.post("/counter/basket/redeem", data=fresh).status_code == 303
    assert len(redemptions(db)) == 2
    nothing = look(clerk, ten, shoes, total="100")
    assert nothing.text.count("It was used") == 2 and "/counter/basket/redeem" not in nothing.text


def test_codes_are_not_to_be_guessed_here_either(
    clerk: Client, coupons: list[Coupon], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_memory", MemoryStorage())
    for _ in range(counter.GUESSES // 5):
        answer = look(clerk, *[secrets.typed_code() for _ in range(5)], total="100")
        assert answer.text.count("No coupon of this shop has this code.") == 5
    answer = look(clerk, coupons[0].code, total="100")
    assert answer.status_code == 429 and "wait five minutes" in text_of(answer.text)


def test_the_fields_offer_the_words_of_the_catalogue(clerk: Client, db: Database, brand: BrandRef) -> None:
    def known(scope: Scope) -> None:
        scope.session.add(
            Product(brand_id=brand.id, id=scope.new_id(), code="L-1", name="Loafer", created_at=scope.now)
        )
        scope.session.add(Category(brand_id=brand.id, id=scope.new_id(), code="shoes", created_at=scope.now))

    db.write(known, brand=brand)
    assert "datalist" not in clerk.get("/counter/basket").text
    page = look(clerk, more="lines").text
    assert '<option value="L-1">Loafer</option>' in page and '<option value="shoes"></option>' in page


def test_a_basket_of_another_store_is_not_shown(
    clerk: Client, db: Database, brand: BrandRef, coupons: list[Coupon]
) -> None:
    def unit(scope: Scope) -> int:
        there = make.make_store(scope, "xujiahui").id
        used = service.redeem(
            scope, typed=coupons[0].code, basket_minor=100_00, key="there-0001", store_id=there
        )
        assert isinstance(used, Redemption) and used.basket_id is not None
        return used.basket_id

    basket_id = db.write(unit, brand=brand)
    assert clerk.get(f"/counter/basket/{basket_id}").status_code == 403
    assert clerk.get(f"/counter/basket/{basket_id + 1}").status_code == 404
