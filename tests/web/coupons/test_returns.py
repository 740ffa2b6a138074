"""Part of it came back, at the counter: what to pay back is seen first, then written down once."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import func, select

from tests import factories as make
from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, forms_of, text_of
from webapp.coupons import service
from webapp.coupons.models import Coupon, Redemption
from webapp.coupons.models_counter import BasketReturn
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.plugin_api import BasketLine

pytestmark = ONE_DATABASE


def used_on(db: Database, brand: BrandRef, basket: int, **more: Any) -> Redemption:
    """Spend 100.00, save 20.00."""

    def unit(scope: Scope) -> Redemption:
        given = service.give(scope, make.make_offer(scope).id, make.make_member(scope).id, "a-key")
        assert isinstance(given, Coupon)
        used = service.redeem(scope, typed=given.code, basket_minor=basket, key="a-key-of-it", **more)
        assert isinstance(used, Redemption)
        return used

    return db.write(unit, brand=brand, actor=seed.actor(db, "clerk"))


def press(html: str, place: str) -> dict[str, Any]:
    return next(one for one in forms_of(html) if one.method == "post" and one.action == place).fields


def test_from_the_receipt_to_the_money_and_once(clerk: Client, db: Database, brand: BrandRef) -> None:
    used = used_on(db, brand, 150_00)
    receipt, place = f"/counter/{used.id}", f"/counter/{used.id}/return"
    assert place in clerk.get(receipt).text
    assert "CN¥150.00 were bought" in text_of(clerk.get(place).text)
    for typed, said in (
        ("", "Say what came back."),
        ("150", "Say what came back."),
        ("151", "at most CN¥150.00"),
    ):
        answer = clerk.get(place, query_string={"left": typed})
        assert answer.status_code == 422 and said in text_of(answer.text)
        assert f'value="{typed}"' in answer.text
    below = text_of(clerk.get(place, query_string={"left": "90"}).text)
    assert "Pay back CN¥40.00" in below and "the member can use it again" in below
    seen = clerk.get(place, query_string={"left": "110.00"})
    assert "Pay back CN¥40.00 CN¥130.00 were paid" in text_of(seen.text)
    form = press(seen.text, place)
    done, again = (clerk.post(place, data=form, follow_redirects=True) for _ in range(2))
    assert done.request.path == again.request.path == receipt
    text = text_of(done.text)
    assert (
        "Written down. Pay back CN¥40.00." in text and "To pay CN¥90.00" in text and "What came back" in text
    )
    old = press(seen.text, place) | {"key": "another-key-of-the-form"}
    late = clerk.post(place, data=old)
    assert late.status_code == 409 and "Nothing was changed" in text_of(late.text)
    with db.read() as scope:
        assert scope.session.scalar(select(func.count()).select_from(BasketReturn)) == 1
    undone = clerk.post(f"{receipt}/undo", follow_redirects=True)
    assert "can be used again" in text_of(undone.text) and place not in undone.text
    answer = clerk.get(place, follow_redirects=True)
    assert answer.request.path == receipt and "nothing of it stands" in text_of(answer.text)


def test_by_lines_and_by_whoever_may(clerk: Client, app: Flask, db: Database, brand: BrandRef) -> None:
    lines = (BasketLine(120_00, 3, "tea"), BasketLine(30_00, 1, "", "cups"))
    used = used_on(db, brand, 150_00, lines=lines)
    place = f"/counter/{used.id}/return"
    assert "tea: 3 pieces for CN¥120.00" in text_of(clerk.get(place).text)
    wrong = clerk.get(place, query_string={"back-0": "4", "back-1": ""})
    assert wrong.status_code == 422 and "At most 3." in text_of(wrong.text)
    seen = clerk.get(place, query_string={"back-0": "1", "back-1": ""})
    assert "Pay back CN¥40.00" in text_of(seen.text)
    absurd = clerk.post(
        place, data=press(seen.text, place) | {"back-0": "9" * 5000, "key": "another-key-again"}
    )
    assert absurd.status_code == 409
    done = clerk.post(place, data=press(seen.text, place), follow_redirects=True)
    assert "Written down. Pay back CN¥40.00." in text_of(done.text)
    assert "tea: 2 pieces for CN¥80.00" in text_of(clerk.get(place).text)
    guide: Client = app.test_client()  # type: ignore[assignment]
    guide.sign_in("guide")
    assert guide.get(place).status_code == 403
