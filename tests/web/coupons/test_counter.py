"""The counter: code, basket, saving, done, undo; every refusal in words; once, however often it is tapped."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from limits.storage import MemoryStorage
from sqlalchemy import select

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, forms_of, text_of
from webapp.coupons import service
from webapp.coupons.models import Coupon, Redemption
from webapp.coupons.routes import counter
from webapp.kernel import limits, secrets
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.staff.models import StaffRole

pytestmark = ONE_DATABASE


@pytest.fixture
def coupon(db: Database, brand: BrandRef, app: Flask) -> Coupon:
    """Spend 100.00, save 20.00."""

    def unit(scope: Scope) -> Coupon:
        given = service.give(scope, make.make_offer(scope).id, make.make_member(scope).id, "a-key-1")
        assert isinstance(given, Coupon)
        return given

    return db.write(unit, brand=brand)


@pytest.fixture
def store(db: Database, brand: BrandRef) -> str:
    return str(db.write(lambda s: make.make_store(s, "xujiahui").id, brand=brand))


def look(clerk: Client, code: str, basket: str, **more: str) -> Any:
    return clerk.get("/counter", query_string={"code": code, "basket": basket, **more})


def use_form(html: str) -> dict[str, Any]:
    return next(one for one in forms_of(html) if one.action == "/counter/redeem").fields


def redemptions(db: Database) -> list[Redemption]:
    with db.read() as scope:
        return list(scope.session.scalars(select(Redemption).order_by(Redemption.id)))


def test_codes_are_not_to_be_guessed(
    clerk: Client, coupon: Coupon, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mistyped codes are a clerk's bad day and cost nothing; codes that fit and that nobody has are counted."""
    monkeypatch.setattr(limits, "_memory", MemoryStorage())
    for _ in range(counter.GUESSES + 5):
        assert look(clerk, "AAAAAAAAA", "150", store=store).status_code == 422
    for _ in range(counter.GUESSES):
        assert look(clerk, secrets.typed_code(), "150", store=store).status_code == 422
    answer = look(clerk, coupon.code, "150", store=store)
    assert answer.status_code == 429 and "wait five minutes" in text_of(answer.text)
    use = {"code": coupon.code, "basket": "150", "store": store, "key": "a-key-of-mine"}
    assert clerk.post("/counter/redeem", data=use).status_code == 429
    monkeypatch.setattr(limits, "_memory", MemoryStorage())
    assert look(clerk, coupon.code, "150", store=store).status_code == 200


def test_code_basket_saving_done_undo(clerk: Client, db: Database, coupon: Coupon, store: str) -> None:
    assert "Nine letters" in clerk.get("/counter").text
    seen = look(clerk, coupon.code.lower(), "150", store=store, till=" A-77 ")
    assert "It saves CN¥20.00" in text_of(seen.text) and "To pay CN¥130.00" in text_of(seen.text)
    done = clerk.post("/counter/redeem", data=use_form(seen.text), follow_redirects=True)
    text = text_of(done.text)
    assert "To pay CN¥130.00" in text and "xujiahui" in text and "A-77" in text and "Clerk" in text
    place = done.request.path
    (used,) = redemptions(db)
    assert (used.basket_minor, used.saving_minor, used.till_number, str(used.store_id)) == (
        150_00,
        20_00,
        "A-77",
        store,
    )
    for _ in range(2):
        undone = clerk.post(f"{place}/undo", follow_redirects=True)
        assert "can be used again" in text_of(undone.text)
    assert "/undo" not in undone.text
    assert "It saves" in text_of(look(clerk, coupon.code, "150", store=store).text)
    # the store is remembered
    assert use_form(look(clerk, coupon.code, "150").text)["store"] == store
    assert "undone" in text_of(clerk.get("/counter").text)


def test_a_double_tap_and_a_lost_answer_use_it_once(
    clerk: Client, db: Database, coupon: Coupon, store: str
) -> None:
    form = use_form(look(clerk, coupon.code, "150", store=store).text)
    places = {clerk.post("/counter/redeem", data=form).location for _ in range(3)}
    assert len(places) == 1
    assert len(redemptions(db)) == 1


def test_another_clerk_is_told_when_and_where(
    app: Flask, clerk: Client, client: Client, db: Database, coupon: Coupon, store: str
) -> None:
    first, second = (look(who, coupon.code, "150", store=store) for who in (clerk, client))
    clerk.post("/counter/redeem", data=use_form(first.text))
    refused = client.post("/counter/redeem", data=use_form(second.text))
    assert refused.status_code == 409
    assert "It was used today" in text_of(refused.text) and "at xujiahui" in text_of(refused.text)
    assert len(redemptions(db)) == 1


