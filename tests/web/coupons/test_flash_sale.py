"""A flash sale from its countdown to the counter, and what its page costs under a stampede."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from sqlalchemy import event

from tests import factories as make
from tests.factories.offers import make_flash_sale
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, Worker, text_of
from webapp.coupons import public_page, service, take
from webapp.coupons.models import Coupon, Redemption
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope

pytestmark = ONE_DATABASE

SHOP = ZoneInfo("Asia/Shanghai")


def on_sale(db: Database, brand: BrandRef, **details: Any) -> tuple[int, str]:
    """An offer with its public page: (id, address of the countdown)."""

    def unit(scope: Scope) -> tuple[int, str]:
        offer_id = make_flash_sale(scope, **details).id
        return offer_id, f"/x/coupon_flash_sale/{public_page.publish(scope, offer_id).token}"

    return db.write(unit, brand=brand)


def test_countdown_sale_sold_out_and_back(app: Flask, db: Database, brand: BrandRef) -> None:
    begins = clock.now().replace(microsecond=0) + timedelta(minutes=10)
    offer_id, url = on_sale(db, brand, stock=1, claim_from=begins, claim_until=begins + timedelta(hours=1))
    people = db.write(lambda s: [one.id for one in make.make_members(s, 2)], brand=brand)
    phone: Client = app.test_client()  # type: ignore[assignment]

    def page(minutes: float) -> str:
        with clock.fixed(begins + timedelta(minutes=minutes)):
            answer = phone.get(url)
            assert answer.status_code == 200
            return answer.text

    def taken(member_id: int, minutes: float) -> Any:
        with clock.fixed(begins + timedelta(minutes=minutes)):
            return db.write(
                lambda s: take.take(s, offer_id, member_id, f"k{member_id}-{minutes}"), brand=brand
            )

    before = page(-2)
    assert 'data-countdown="120"' in before and "00:02:00" in before and "Take one" not in before
    assert taken(people[0], -1).code == "too_early"
    on = page(0)
    assert 'data-countdown="3600"' in on and "1 left" in text_of(on) and 'href="/get/' in on
    assert isinstance(taken(people[0], 1), Coupon)
    gone = page(2)
    assert "sold out" in gone and "Take one" not in gone and "data-countdown" not in gone
    assert taken(people[1], 3).code == "sold_out"
    assert "Take one" in page(32), "not bought in time: it is the next one's"
    assert isinstance(taken(people[1], 33), Coupon)
    assert "over" in text_of(page(61))


def test_telling_a_crowd_that_all_is_gone_reads_a_few_rows_and_writes_none(
    app: Flask, db: Database, brand: BrandRef
) -> None:
    offer_id, url = on_sale(db, brand, stock=1)
    who = db.write(lambda s: make.make_member(s).id, brand=brand)
    assert isinstance(db.write(lambda s: take.take(s, offer_id, who, "k"), brand=brand), Coupon)
    phone: Client = app.test_client()  # type: ignore[assignment]
    phone.get(url)
    said: list[str] = []
    for engine in (db.engine, db.reader):
        event.listen(engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    answer = phone.get(url)
    assert "sold out" in answer.text and answer.headers["Cache-Control"] == "private, max-age=1"
    assert not [one for one in said if not one.lstrip().startswith(("SELECT", "BEGIN"))]
    # the brand, whether the plugin is on (for the page, and for the offer's stage), the offer, what comes back
    assert len([one for one in said if one.lstrip().startswith("SELECT")]) <= 6, said


def test_a_reminder_of_a_sale_at_midnight_is_a_task_of_the_evening_before(
    client: Client, db: Database, brand: BrandRef, worker: Worker
) -> None:
    midnight = datetime.combine(clock.now().astimezone(SHOP) + timedelta(days=2), time(), SHOP)
    begins = midnight.astimezone(UTC)
    _id, url = on_sale(db, brand, stock=5, claim_from=begins, name="Double eleven")
    page = client.get("/plugins/coupon_flash_sale")
    assert "Double eleven" in page.text and url in page.text
    said = client.submit("/plugins/coupon_flash_sale", {"minutes": "60"}, form="/remind")
    assert "60 min before" in text_of(said.text)
    said = client.submit("/plugins/coupon_flash_sale", {"minutes": "60"}, form="/remind")
    assert "already" in text_of(said.text)
    with clock.fixed(begins - timedelta(minutes=60)):
        worker.run()
        client.sign_in()
        assert f"Double eleven begins at {midnight:%Y-%m-%d} 00:00" in text_of(client.get("/tasks").text)


def test_what_was_taken_in_time_is_used_at_the_counter(client: Client, db: Database, brand: BrandRef) -> None:
    """By the total of that one piece; the member's page says until when it is kept."""
    offer_id, _url = on_sale(db, brand, stock=1)
    who = db.write(lambda s: make.make_member(s).id, brand=brand)
    coupon = db.write(lambda s: take.take(s, offer_id, who, "k"), brand=brand)
    assert isinstance(coupon, Coupon) and coupon.state == "held"
    assert coupon.code[:3] in client.get(f"/c/{coupon.token}").text
    used = db.write(
        lambda s: service.redeem(s, typed=coupon.code, basket_minor=99_00, key="at-the-till"), brand=brand
    )
    assert isinstance(used, Redemption) and used.saving_minor == 50_00, used
    with clock.fixed(clock.now() + timedelta(hours=1)), db.read(brand=brand) as scope:
        assert scope.session.get_one(Coupon, (brand.id, coupon.id)).state == "redeemed"
