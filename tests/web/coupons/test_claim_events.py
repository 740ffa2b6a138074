"""A page with several offers: made by staff, and as the public sees it."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import select

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.coupons import public_page, service
from webapp.coupons.models import OfferEvent
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope

pytestmark = ONE_DATABASE


def offers(db: Database, brand: BrandRef, *names: str, **details: Any) -> list[int]:
    def unit(scope: Scope) -> list[int]:
        made = [make.make_offer(scope, name=name, **details) for name in names]
        return [public_page.publish(scope, one.id).id for one in made]

    return db.write(unit, brand=brand)


def the_event(db: Database) -> OfferEvent:
    with db.read() as scope:
        return scope.session.scalars(select(OfferEvent)).one()


def test_made_shown_changed_and_taken_down(app: Flask, client: Client, db: Database, brand: BrandRef) -> None:
    tea, cake, hidden = offers(db, brand, "Tea", "Cake", "Hidden", stock=100)
    db.write(lambda s: public_page.take_down(s, hidden), brand=brand)
    form = client.get("/offers/events/new").text
    assert f"place_{tea}" in form and f"place_{hidden}" not in form
    page = client.submit(
        "/offers/events/new",
        {"title": "Birthday", "text": "Ten years", f"place_{tea}": "2", f"place_{cake}": "1"},
    )
    made = the_event(db)
    assert page.request.path == f"/offers/events/{made.id}" and f"/e/{made.token}" in page.text
    assert made.offers == [cake, tea]
    person: Client = app.test_client()  # type: ignore[assignment]
    seen = person.get(f"/e/{made.token}")
    assert seen.status_code == 200 and "noindex" in seen.headers["X-Robots-Tag"]
    text = text_of(seen.text)
    assert "Ten years" in text and text.index("Cake") < text.index("Tea")
    assert seen.text.count('href="/get/') == 2
    client.submit(f"/offers/events/{made.id}/edit", {"title": "Ten", f"place_{tea}": ""})
    assert the_event(db).offers == [cake] and the_event(db).token == made.token
    client.submit(f"/offers/events/{made.id}", form="/down")
    assert person.get(f"/e/{made.token}").status_code == 404
    client.submit(f"/offers/events/{made.id}", form="/up")
    assert person.get(f"/e/{made.token}").status_code == 200


def test_each_offer_says_how_far_it_is(app: Flask, client: Client, db: Database, brand: BrandRef) -> None:
    few, gone, closed = (
        offers(db, brand, "Few", stock=2) + offers(db, brand, "Gone", stock=1) + offers(db, brand, "Closed")
    )

    def unit(scope: Scope) -> None:
        service.give(scope, gone, make.make_member(scope).id, "a-key-1")
        made = public_page.save_event(scope, None, "All", "", [few, gone, closed])
        assert isinstance(made, OfferEvent)
        service.close_offer(scope, closed)

    db.write(unit, brand=brand)
    person: Client = app.test_client()  # type: ignore[assignment]
    text = text_of(person.get(f"/e/{the_event(db).token}").text)
    assert "few left" in text and "sold out" in text and "It cannot be taken any more." in text
    assert text.count("Take it") == 1


def test_mistakes_are_told(app: Flask, client: Client, db: Database, brand: BrandRef) -> None:
    (tea,) = offers(db, brand, "Tea")
    got = client.submit("/offers/events/new", {"title": " ", f"place_{tea}": "1"})
    assert got.status_code == 422 and "Give it a title" in got.text
    got = client.submit("/offers/events/new", {"title": "Empty"})
    assert got.status_code == 422 and "at least one offer a place" in got.text and 'value="Empty"' in got.text
    for word in ("x", "AAAAAAAAAAAAAAAA", "%00"):
        assert app.test_client().get(f"/e/{word}").status_code == 404
