"""The wallet by a private link: a member's own coupons, and nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from flask import Flask

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.coupons import service, wallet
from webapp.coupons.models import Coupon
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.members import pages

pytestmark = ONE_DATABASE
NOON = datetime(2026, 5, 10, 4, tzinfo=UTC)


def give(scope: Scope, member_id: int, key: str, **offer: Any) -> Coupon:
    one = service.give(scope, make.make_offer(scope, **offer).id, member_id, f"a-key-{key}")
    assert isinstance(one, Coupon)
    return one


def test_what_can_be_used_stands_above_what_is_over(app: Flask, db: Database, brand: BrandRef) -> None:
    person: Client = app.test_client()  # type: ignore[assignment]
    with time_machine.travel(NOON, tick=False):

        def unit(scope: Scope) -> tuple[int, dict[str, Coupon]]:
            member = make.make_member(scope, name="Han Mei", phone="13800138000", email="mei@acme.example")
            other = make.make_member(scope, phone="13900139000")
            today = scope.today
            mine = {
                "Later": give(scope, member.id, "1", name="Later", valid_until=today + timedelta(days=9)),
                "Sooner": give(scope, member.id, "2", name="Sooner", valid_until=today + timedelta(days=3)),
                "Spent": give(scope, member.id, "3", name="Spent"),
                "Ended": give(scope, member.id, "4", name="Ended", valid_until=today),
                "Gone": give(scope, member.id, "5", name="Gone"),
                "Hers": give(scope, other.id, "6", name="Hers"),
            }
            service.redeem(scope, typed=mine["Spent"].code, basket_minor=150_00, key="till-key-1")
            service.void(scope, mine["Gone"].id)
            return member.id, mine

        member_id, mine = db.write(unit, brand=brand)
    with time_machine.travel(NOON + timedelta(days=1), tick=False):
        seen = person.get(wallet.path(brand.id, member_id))
    assert seen.status_code == 200 and "noindex" in seen.headers["X-Robots-Tag"]
    text = text_of(seen.text)
    order = [text.index(name) for name in ("Sooner", "Later", "Used, or over", "Ended", "Spent")]
    assert order == sorted(order)
    assert "Gone" not in text and "Hers" not in text
    for name in ("Later", "Sooner", "Spent", "Ended"):
        assert f"/c/{mine[name].token}" in seen.text
        assert mine[name].code not in seen.text, "a code is shown on its coupon's page only"
    for personal in ("Han Mei", "138", "mei@acme.example"):
        assert personal not in text
    assert pages.path(brand.id, member_id) in seen.text


def test_older_ones_are_a_page_further(app: Flask, db: Database, brand: BrandRef) -> None:
    person: Client = app.test_client()  # type: ignore[assignment]

    def unit(scope: Scope) -> int:
        member = make.make_member(scope)
        offer = make.make_offer(scope, per_person=100)
        for n in range(wallet.PAGE + 3):
            one = service.give(scope, offer.id, member.id, f"a-key-{n:03}")
            assert isinstance(one, Coupon)
            service.redeem(scope, typed=one.code, basket_minor=150_00, key=f"till-{n:05}")
        return member.id

    place = wallet.path(brand.id, db.write(unit, brand=brand))
    first = person.get(place)
    assert first.text.count('href="/c/') == wallet.PAGE and "Older ones" in first.text
    after = first.text.split("after=")[1].split('"')[0]
    older = person.get(f"{place}?after={after}")
    assert older.text.count('href="/c/') == 3 and "Older ones" not in older.text


def test_only_the_members_own_word_opens_it(app: Flask, db: Database, brand: BrandRef) -> None:
    person: Client = app.test_client()  # type: ignore[assignment]
    member = db.write(lambda s: make.make_member(s).id, brand=brand)
    word = pages.token(brand.id, member)
    assert person.get(f"/w/{word}").status_code == 200
    wrong = (word[:-1], word + "A", "x", "%00", pages.token(brand.id, 5), pages.token(999, member))
    assert [person.get(f"/w/{one}").status_code for one in wrong] == [404] * len(wrong)


def test_found_from_the_own_page_and_by_staff(
    app: Flask, client: Client, db: Database, brand: BrandRef
) -> None:
    member = db.write(lambda s: make.make_member(s).id, brand=brand)
    place = wallet.path(brand.id, member)
    assert place in app.test_client().get(pages.path(brand.id, member)).text
    assert f"/members/{member}/wallet" in client.get(f"/members/{member}").text
    shown = client.get(f"/members/{member}/wallet")
    assert place in shown.text and "<svg" in shown.text.split('class="qr"')[1]
