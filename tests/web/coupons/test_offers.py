"""Offers on the phone: a form made from the type's terms, that works without a script and keeps what was typed."""

from __future__ import annotations

from datetime import date
from functools import partial

from flask import Flask
from sqlalchemy import select

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, forms_of, text_of
from webapp.coupons import service
from webapp.coupons.models import Coupon, Offer, OfferTerms
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.plugin_runtime import context
from webapp.plugin_runtime.runtime import registry

pytestmark = ONE_DATABASE
NEW = "/offers/new?type=spend_and_save"
GOOD = {
    "name": "Twenty off",
    "term_mode": "steps",
    "term_steps-0-spend": "100",
    "term_steps-0-save": "20",
    "term_steps-2-spend": "２００．５０",  # a Chinese keyboard's digits
    "term_steps-2-save": "50",
    "valid_days": "30",
}


def test_making_opening_and_closing(client: Client, db: Database) -> None:
    assert "No offers yet" in client.get("/offers").text
    shown = client.submit(NEW, GOOD)
    place = shown.request.path
    text = text_of(shown.text)
    assert (
        "Spend CN¥100.00, save CN¥20.00" in text
        and "Spend CN¥200.50, save CN¥50.00" in text
        and "draft" in text
    )
    assert "30 days once taken" in text
    client.submit(place, form="/open")
    assert "open" in text_of(client.get("/offers").text)
    client.submit(place, form="/close")
    with db.read() as scope:
        offer = scope.session.scalars(select(Offer)).one()
        terms = scope.session.scalars(select(OfferTerms)).one()
    assert (offer.state, offer.code, offer.stock, offer.per_person) == ("closed", "twenty-off", None, 1)
    assert terms.terms == {
        "mode": "steps",
        "steps": [{"spend": 100_00, "save": 20_00}, {"spend": 200_50, "save": 50_00}],
        "most": None,
    }


def test_a_draft_is_removed_on_its_page_once(client: Client) -> None:
    place = client.submit(NEW, GOOD).request.path
    gone = client.submit(place, form="/remove")
    assert gone.request.path == "/offers" and "No offers yet" in gone.text and "Removed." in gone.text
    assert client.post(f"{place}/remove").status_code == 404  # the second tap
    place = client.submit(NEW, GOOD).request.path
    client.submit(f"{place}/codes", {"word": "Spring"}, form="/word")
    told = client.submit(place, form="/remove")
    assert told.request.path == place and "Stop them first" in text_of(told.text)
    client.submit(f"{place}/codes", form="/stop")
    assert "Removed." in client.submit(place, form="/remove").text
    place = client.submit(NEW, GOOD).request.path
    client.submit(place, form="/open")
    assert "/remove" not in client.get(place).text
    late = client.post(f"{place}/remove", follow_redirects=True)  # a page that was open before
    assert "Only a draft can be removed" in text_of(late.text)


def test_mistakes_are_told_beside_their_fields_and_everything_typed_is_kept(
    client: Client, db: Database
) -> None:
    cases = [
        ({"name": ""}, "Name: Give it a name of 1 to 120 characters."),
        ({"term_steps-0-save": "abc"}, "Steps 1, Save: Write the amount in digits, such as 128.50."),
        ({"term_steps-0-save": "20.005"}, "Steps 1, Save: The smallest amount of this currency is 0.01."),
        ({"term_steps-2-save": "300"}, "Steps 3, Save: Not more than is spent: at most CN¥200.50."),
        ({"term_steps-2-save": "20"}, "Steps 3, Save: A higher step must save more: above CN¥20.00."),
        ({"term_steps-2-spend": ""}, "Steps 3, Spend at least: Give an amount above zero."),
        (
            {"valid_days": ""},
            "Days valid once taken: Say how many days it is valid, or the last day, or both.",
        ),
        ({"valid_days": "many"}, "Days valid once taken: Write a whole number, such as 30."),
        ({"valid_until": "2001-01-01"}, "Last day: This day has passed."),
        ({"stock": "0"}, "How many in all: At least 1."),
        ({"per_person": ""}, "How many a person: This is needed."),
        ({"code": "a b"}, "Code: Use letters, digits, dashes and underscores"),
        (
            {"term_most": "10"},
            "The most that it saves on one basket: This limit is for “once for every full amount”.",
        ),
    ]
    for more, said in cases:
        answer = client.submit(NEW, GOOD | more)
        assert answer.status_code == 422, more
        text = text_of(answer.text).replace(" :", ":")
        assert said in text, (more, text[:600])
        kept = next(one for one in forms_of(answer.text) if "term_mode" in one.fields).fields
        assert {key: kept[key] for key in GOOD} == GOOD | {k: v for k, v in more.items() if k in GOOD}, more
        # mended and sent again from that very page
    mended = client.post(NEW, data=kept | {"term_most": ""})
    assert mended.status_code == 303
    with db.read() as scope:
        assert len(scope.session.scalars(select(Offer)).all()) == 1


