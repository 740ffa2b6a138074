"""The counter says where, when and with what a coupon is good, what comes back when it is undone, and what a day was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, forms_of, text_of
from webapp.coupons import holds, service
from webapp.coupons.conditions import Conditions
from webapp.coupons.models import Coupon
from webapp.kernel import clock, security
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope

pytestmark = ONE_DATABASE
SUNDAY = datetime(2026, 5, 10, 4, tzinfo=UTC)  # noon in Shanghai


@pytest.fixture
def stores(db: Database, brand: BrandRef) -> dict[str, int]:
    return db.write(lambda s: {c: make.make_store(s, c).id for c in ("xujiahui", "hongqiao")}, brand=brand)


def given(db: Database, brand: BrandRef, **offer: Any) -> Coupon:
    """Spend 100.00, save 20.00."""

    def unit(scope: Scope) -> Coupon:
        coupon = service.give(
            scope, make.make_offer(scope, **offer).id, make.make_member(scope).id, "a-key-1"
        )
        assert isinstance(coupon, Coupon)
        return coupon

    return db.write(unit, brand=brand)


def look(
    clerk: Client, coupon: Coupon, store: int | str = "", basket: str = "150", locale: str = "en"
) -> Any:
    clerk.set_cookie("rg_lang", locale)
    return clerk.get("/counter", query_string={"code": coupon.code, "basket": basket, "store": store})


def use(clerk: Client, page: Any) -> Any:
    fields = next(one for one in forms_of(page.text) if one.action == "/counter/redeem").fields
    return clerk.post("/counter/redeem", data=fields, follow_redirects=True)


def test_days_hours_and_stores_are_named_in_the_readers_language(
    clerk: Client, db: Database, brand: BrandRef, stores: dict[str, int]
) -> None:
    here = stores["xujiahui"]
    with clock.fixed(SUNDAY):
        weekly = given(db, brand, conditions=Conditions(weekdays=(0, 2)))
        late = given(db, brand, conditions=Conditions(hours=(18 * 60, 60)))
        local = given(db, brand, conditions=Conditions(stores=(stores["hongqiao"],)))
        said = text_of(look(clerk, weekly, here).text)
        assert "Not today: it can be used on Monday and Wednesday." in said
        assert "星期一" in text_of(look(clerk, weekly, here, locale="zh_CN").text)
        hours = text_of(look(clerk, late, here).text)
        assert "from 6:00 PM to 1:00 AM of the next day" in hours
        assert "Not at this store: it can be used at hongqiao." in text_of(look(clerk, local, here).text)
        assert "To pay CN¥130.00" in text_of(look(clerk, local, stores["hongqiao"]).text)
        # scanned, before the store is chosen
        scanned = clerk.get("/counter", query_string={"code": local.code})
        assert "Choose the store you are in: it can be used at hongqiao." in text_of(scanned.text)


def test_the_clerk_is_told_for_which_goods(
    clerk: Client, db: Database, brand: BrandRef, stores: dict[str, int]
) -> None:
    said = Conditions(categories=("tea", "cups"), products_out=("gift card",), least_minor=120_00)
    coupon = given(db, brand, conditions=said)
    scanned = text_of(clerk.get("/counter", query_string={"code": coupon.code}).text)
    assert "It is good for: tea, cups." in scanned and "It is not good for: gift card." in scanned
    assert "Type what these goods alone cost." in scanned
    seen = text_of(look(clerk, coupon, stores["xujiahui"], "110").text)
    assert "The goods that it is good for need CN¥10.00 more." in seen


def test_what_an_offer_may_save_in_all_is_told(
    clerk: Client, db: Database, brand: BrandRef, stores: dict[str, int]
) -> None:
    coupon = given(db, brand, budget_minor=15_00)
    said = text_of(look(clerk, coupon, stores["xujiahui"]).text)
    assert "CN¥15.00 are left, too little for this basket" in said


def test_a_coupon_kept_for_another_purchase_says_until_when(
    clerk: Client, db: Database, brand: BrandRef, stores: dict[str, int]
) -> None:
    with clock.fixed(SUNDAY):
        coupon = given(db, brand)
        db.write(lambda s: holds.hold(s, coupon.id, SUNDAY + timedelta(hours=1), key="basket"), brand=brand)
        said = text_of(look(clerk, coupon, stores["xujiahui"]).text)
        assert "It is kept for another purchase until today 1:00" in said
        seen = look(clerk, coupon, stores["xujiahui"])
        (form,) = [one for one in forms_of(seen.text) if one.action == "/counter/let-go"]
        for _ in range(2):
            again = clerk.post("/counter/let-go", data=form.fields, follow_redirects=True)
            assert "kept for no other purchase any more" in text_of(again.text)
        assert "To pay" in text_of(look(clerk, coupon, stores["xujiahui"]).text)
        db.write(lambda s: holds.hold(s, coupon.id, SUNDAY + timedelta(hours=1), key="basket"), brand=brand)
    with clock.fixed(SUNDAY + timedelta(hours=1)):
        assert "To pay" in text_of(look(clerk, coupon, stores["xujiahui"]).text)


def test_the_receipt_says_all_and_an_earlier_days_is_not_undone_by_a_clerk(
    app: Flask, clerk: Client, client: Client, db: Database, brand: BrandRef, stores: dict[str, int]
) -> None:
    with clock.fixed(SUNDAY):
        coupon = given(db, brand, conditions=Conditions(undone="returned"), stock=1)
        done = use(clerk, look(clerk, coupon, stores["xujiahui"]))
        said = text_of(done.text)
        for part in (
            "Twenty off",
            "To pay CN¥130.00",
            "instead of CN¥150.00",
            "xujiahui",
            "Clerk",
            "today 12:00",
        ):
            assert part in said
        assert f"{done.request.path}/undo" in done.text
    with clock.fixed(SUNDAY + timedelta(days=1)):
        later = clerk.get(done.request.path)
        assert f"{done.request.path}/undo" not in later.text and "undone by the store's manager" in text_of(
            later.text
        )
        refused = clerk.post(f"{done.request.path}/undo", follow_redirects=True)
        assert "What was used on an earlier day is undone by the store's manager." in text_of(refused.text)
        owner = client.post(f"{done.request.path}/undo", follow_redirects=True)
        assert "back in the stock" in text_of(owner.text)
        assert "Nothing was saved" in text_of(owner.text)


def test_a_clerk_sees_their_day_and_a_manager_everybodys(
    app: Flask, clerk: Client, db: Database, brand: BrandRef, stores: dict[str, int]
) -> None:
    manager: Client = app.test_client()  # type: ignore[assignment]
    manager.sign_in("manager")
    with clock.fixed(SUNDAY):
        assert "Nothing was redeemed" in text_of(clerk.get("/counter/day").text)
        for who, store in ((clerk, "xujiahui"), (clerk, "xujiahui"), (manager, "hongqiao")):
            use(who, look(who, given(db, brand), stores[store]))
        own, all_ = (text_of(who.get("/counter/day").text) for who in (clerk, manager))
        assert "Used 2" in own and "CN¥40.00" in own and "hongqiao" not in own and "By clerk" not in own
        assert "Used 3" in all_ and "CN¥60.00" in all_ and "hongqiao" in all_ and "By clerk" in all_
        assert "CN¥40.00" in text_of(clerk.get("/").text)  # on Today, their own too
    with clock.fixed(SUNDAY + timedelta(days=1)):
        assert "Nothing was redeemed" in text_of(clerk.get("/counter/day").text)
        assert "Used 2" in text_of(clerk.get("/counter/day?day=2026-05-10").text)
        assert clerk.get("/counter/day?day=nonsense").status_code == 200


def test_only_the_counter_may_ask_for_the_camera(clerk: Client) -> None:
    page = clerk.get("/counter")
    assert page.headers["Permissions-Policy"] == security.CAMERA
    assert (
        "data-scan" in page.text and "hidden data-scan" in page.text
    )  # shown by script where the browser can
    assert clerk.get("/counter/day").headers["Permissions-Policy"] == security.POLICY


def test_who_is_found_sees_why_a_coupon_is_not_for_now(
    clerk: Client, db: Database, brand: BrandRef, stores: dict[str, int]
) -> None:
    def unit(scope: Scope) -> str:
        member = make.make_member(scope)
        offer = make.make_offer(scope, conditions=Conditions(weekdays=(0,)))
        assert not isinstance(service.give(scope, offer.id, member.id, "a-key-1"), Refused)
        return member.number

    with clock.fixed(SUNDAY):
        number = db.write(unit, brand=brand)
        found = clerk.post("/counter/find", data={"who": number})
        assert "Not today: it can be used on Monday." in text_of(found.text)
