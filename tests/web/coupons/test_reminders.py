"""An offer that reminds, from its form to the letter in a real mailbox and the number on its page."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.smtp import SmtpReceiver
from tests.support.web import Client, Worker, text_of
from webapp.coupons import service
from webapp.coupons.models import Coupon, Offer
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope

pytestmark = ONE_DATABASE


def test_from_the_form_to_the_letter(
    app: Flask, client: Client, db: Database, brand: BrandRef, mail: SmtpReceiver, worker: Worker
) -> None:
    with db.read(brand=brand) as scope:
        today = scope.today
    ten = clock.day_starts(today + timedelta(days=1), brand.timezone) + timedelta(hours=10)
    last = today + timedelta(days=4)
    offer = db.write(lambda s: make.make_offer(s, valid_days=None, valid_until=last), brand=brand)
    edit = f"/offers/{offer.id}/edit"
    assert client.submit(edit, {"remind_days": "61"}).status_code == 422
    assert client.submit(edit, {"remind_days": "3"}).status_code == 200
    with db.read() as scope:
        changed = scope.session.get_one(Offer, (brand.id, offer.id))
        assert (changed.remind_days, changed.terms_version) == (3, 1), (
            "it holds for coupons that are out, too"
        )
    assert "3 days before the last one" in text_of(client.get(f"/offers/{offer.id}").text)

    def unit(scope: Scope) -> str:
        (member,) = make.make_members(scope, 1)
        coupon = service.give(scope, offer.id, member.id, "a-key")
        assert isinstance(coupon, Coupon)
        return coupon.token

    token = db.write(unit, brand=brand)
    with clock.fixed(ten):
        for _ in range(2):
            worker.run()
    (letter,) = mail.messages()
    assert letter["To"] == "Member 1 <m00001@example.com>" and "Twenty off: until" in letter["Subject"]
    assert f"https://shop.example/c/{token}" in letter.get_content()
    assert letter["List-Unsubscribe"]
    assert "Reminded 1" in text_of(client.get(f"/offers/{offer.id}").text)
