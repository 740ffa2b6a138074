"""The member's page: everything about the coupon, no sign-in, no personal data; opening it takes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
import time_machine
from sqlalchemy import select

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.coupons import service
from webapp.coupons.models import Coupon, CouponChange
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.plugin_runtime import context

pytestmark = ONE_DATABASE
NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)


@pytest.fixture
def member(phone: Callable[[], Client]) -> Client:
    return phone()


def given(db: Database, brand: BrandRef, now: datetime | None = None, **offer: object) -> Coupon:
    def unit(scope: Scope) -> Coupon:
        who = make.make_member(
            scope, name="Li Lei", phone="13800138000", email="li@acme.example", number="M-0042"
        )
        one = service.give(scope, make.make_offer(scope, name="Spring", **offer).id, who.id, "a-key-1")
        assert isinstance(one, Coupon)
        return one

    return db.write(unit, brand=brand, now=now)


def state(db: Database, coupon: Coupon) -> str:
    with db.read() as scope:
        return scope.session.scalars(select(Coupon.state).where(Coupon.id == coupon.id)).one()


def test_opening_takes_nothing_and_the_button_shows_the_code(
    member: Client, db: Database, brand: BrandRef
) -> None:
    coupon = given(db, brand)
    place = f"/c/{coupon.token}"
    page = member.get(place)
    text = text_of(page.text)
    assert "Acme" in text and "Spring" in text and "Spend CN¥100.00, save CN¥20.00" in text
    assert "Valid for 30 days from the day on which you take it." in text and "xujiahui" in text
    assert coupon.code not in page.text.replace(" ", "") and state(db, coupon) == "issued"
    assert "noindex" in page.headers["X-Robots-Tag"] and "no-store" in page.headers["Cache-Control"]
    taken = member.submit(place)
    shown = f"{coupon.code[:3]} {coupon.code[3:6]} {coupon.code[6:]}"
    assert shown in text_of(taken.text) and "<svg" in taken.text.split('class="qr"')[1]
    assert "style=" not in taken.text
    member.post(place)  # once more, as an impatient thumb does
    with db.read() as scope:
        changes = scope.session.scalars(
            select(CouponChange).where(CouponChange.coupon_id == coupon.id).order_by(CouponChange.id)
        ).all()
    assert [(one.state, one.actor_kind) for one in changes] == [("issued", "system"), ("claimed", "member")]


def test_it_shows_nobody(member: Client, db: Database, brand: BrandRef) -> None:
    coupon = given(db, brand)
    member.submit(f"/c/{coupon.token}")
    html = member.get(f"/c/{coupon.token}").text
    for personal in ("Li Lei", "138", "li@acme.example", "M-0042"):
        assert personal not in html


def test_each_end_is_said_plainly(member: Client, db: Database, brand: BrandRef) -> None:
    with time_machine.travel(NOON, tick=False):
        coupon = given(
            db, brand, valid_days=None, valid_from=date(2026, 5, 12), valid_until=date(2026, 5, 20)
        )
        place = f"/c/{coupon.token}"
        assert "Valid from May 12, 2026. Valid until May 20, 2026" in text_of(member.get(place).text)
    with time_machine.travel(datetime(2026, 5, 13, tzinfo=UTC), tick=False):
        used = db.write(
            lambda s: service.redeem(s, typed=coupon.code, basket_minor=150_00, key="a-key-22"), brand=brand
        )
        page = member.get(place)
        assert "used" in text_of(page.text) and 'class="qr"' not in page.text and "<form" in page.text
        assert not [one for one in ("Take it",) if one in page.text]
        db.write(lambda s: service.reverse(s, used.id), brand=brand)
        assert 'class="qr"' in member.get(place).text
    with time_machine.travel(datetime(2026, 5, 20, 16, tzinfo=UTC), tick=False):
        over = member.get(place)
        assert "It was valid until May 20, 2026." in text_of(over.text) and 'class="qr"' not in over.text
        assert "It was valid until" in text_of(member.post(place, follow_redirects=True).text)
        db.write(lambda s: service.void(s, coupon.id), brand=brand)
        assert "was taken back" in text_of(member.get(place).text)


def test_parked_while_its_plugin_is_off(member: Client, db: Database, brand: BrandRef) -> None:
    coupon = given(db, brand)
    db.write(lambda s: context.switch(s, "coupon_spend_and_save", on=False), brand=brand)
    text = text_of(member.get(f"/c/{coupon.token}").text)
    assert "cannot be used at the moment" in text and "Take it" not in text


def test_an_unknown_word_is_a_page_that_says_what_to_do(member: Client) -> None:
    for token in ("nothing", "x" * 200, "%00", "%F0%9F%8D%89"):
        answer = member.get(f"/c/{token}")
        assert answer.status_code == 404
        assert member.post(f"/c/{token}").status_code == 404


def test_in_the_readers_language(member: Client, db: Database, brand: BrandRef) -> None:
    coupon = given(db, brand)
    page = member.get(f"/c/{coupon.token}", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert "满 ¥100.00 减 ¥20.00" in page.text and 'lang="zh-CN"' in page.text