def test_one_more_row_without_a_script_saves_nothing(client: Client, db: Database) -> None:
    empty = next(one for one in forms_of(client.get(NEW).text) if "term_mode" in one.fields).fields
    assert "term_steps-2-spend" in empty and "term_steps-3-spend" not in empty
    page = client.post(NEW, data=empty | GOOD | {"add_row": "steps"})
    fields = next(one for one in forms_of(page.text) if "term_mode" in one.fields).fields
    assert page.status_code == 200
    assert "term_steps-3-spend" in fields and "term_steps-4-spend" not in fields
    assert {key: fields[key] for key in GOOD} == GOOD
    with db.read() as scope:
        assert not scope.session.scalars(select(Offer)).all()


def test_a_double_tap_makes_one_offer(client: Client, db: Database) -> None:
    fields = next(one for one in forms_of(client.get(NEW).text) if "term_mode" in one.fields).fields
    places = {client.post(NEW, data=fields | GOOD).location for _ in range(2)}
    assert len(places) == 1
    with db.read() as scope:
        assert len(scope.session.scalars(select(Offer)).all()) == 1


def test_changing_keeps_the_terms_of_coupons_that_are_out(
    client: Client, db: Database, brand: BrandRef
) -> None:
    def fill(scope) -> tuple[int, int]:  # type: ignore[no-untyped-def]
        offer = make.make_offer(scope, name="Spring", stock=5)
        coupon = service.give(scope, offer.id, make.make_member(scope).id, "a-key-1")
        assert isinstance(coupon, Coupon)
        return offer.id, coupon.id

    offer_id, coupon_id = db.write(fill, brand=brand)
    edit = client.get(f"/offers/{offer_id}/edit")
    assert "Coupons that are out keep what they promised" in edit.text and 'value="100.00"' in edit.text
    shown = client.submit(
        f"/offers/{offer_id}/edit", {"term_steps-0-save": "25", "valid_until": "2099-12-31"}
    )
    assert "save CN¥25.00" in text_of(shown.text)
    assert "save CN¥20.00" in text_of(client.get(f"/coupons/{coupon_id}").text)
    low = client.submit(f"/offers/{offer_id}/edit", {"stock": "0"})
    assert low.status_code == 422
    with db.read() as scope:
        assert [
            t.valid_until for t in scope.session.scalars(select(OfferTerms).order_by(OfferTerms.version))
        ] == [
            None,
            date(2099, 12, 31),
        ]


def test_giving_one_by_hand_and_taking_it_away(client: Client, db: Database, brand: BrandRef) -> None:
    member_id = db.write(lambda s: make.make_member(s, number="0042").id, brand=brand)
    assert "No offer is open" in client.get(f"/members/{member_id}/give").text
    offer_id = db.write(lambda s: make.make_offer(s, name="Spring").id, brand=brand)
    page = client.get(f"/members/{member_id}/give")
    fields = next(one for one in forms_of(page.text) if "give" in one.action or "offer" in one.fields).fields
    assert fields["offer"] == str(offer_id)
    places = {client.post(f"/members/{member_id}/give", data=fields).location for _ in range(2)}
    assert len(places) == 1
    place = places.pop()
    profile = text_of(client.get(f"/members/{member_id}").text)
    assert "Spring" in profile and "given, not taken yet" in profile
    again = client.submit(f"/members/{member_id}/give")
    assert "as many as one may have: 1" in text_of(again.text)
    gone = client.submit(place, {"reason": "wrong person"}, form="/void")
    assert "taken away" in text_of(gone.text) and "wrong person" in gone.text
    rows = text_of(client.get(f"/coupons?offer={offer_id}&show=void").text)
    assert "0042" in rows
    assert "None here" in client.get(f"/coupons?offer={offer_id}&show=issued").text


def test_a_type_that_is_switched_off_is_said_plainly(client: Client, db: Database, brand: BrandRef) -> None:
    offer_id = db.write(lambda s: make.make_offer(s).id, brand=brand)
    for plugin, _type in registry().coupon_types.values():
        db.write(partial(context.switch, plugin=plugin, on=False), brand=brand)
    assert "switched off" in client.get(f"/offers/{offer_id}").text
    assert "No coupon type is switched on" in client.get("/offers/new").text
    assert client.get("/offers").status_code == 200
    assert client.get(f"/offers/{offer_id}/edit").status_code == 422
    assert client.get("/offers/new?type=lottery").status_code == 404


def test_a_clerk_sees_no_offers(app: Flask) -> None:
    clerk: Client = app.test_client()  # type: ignore[assignment]
    clerk.sign_in("clerk")
    for place in ("/offers", "/offers/new", "/coupons"):
        assert clerk.get(place).status_code == 403


def test_in_chinese(client: Client, db: Database, brand: BrandRef) -> None:
    """The plugin's own words come from its own catalogue."""
    offer_id = db.write(lambda s: make.make_offer(s).id, brand=brand)
    client.set_cookie("rg_lang", "zh_CN")
    assert "满 ¥100.00 减 ¥20.00" in client.get(f"/offers/{offer_id}").text
    form = client.get(NEW).text
    assert "消费满" in form and "阶梯满减" in form
