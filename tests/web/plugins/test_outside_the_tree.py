"""A coupon type in the instance's own folder: it keeps the contract, has its form, and is used at the counter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests import factories as make
from tests.support import web
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, forms_of, text_of
from webapp.coupons.models import Coupon, Redemption
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.plugin_runtime import runtime
from webapp.plugin_testing.coupon_type import CouponTypeContract

pytestmark = ONE_DATABASE

MANIFEST = """
name = "coupon_off_each"
version = "0.1.0"
label = "Off each piece"
kinds = ["coupon_type/1"]
starts_enabled = true
"""
CODE = '''
"""Some money off each piece of a category."""

from webapp.plugin_api import CouponType, NotApplicable, Problem, Quote, TermField, hookimpl


class OffEach(CouponType):
    """Terms: {"category": str, "off": int}."""

    key = "off_each"
    label = "Off each piece"
    needs = "lines"
    fields = (
        TermField("category", "text", "Category", maximum=80),
        TermField("off", "money", "Off each piece", minimum=1),
    )
    reasons = {"none": "Nothing of it is in the basket."}

    def check(self, terms):
        problems = []
        category, off = terms.get("category"), terms.get("off")
        if not isinstance(category, str) or not category.strip():
            problems.append(Problem("category", "Name a category."))
        if not isinstance(off, int) or isinstance(off, bool) or off < 1:
            problems.append(Problem("off", "Give an amount above zero."))
        return problems

    def quote(self, terms, basket):
        if not basket.lines:
            return NotApplicable("needs_lines")
        saved = tuple(
            min(line.amount_minor, terms["off"] * line.quantity) if line.category == terms["category"] else 0
            for line in basket.lines
        )
        return Quote(sum(saved), saved) if any(saved) else NotApplicable("none")

    def describe(self, terms, money, _):
        return [_("%(off)s off each piece of %(category)s", off=money(terms["off"]), category=terms["category"])]


@hookimpl
def coupon_types():
    return [OffEach()]
'''
CHINESE = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"

msgid "%(off)s off each piece of %(category)s"
msgstr "%(category)s 每件减 %(off)s"
"""


@pytest.fixture
def app(db: Database, tmp_path: Path) -> Iterator[Flask]:
    """The shop with the plugin in its instance folder, as its owner would have put it there."""
    folder = tmp_path / "instance" / "plugins" / "coupon_off_each"
    (folder / "translations").mkdir(parents=True)
    (folder / "plugin.toml").write_text(MANIFEST, encoding="utf-8")
    (folder / "__init__.py").write_text(CODE, encoding="utf-8")
    (folder / "translations" / "zh_CN.po").write_text(CHINESE, encoding="utf-8")
    yield web.make_app(tmp_path / "instance", db)
    runtime.load_all()


def test_it_keeps_the_contract(app: Flask) -> None:
    owner, kind = runtime.registry().coupon_types["off_each"]
    assert owner == "coupon_off_each"

    class Suite(CouponTypeContract):
        coupon_type = kind
        good_terms = ({"category": "tea", "off": 2_00}, {"category": "面包", "off": 1})

    for law in (name for name in dir(Suite) if name.startswith("test_")):
        getattr(Suite(), law)()


def test_from_its_form_to_the_counter(app: Flask, client: Client, db: Database, brand: BrandRef) -> None:
    member_id = db.write(lambda s: make.make_member(s).id, brand=brand)
    store = str(db.write(lambda s: make.make_store(s, "xujiahui").id, brand=brand))
    assert "/offers/new?type=off_each" in client.get("/offers/new").text
    wrong = client.submit("/offers/new?type=off_each", {"name": "Tea", "term_category": " ", "term_off": "2"})
    assert wrong.status_code == 422 and "Category : Name a category." in text_of(wrong.text)
    typed = {"name": "Tea for less", "term_category": "茶", "term_off": "2", "valid_days": "30"}
    shown = client.submit("/offers/new?type=off_each", typed)
    assert "CN¥2.00 off each piece of 茶" in text_of(shown.text)
    client.submit(shown.request.path, form="/open")
    client.submit(f"/members/{member_id}/give")
    with db.read() as scope:
        coupon = scope.session.scalars(select(Coupon)).one()

    phone: Client = app.test_client()  # type: ignore[assignment]
    phone.set_cookie("rg_lang", "zh_CN")
    assert "茶 每件减 ¥2.00" in text_of(phone.get(f"/c/{coupon.token}").text)

    clerk: Client = app.test_client()  # type: ignore[assignment]
    clerk.sign_in("clerk")

    def look(**costs: str) -> Any:
        page = clerk.get("/counter/basket", query_string={"code": coupon.code}).text
        fields = next(one for one in forms_of(page) if one.action == "/counter/basket").fields
        return clerk.post("/counter/basket", data=fields | {"store": store} | costs)

    assert "worked out from the single goods" in text_of(look(total="50").text)
    lines = {
        "lines-0-category": "茶", "lines-0-pieces": "3", "lines-0-amount": "45",
        "lines-1-category": "杯", "lines-1-pieces": "1", "lines-1-amount": "20",
    }  # fmt: skip
    none = {key: "杯" if value == "茶" else value for key, value in lines.items()}
    assert "Nothing of it is in the basket." in text_of(look(**none).text)
    quoted = look(**lines)
    assert "6.00" in text_of(quoted.text) and "59.00" in text_of(quoted.text)
    use = next(one for one in forms_of(quoted.text) if one.action == "/counter/basket/redeem").fields
    done = {clerk.post("/counter/basket/redeem", data=use).location for _ in range(2)}
    assert len(done) == 1
    with db.read() as scope:
        used = scope.session.scalars(select(Redemption)).one()
        assert scope.session.get_one(Coupon, (brand.id, coupon.id)).state == "redeemed"
    assert (used.basket_minor, used.saving_minor) == (65_00, 6_00)
    assert used.lines is not None and [line["saving_minor"] for line in used.lines] == [6_00, 0]