@pytest.mark.parametrize(
    ("basket", "said"),
    [
        ("", "Give what the basket costs."),
        ("abc", "Write the amount in digits, such as 128.50."),
        ("1,000", "Write the amount in digits"),
        ("12.345", "The smallest amount of this currency is 0.01."),
        ("0", "At least 0.01."),
        ("-5", "At least 0.01."),
    ],
)
def test_a_basket_that_is_no_amount_is_kept_and_told_beside_it(
    clerk: Client, coupon: Coupon, store: str, basket: str, said: str
) -> None:
    answer = look(clerk, coupon.code, basket, store=store)
    assert answer.status_code == 422
    assert said in text_of(answer.text)
    form = next(one for one in forms_of(answer.text) if one.action == "/counter")
    assert (form.fields["basket"], form.fields["code"]) == (basket, coupon.code)


def test_a_mistyped_code_is_told_before_anything_is_looked_up(
    clerk: Client, coupon: Coupon, store: str
) -> None:
    swapped = coupon.code[:3] + coupon.code[4] + coupon.code[3] + coupon.code[5:]
    wrong = look(clerk, swapped if swapped != coupon.code else coupon.code[:-1] + "2", "150", store=store)
    assert wrong.status_code == 422
    assert "one letter is wrong, missing or in another place" in text_of(wrong.text)
    assert 'aria-invalid="true"' in wrong.text


def test_too_small_a_basket_says_how_much_more(clerk: Client, coupon: Coupon, store: str) -> None:
    answer = look(clerk, coupon.code, "80.50", store=store)
    assert answer.status_code == 200
    assert "The basket needs CN¥19.50 more." in text_of(answer.text)
    assert "/counter/redeem" not in answer.text


def test_a_scanned_code_asks_for_the_basket_only(
    clerk: Client, db: Database, brand: BrandRef, coupon: Coupon
) -> None:
    page = clerk.get("/counter", query_string={"code": coupon.code})
    assert "This coupon is good" in text_of(page.text)
    assert "Give what the basket costs" not in page.text
    db.write(lambda s: service.void(s, coupon.id), brand=brand)
    assert "This coupon was taken away" in text_of(
        clerk.get("/counter", query_string={"code": coupon.code}).text
    )


def test_the_store_must_be_chosen_and_be_one_of_ours(clerk: Client, coupon: Coupon, store: str) -> None:
    assert "Choose the store you are in." in text_of(look(clerk, coupon.code, "150").text)
    forged = clerk.post(
        "/counter/redeem",
        data={"code": coupon.code, "basket": "150", "store": "999", "key": "a-key-of-mine"},
    )
    assert forged.status_code == 422


def test_a_clerk_of_one_store_is_asked_for_none_and_sees_that_one(
    clerk: Client, client: Client, db: Database, brand: BrandRef, coupon: Coupon, store: str
) -> None:
    here = db.write(lambda s: make.make_store(s, "nanjing-road").id, brand=brand)

    def bind(scope: Scope) -> None:
        role = scope.session.scalars(select(StaffRole).where(StaffRole.role == "clerk")).one()
        role.store_id = here

    db.write(bind, brand=brand)
    seen = look(clerk, coupon.code, "150")
    form = use_form(seen.text)
    assert "store" not in form
    place = clerk.post("/counter/redeem", data=form | {"store": store}).location
    assert redemptions(db)[0].store_id == here
    clerk.post(f"{place}/undo")
    other = client.post(
        "/counter/redeem", data=use_form(look(client, coupon.code, "150", store=store).text)
    ).location
    assert clerk.get(other).status_code == 403
    assert clerk.post(f"{other}/undo").status_code == 403
    assert redemptions(db)[1].reversed_at is None


def test_nobody_uses_a_coupon_without_signing_in(app: Flask, coupon: Coupon, db: Database) -> None:
    nobody: Client = app.test_client()  # type: ignore[assignment]
    assert nobody.get("/counter").status_code == 303
    answer = nobody.post(
        "/counter/redeem", data={"code": coupon.code, "basket": "150", "key": "a-key-of-mine"}
    )
    assert "/sign-in" in answer.location
    assert not redemptions(db)


def test_today_tells_the_counters_day(clerk: Client, coupon: Coupon, store: str) -> None:
    clerk.post("/counter/redeem", data=use_form(look(clerk, coupon.code, "150", store=store).text))
    text = text_of(clerk.get("/").text)
    assert "coupons used today" in text and "CN¥20.00" in text
