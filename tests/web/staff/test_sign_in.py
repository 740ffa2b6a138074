"""Coming in: one-time link, password, session, role, brand; and who is kept out."""

from __future__ import annotations

import sqlite3

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope
from webapp.staff import queries, service

pytestmark = ONE_DATABASE


def link(db: Database, brand: BrandRef, role: str = "clerk") -> str:
    def work(scope: Scope) -> str:
        staff = queries.by_email(scope, seed.email(role))
        assert staff is not None
        return service.new_link(scope, staff.id)

    return db.write(work, brand=brand)


def stranger(app: Flask) -> Client:
    return app.test_client()  # type: ignore[return-value]


def test_link_then_password_then_work_then_out(app: Flask, db: Database, brand: BrandRef) -> None:
    browser, token = stranger(app), link(db, brand)
    assert "clerk@acme.example" in browser.get(f"/welcome/{token}").text
    short = browser.post(f"/welcome/{token}", data={"password": "short"})
    assert short.status_code == 422 and "at least 10" in text_of(short.text)
    inside = browser.post(f"/welcome/{token}", data={"password": "a good sentence"}, follow_redirects=True)
    assert inside.status_code == 200 and "Today" in inside.text
    assert browser.get("/members").status_code == 200
    assert browser.get("/settings/plugins").status_code == 403  # not a clerk's
    assert browser.get(f"/welcome/{token}").status_code == 410  # spent

    browser.post("/sign-out")
    gone = browser.get("/members")
    assert gone.status_code == 303 and gone.location == "/sign-in?next=/members"
    back = browser.submit(
        "/sign-in?next=/members", {"email": "Clerk@Acme.example", "password": "a good sentence"}
    )
    assert back.request.path == "/members"


def test_a_password_is_hashed_outside_the_unit_that_stores_it(
    app: Flask, db: Database, brand: BrandRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes a quarter of a second by design, and a unit on SQLite keeps every other writer waiting."""
    hash_it, free = service._hasher.hash, []

    class Watching:
        def hash(self, text: str) -> str:
            with sqlite3.connect(db.url.removeprefix("sqlite:///"), timeout=0) as other:
                other.execute("BEGIN IMMEDIATE")  # raises where somebody writes
                other.rollback()
            free.append(True)
            return hash_it(text)

    monkeypatch.setattr(service, "_hasher", Watching())
    answer = stranger(app).post(f"/welcome/{link(db, brand)}", data={"password": "a good sentence"})
    assert answer.status_code == 303 and free == [True]


def test_wrong_password_and_unknown_address_are_told_alike_and_what_was_typed_is_kept(
    app: Flask, db: Database, brand: BrandRef
) -> None:
    browser = stranger(app)
    told = []
    for email in (seed.email("owner"), "nobody@acme.example"):
        answer = browser.submit("/sign-in", {"email": email, "password": "not this one"})
        assert answer.status_code == 422 and f'value="{email}"' in answer.text
        told.append(text_of(answer.text).replace(email, ""))
    assert told[0] == told[1]


def test_a_door_that_is_rattled_closes_for_a_while(app: Flask) -> None:
    browser = stranger(app)
    statuses = [
        browser.post("/sign-in", data={"email": "rattle@acme.example", "password": f"guess {n}"}).status_code
        for n in range(12)
    ]
    assert statuses[:10] == [422] * 10 and statuses[-1] == 429


def test_a_whole_shop_comes_in_by_one_router(app: Flask, db: Database, brand: BrandRef) -> None:
    assert (
        stranger(app).post(f"/welcome/{link(db, brand)}", data={"password": "a good sentence"}).status_code
        == 303
    )
    said = {"email": seed.email("clerk"), "password": "a good sentence"}
    assert {stranger(app).post("/sign-in", data=said).status_code for _ in range(21)} == {303}


def test_next_never_leads_elsewhere(app: Flask, client: Client) -> None:
    for bad in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        assert client.get("/sign-in", query_string={"next": bad}).location == "/"


def test_a_forged_request_changes_nothing(client: Client) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert client.post("/sign-out", headers=headers).status_code == 400
    assert client.get("/").status_code == 200


def test_without_fetch_metadata_origin_or_token_decides(app: Flask, db: Database) -> None:
    bare = FlaskClient(app, app.response_class)
    assert bare.post("/sign-in", data={"email": "x"}).status_code == 400
    assert (
        bare.post("/sign-in", data={"email": "x"}, headers={"Origin": "http://localhost"}).status_code == 422
    )
    assert (
        bare.post("/sign-in", data={"email": "x"}, headers={"Origin": "http://evil.example"}).status_code
        == 400
    )
    page = bare.get("/sign-in").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    assert bare.post("/sign-in", data={"email": "x", "csrf_token": token}).status_code == 422
    assert bare.post("/sign-in", data={"email": "x", "csrf_token": "guess"}).status_code == 400


def test_sessions_run_out_and_a_new_password_ends_them(
    app: Flask, db: Database, brand: BrandRef, client: Client
) -> None:
    with time_machine.travel(seed.BORN.replace(year=2100), tick=False):
        assert client.get("/members").status_code == 303
    assert client.get("/members").status_code == 200

    hashed = service.hash_password("another sentence")
    assert not isinstance(hashed, Refused)

    def change(scope: Scope) -> None:
        staff = queries.by_email(scope, seed.email("owner"))
        assert staff is not None
        service.set_password(scope, staff, hashed)

    db.write(change, brand=brand)
    assert client.get("/members").status_code == 303


def test_language_and_light_are_kept(client: Client) -> None:
    client.post("/preferences", data={"lang": "zh_CN", "theme": "dark", "next": "/members"})
    page = client.get("/members").text
    assert '<html lang="zh-CN" data-theme="dark">' in page
    client.post("/preferences", data={"lang": "xx", "theme": "neon", "next": "/"})
    assert '<html lang="zh-CN" data-theme="dark">' in client.get("/members").text
