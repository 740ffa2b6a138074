"""The coupon types that ship, each from the form to the counter: made, given, taken, quoted and used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, forms_of, text_of
from webapp.coupons.models import Coupon, Offer, OfferTerms, Redemption
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef

pytestmark = ONE_DATABASE


@dataclass(frozen=True, slots=True)
class Case:
    """typed: of the type's own fields; stored: the terms; says: the sentences, in both languages; too_little: a basket that
    is refused and what is said; saves: basket -> what the counter says."""

    type_key: str
    label: str
    typed: dict[str, str]
    stored: dict[str, Any]
    says: tuple[str, ...]
    in_chinese: str
    too_little: tuple[str, str]
    saves: tuple[str, str]
    saving_minor: int


CASES = [
    Case(
        "cash",
        "Cash voucher",
        {"term_amount": "２０", "term_least": ""},
        {"amount": 20_00, "least": None},
        ("CN¥20.00 off any basket", "A basket that costs less is free; no change is given"),
        "立减 ¥20.00，无门槛",
        ("0", "At least 0.01."),
        ("12.50", "It saves CN¥12.50"),  # the basket, and no rest
        12_50,
    ),
    Case(
        "percent",
        "Percentage off",
        {"term_basis_points": "１２．５ ％", "term_most": "50", "term_least": "10"},
        {"basis_points": 1_250, "most": 50_00, "least": 10_00},
        ("12.5% off when you spend CN¥10.00 or more", "At most CN¥50.00 off one basket"),
        "满 ¥10.00 打8.75折",
        ("9.99", "The basket needs CN¥0.01 more."),
        ("99.99", "It saves CN¥12.49"),  # 12.49875: down
        12_49,
    ),
    Case(
        "flash_sale",
        "Flash sale",
        {"term_product": "Cup", "term_price": "49", "term_regular": "99", "term_minutes": "30"},
        {"product": "Cup", "word": None, "price": 49_00, "regular": 99_00, "minutes": 30},
        ("Cup for CN¥49.00 instead of CN¥99.00", "One piece with one coupon"),
        "Cup 秒杀价 ¥49.00，原价 ¥99.00",
        ("98.99", "The basket needs CN¥0.01 more."),
        ("99", "It saves CN¥50.00"),
        50_00,
    ),
]


def place(case: Case) -> str:
    return f"/offers/new?type={case.type_key}"


def counter(clerk: Client, code: str, basket: str, store: str) -> Any:
    return clerk.get("/counter", query_string={"code": code, "basket": basket, "store": store})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type_key)
def test_from_the_form_to_the_counter(
    case: Case, app: Flask, client: Client, db: Database, brand: BrandRef
) -> None:
    member_id = db.write(lambda s: make.make_member(s).id, brand=brand)
    store = str(db.write(lambda s: make.make_store(s, "xujiahui").id, brand=brand))
    assert case.label in client.get("/offers/new").text and place(case) in client.get("/offers/new").text
    shown = client.submit(place(case), {"name": "For you", "valid_days": "30"} | case.typed)
    assert all(line in text_of(shown.text) for line in case.says), text_of(shown.text)
    client.submit(shown.request.path, form="/open")
    edit = client.get(f"{shown.request.path}/edit").text
    kept = next(one for one in forms_of(edit) if "valid_days" in one.fields).fields
    with db.read() as scope:
        assert scope.session.scalars(select(OfferTerms)).one().terms == case.stored
        assert scope.session.scalars(select(Offer)).one().type_key == case.type_key
    client.submit(f"/members/{member_id}/give")
    with db.read() as scope:
        coupon = scope.session.scalars(select(Coupon)).one()

    phone: Client = app.test_client()  # type: ignore[assignment]
    page = phone.get(f"/c/{coupon.token}")
    assert all(line in text_of(page.text) for line in case.says)
    phone.submit(f"/c/{coupon.token}")
    phone.set_cookie("rg_lang", "zh_CN")
    assert case.in_chinese in text_of(phone.get(f"/c/{coupon.token}").text)

    clerk: Client = app.test_client()  # type: ignore[assignment]
    clerk.sign_in("clerk")
    refused = counter(clerk, coupon.code, case.too_little[0], store)
    assert case.too_little[1] in text_of(refused.text)
    seen = counter(clerk, coupon.code, case.saves[0], store)
    assert case.saves[1] in text_of(seen.text)
    use = next(one for one in forms_of(seen.text) if one.action == "/counter/redeem").fields
    done = {clerk.post("/counter/redeem", data=use).location for _ in range(2)}
    assert len(done) == 1
    with db.read() as scope:
        used = scope.session.scalars(select(Redemption)).one()
        assert scope.session.get_one(Coupon, (brand.id, coupon.id)).state == "redeemed"
    assert used.saving_minor == case.saving_minor

    # the form shows what was stored, and storing that again changes nothing
    assert client.post(f"{shown.request.path}/edit", data=kept).status_code == 303
    with db.read() as scope:
        assert {str(row.terms) for row in scope.session.scalars(select(OfferTerms))} == {str(case.stored)}


MISTAKES = [
    ("cash", "amount", "", "Amount off: This is needed."),
    ("cash", "amount", "0", "Amount off: At least 0.01."),
    ("cash", "amount", "20.005", "Amount off: The smallest amount of this currency is 0.01."),
    ("cash", "least", "-1", "Least spend: At least 0.01."),
    ("percent", "basis_points", "", "Per cent off: This is needed."),
    ("percent", "basis_points", "0", "Per cent off: At least 0.01."),
    ("percent", "basis_points", "-15", "Per cent off: At least 0.01."),
    ("percent", "basis_points", "100.01", "Per cent off: At most 100."),
    ("percent", "basis_points", "12.345", "Per cent off: A percentage has at most two decimals"),
    ("percent", "basis_points", "8.5折", "Per cent off: Write the percentage in digits, such as 12.5."),
    ("percent", "basis_points", "1e2", "Per cent off: Write the percentage in digits, such as 12.5."),
    ("percent", "most", "abc", "The most that it saves on one basket: Write the amount in digits"),
    ("percent", "least", "0", "Least spend: At least 0.01."),
]


def test_mistakes_are_told_beside_the_field_and_what_was_typed_is_kept(client: Client, db: Database) -> None:
    for type_key, field, typed, said in MISTAKES:
        case = next(one for one in CASES if one.type_key == type_key)
        wanted = {"name": "For you", "valid_days": "30"} | case.typed | {f"term_{field}": typed}
        answer = client.submit(place(case), wanted)
        assert answer.status_code == 422, (field, typed)
        assert said in text_of(answer.text).replace(" :", ":"), (field, typed)
        assert f'id="term_{field}-error"' in answer.text and f'href="#term_{field}"' in answer.text
        kept = next(one for one in forms_of(answer.text) if "valid_days" in one.fields).fields
        assert {key: kept[key] for key in wanted} == wanted
    with db.read() as scope:
        assert not scope.session.scalars(select(Offer)).all()


def test_the_form_in_chinese_says_how_a_discount_is_typed(client: Client) -> None:
    client.set_cookie("rg_lang", "zh_CN")
    kinds = text_of(client.get("/offers/new").text)
    assert "代金券" in kinds and "折扣券" in kinds and "满减券" in kinds
    assert "打8.5折填15" in text_of(client.get("/offers/new?type=percent").text)
