"""The owner's page of keys: made once, shown once, revoked."""

from __future__ import annotations

import re

from flask import Flask
from sqlalchemy import select

from tests import factories as make
from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, text_of
from tests.web.api.tills import Till, said, why
from webapp.api import keys
from webapp.api.models import ApiKey
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import BrandRef, Scope

pytestmark = ONE_DATABASE


def test_made_shown_once_used_revoked(client: Client, app: Flask, db: Database, brand: BrandRef) -> None:
    store = db.write(lambda s: make.make_store(s, "xujiahui").id, brand=brand)
    assert "No key yet" in text_of(client.get("/settings/api").text)
    form = {"name": "Till 3", "scopes": ["coupons", "redeem"], "store": str(store), "key": "a-form-of-mine"}
    page = client.post("/settings/api/new", data=form)
    [secret] = set(re.findall(r"rgk_[\w-]+", page.text))
    assert page.headers["Cache-Control"] == "no-store"
    assert secret in client.post("/settings/api/new", data=form).text  # a double tap
    with db.read() as scope:
        row = scope.session.scalars(select(ApiKey)).one()
    assert secret not in str(vars(row)) and row.digest not in page.text
    listed = text_of(client.get("/settings/api").text)
    assert "Till 3" in listed and "xujiahui" in listed and "not yet" in listed and "rgk_" not in listed
    till = Till(app, secret)
    status = said(till.get("/status"))
    assert (status["key"]["scopes"], status["key"]["store"]["id"]) == (["coupons", "redeem"], str(store))
    assert "not yet" not in text_of(client.get("/settings/api").text)
    client.submit("/settings/api", form=f"/settings/api/{row.id}/revoke")
    assert why(till.get("/status"), 401)[0] == "key_needed"
    assert "revoked on" in text_of(client.get("/settings/api").text)


def test_what_is_missing_is_told_beside_its_field(client: Client) -> None:
    page = client.post("/settings/api/new", data={"name": "", "store": "", "key": "a-form-of-mine"})
    assert page.status_code == 422 and "What is it for?" in text_of(page.text)
    page = client.post("/settings/api/new", data={"name": "Shop", "store": "", "key": "a-form-of-mine"})
    assert (
        page.status_code == 422 and "Tick at least one." in text_of(page.text) and 'value="Shop"' in page.text
    )


def test_a_key_outlives_whoever_made_it_and_says_so(client: Client, db: Database, brand: BrandRef) -> None:
    maker = seed.actor(db, "operator")

    def work(scope: Scope) -> None:
        made = keys.make(scope, name="Till 9", scopes=["coupons"], store_id=None, key="a-form-of-theirs")
        assert not isinstance(made, Refused)

    db.write(work, brand=brand, actor=maker)
    assert "has left" not in text_of(client.get("/settings/api").text)
    person = f"/settings/staff/{maker.id}"
    assert "Till 9" in text_of(client.get(person).text)
    page = client.submit(person, form="/off")
    assert (
        "goes on working until somebody revokes it: Till 9" in text_of(page.text)
        and page.request.path == person
    )
    listed = text_of(client.get("/settings/api").text)
    assert "The maker of 1 key has left" in listed and "left on" in listed
    client.submit("/settings/api", form="/revoke")
    assert "has left" not in text_of(client.get("/settings/api").text)
    assert "Till 9" not in text_of(client.get(person).text)
