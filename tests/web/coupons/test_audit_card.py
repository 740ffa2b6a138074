"""What the nightly look found wrong stands on the owner's Today, in their language, and leads to the row."""

from __future__ import annotations

from sqlalchemy import text

from tests import factories as make
from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.coupons import nightly, service
from webapp.kernel.scope import Scope

pytestmark = ONE_DATABASE


def test_only_what_is_wrong_is_said_and_only_to_the_owner(client: Client) -> None:
    brand = seed.brand(client.db)

    def give(scope: Scope) -> int:
        offer = make.make_offer(scope)
        service.give(scope, offer.id, make.make_member(scope).id, "a-key")
        return offer.id

    offer_id = client.db.write(give, brand=brand)
    nightly.run(client.db, brand)
    assert "Coupon check" not in client.get("/").text

    bend = "UPDATE offer SET issued = issued + 1"
    client.db.write(lambda scope: scope.session.execute(text(bend)), brand=brand)
    nightly.run(client.db, brand)
    page = client.get("/")
    assert "is not the number of its coupons" in text_of(page.text)
    assert "regulars coupons audit" in text_of(page.text)
    address = f"/coupons?offer={offer_id}"
    assert address in page.text and client.get(address).status_code == 200
    client.post("/preferences", data={"lang": "zh_CN", "next": "/"})
    words = text_of(client.get("/").text)
    assert "优惠券核对" in words and "Coupons" not in words and "An offer" not in words
    client.post("/preferences", data={"lang": "en", "next": "/"})
    assert "Coupon check" not in client.sign_in("clerk").get("/").text
