"""Settings, Undo at the counter: what the owner says is kept, and what a clerk reads when it is too late."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from tests import factories as make
from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.coupons import service, undo_limit
from webapp.coupons.models import Coupon, Redemption
from webapp.coupons.undo_limit import Limit
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope

pytestmark = ONE_DATABASE


def test_the_owner_says_until_when_and_the_counter_names_it(
    app: Flask, db: Database, brand: BrandRef
) -> None:
    owner: Client = app.test_client()  # type: ignore[assignment]
    owner.sign_in()
    assert "Undo at the counter" in owner.get("/more").text
    wrong = owner.submit("/settings/undo", {"clerk": "hours", "hours": ""})
    assert wrong.status_code == 422 and "Say how many hours." in text_of(wrong.text)
    assert (
        owner.submit("/settings/undo", {"clerk": "hours", "hours": "2", "manager_days": "x"}).status_code
        == 422
    )
    owner.submit("/settings/undo", {"clerk": "hours", "hours": "2", "manager_days": "7"})
    with db.read(brand=brand) as scope:
        assert undo_limit.of(scope) == Limit("hours", 2, 7)
    assert 'value="7"' in owner.get("/settings/undo").text

    def unit(scope: Scope) -> Redemption:
        given = service.give(scope, make.make_offer(scope).id, make.make_member(scope).id, "a-key")
        assert isinstance(given, Coupon)
        used = service.redeem(scope, typed=given.code, basket_minor=150_00, key="a-key-of-it")
        assert isinstance(used, Redemption)
        return used

    past = clock.now() - timedelta(hours=3)
    used = db.write(unit, brand=brand, actor=seed.actor(db, "clerk"), now=past)
    clerk: Client = app.test_client()  # type: ignore[assignment]
    clerk.sign_in("clerk")
    page = clerk.get(f"/counter/{used.id}")
    said = "A clerk undoes a use within 2 hours; after that the store's manager does."
    assert said in text_of(page.text) and "/undo" not in page.text
    assert said in text_of(clerk.post(f"/counter/{used.id}/undo", follow_redirects=True).text)
    assert clerk.get("/settings/undo").status_code == 403
