"""Members on the phone: add, find, correct, agree; once, in words, and masked for those who need no more."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.kernel.db import Database
from webapp.members.models import Consent, Member

pytestmark = ONE_DATABASE
LI = {"name": "Li Lei", "phone": "138 0013 8000", "email": "li@acme.example"}


def test_adding_twice_with_one_key_adds_one(client: Client, db: Database) -> None:
    page = client.get("/members/new").text
    key = page.split('name="key" value="')[1].split('"')[0]
    places = [client.post("/members/new", data={**LI, "store": "0", "key": key}).location for _ in range(2)]
    assert places[0] == places[1]
    with db.read() as scope:
        assert len(scope.session.scalars(select(Member)).all()) == 1
    profile = text_of(client.get(places[0]).text)
    assert "Li Lei" in profile and "+8613800138000" in profile and "may not be written to" in profile


def test_a_wrong_field_is_told_beside_it_and_what_was_typed_stays(client: Client) -> None:
    answer = client.submit("/members/new", {"name": "Han Mei", "phone": "12"})
    assert answer.status_code == 422
    assert 'value="Han Mei"' in answer.text and "no phone number" in answer.text
    client.submit("/members/new", LI)
    taken = client.submit("/members/new", {"name": "Other", "phone": "13800138000"})
    assert taken.status_code == 422 and "Another member holds this phone" in taken.text
    # mended and sent again from that very page: the key is a fresh one
    again = client.post(
        "/members/new", data={**LI, "phone": "13800138001", "store": "0", "key": _key(taken.text)}
    )
    assert again.status_code == 303


def test_consent_is_recorded_only_where_it_was_said(client: Client, db: Database) -> None:
    place = client.submit("/members/new", LI).request.path
    assert _consents(db) == []
    client.submit(f"{place}/edit", {"consent_email": "y"})
    client.submit(f"{place}/edit", {"name": "Li Lei 2"})
    assert [(c.channel, c.granted, c.source) for c in _consents(db)] == [("email", True, "counter")]
    client.submit(f"{place}/edit", {"consent_email": None})
    assert [c.granted for c in _consents(db)] == [True, False]
    assert "said no" in client.get(place).text


def test_search_by_name_number_and_end_of_phone(client: Client) -> None:
    client.submit("/members/new", LI)
    client.submit("/members/new", {"name": "Wang Fang", "phone": "13900139000", "number": "0042"})
    for typed, found in (
        ("wang", "Wang Fang"),
        ("0042", "Wang Fang"),
        ("8000", "Li Lei"),
        ("li@acme.example", "Li Lei"),
    ):
        part = client.fragment(f"/members?q={typed}")
        assert found in part.text and "<html" not in part.text, typed
    assert "Nobody fits" in client.get("/members?q=zzz").text
    boosted = client.get("/members?q=wang", headers={"HX-Request": "true", "HX-Request-Type": "full"})
    assert "<html" in boosted.text and "HX-Request-Type" in boosted.headers["Vary"]


def test_a_clerk_sees_masked_phones_and_keeps_what_they_do_not_see(app: Flask, client: Client) -> None:
    place = client.submit("/members/new", LI).request.path
    clerk: Client = app.test_client()  # type: ignore[assignment]
    clerk.sign_in("clerk")
    for page in (place, "/members", f"{place}/edit"):
        shown = clerk.get(page).text
        assert "13800138000" not in shown and "li@acme.example" not in shown, page
    clerk.submit(f"{place}/edit", {"name": "Li Lei corrected"})
    shown = text_of(client.get(place).text)
    assert "Li Lei corrected" in shown and "+8613800138000" in shown and "li@acme.example" in shown


def test_another_brands_member_is_not_there(client: Client) -> None:
    assert client.get("/members/999999").status_code == 404
    assert client.get("/members/999999/edit").status_code == 404
    assert client.get("/members/999999/orders").status_code == 404


def _key(html: str) -> str:
    return html.split('name="key" value="')[1].split('"')[0]


def _consents(db: Database) -> list[Consent]:
    with db.read() as scope:
        return list(scope.session.scalars(select(Consent).order_by(Consent.id)))
