"""The shop's settings: name, picture, stores; the public address, and the phone that checks it."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image

from tests.factories.members import make_members
from tests.factories.orders import make_orders
from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, settings, text_of
from webapp import create_app
from webapp.brands import queries
from webapp.kernel import clock, links
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.settings import address

pytestmark = ONE_DATABASE
SHOP = {"name": "Acme", "region": "CN", "locale": "en", "colour": "#1a6650"}


@pytest.fixture
def client(client: Client) -> Client:
    """Reads English."""
    client.set_cookie("rg_lang", "en")
    return client


def drawn(size: tuple[int, int], kind: str, mode: str = "RGB") -> bytes:
    out = BytesIO()
    Image.effect_noise(size, 90).convert(mode).save(out, kind)
    return out.getvalue()


def test_the_logo_comes_goes_and_is_on_members_pages(client: Client, db: Database) -> None:
    sign = BytesIO(drawn((300, 300), "PNG"))
    answer = client.post("/settings/shop", data=SHOP | {"logo": (sign, "sign.png")}, follow_redirects=True)
    digest = seed.brand(db).logo
    assert digest and f"/logo/acme/{digest}" in answer.text
    stranger: Client = client.application.test_client()  # type: ignore[assignment]
    assert stranger.get(f"/logo/acme/{digest}").data.startswith(b"\x89PNG")
    client.post("/settings/shop", data=SHOP | {"drop_logo": "y"})
    assert seed.brand(db).logo == "" and stranger.get(f"/logo/acme/{digest}").status_code == 404


def test_currency_and_zone_hold_once_something_is_written_in_them(
    client: Client, db: Database, brand: BrandRef
) -> None:
    client.post("/settings/shop", data=SHOP | {"currency": "JPY", "timezone": "Asia/Tokyo", "region": "JP"})
    now = seed.brand(db)
    assert (now.currency, now.timezone, now.region) == ("JPY", "Asia/Tokyo", "JP")

    def sell(scope: Scope) -> None:
        make_orders(scope, make_members(scope, 1)[0], [scope.today])

    db.write(sell, brand=now)
    assert "cannot be changed any more" in text_of(client.get("/settings/shop").text)
    client.post(
        "/settings/shop", data=SHOP | {"name": "Acme 2", "currency": "CNY", "timezone": "Asia/Shanghai"}
    )
    after = seed.brand(db)
    assert (after.name, after.currency, after.timezone) == ("Acme 2", "JPY", "Asia/Tokyo")


def test_stores_are_added_renamed_and_closed(client: Client, db: Database, brand: BrandRef) -> None:
    answer = client.post("/settings/stores", data={"names": f"{'x' * 130}\nNew"})
    assert answer.status_code == 422 and "1 to 120" in text_of(answer.text) and "New" in answer.text
    client.post("/settings/stores", data={"names": "New = 07"})
    with db.read(brand=brand) as scope:
        stores = {store.code: store for store in queries.stores(scope)}
    assert set(stores) == {
        *seed.STORES,
        "07",
    }  # the line that could not stand has kept the other one out, too
    again = client.post("/settings/stores", data={"names": "New"})
    assert again.status_code == 422 and "There is a store of this name" in text_of(again.text)
    page = f"/settings/stores/{stores['07'].id}"
    taken = client.post(page, data={"name": "New", "code": "xujiahui"})
    assert taken.status_code == 422 and "Another store is called so" in text_of(taken.text)
    client.post(page, data={"name": "New Road", "code": "7", "address": "1 New Road"})
    with db.read(brand=brand) as scope:
        store = next(one for one in queries.stores(scope) if one.code == "7")
    assert (store.name, store.address, store.open) == ("New Road", "1 New Road", False)
    assert client.get("/settings/stores/1").status_code == 404


def word(client: Client) -> str:
    """Begin a check; the word of the page that the phone opens."""
    page = client.post("/settings/address/check", follow_redirects=True)
    return page.text.split("/reach/")[1].split('"')[0].split("<")[0]


def test_a_phone_from_outside_checks_the_address_and_another_address_is_unchecked_again(
    app: Flask, client: Client
) -> None:
    client.post("/settings/address", data={"address": "https://shop.example"})
    assert links.base() == "https://shop.example"
    page = client.get("/settings/address").text
    assert "Unchecked: https://shop.example" in text_of(page)
    opened = word(client)
    phone: Client = app.test_client()  # type: ignore[assignment]

    elsewhere = phone.get(f"/reach/{opened}", environ_base={"REMOTE_ADDR": "93.184.216.34"})
    assert elsewhere.status_code == 409  # the shop's own network's name for it
    there = {"base_url": "https://shop.example", "environ_base": {"REMOTE_ADDR": "93.184.216.34"}}
    assert phone.get("/reach/guess", **there).status_code == 410
    assert "It works" in phone.get(f"/reach/{opened}", **there).text
    known = links.state()
    assert known is not None and known.checked and known.how == "outside"
    assert "Checked: https://shop.example" in text_of(client.get("/settings/address").text)

    client.post("/settings/address", data={"address": "https://other.example"})
    known = links.state()
    assert known is not None and not known.checked
    assert phone.get(f"/reach/{opened}", **there).status_code == 410  # that check ended with its address


def test_behind_a_proxy_that_hides_the_phone_the_person_says_where_it_is(app: Flask, client: Client) -> None:
    client.post("/settings/address", data={"address": "https://shop.example"})
    opened = f"/reach/{word(client)}"
    phone: Client = app.test_client()  # type: ignore[assignment]
    there = {"base_url": "https://shop.example", "environ_base": {"REMOTE_ADDR": "127.0.0.1"}}
    assert "Nearly there" in phone.get(opened, **there).text
    known = links.state()
    assert known is not None and not known.checked
    assert "It works" in phone.post(opened, **there).text
    known = links.state()
    assert known is not None and known.how == "said"


def test_a_check_runs_out(db: Database) -> None:
    token = db.write(lambda scope: address.begin_check(scope, "https://shop.example"))

    def late(scope: Scope) -> str:
        return address.opened(scope, token, host="shop.example", remote="93.184.216.34")

    assert db.write(late, now=clock.now() + address.LIVES + timedelta(seconds=1)) == "unknown"


def test_who_sends_is_told_that_the_address_is_unchecked(client: Client, db: Database) -> None:
    from flask import render_template

    with client.application.test_request_context("/"):
        assert "Unchecked" in render_template("fragments/settings/_unchecked.html")
    client.post("/settings/address", data={"address": "https://shop.example"})
    token = db.write(lambda scope: address.begin_check(scope, "https://shop.example"))
    db.write(lambda scope: address.opened(scope, token, host="shop.example", remote="93.184.216.34"))
    with client.application.test_request_context("/"):
        assert render_template("fragments/settings/_unchecked.html").strip() == ""


@pytest.mark.parametrize(("proxies", "told"), [(0, "10.0.0.9"), (1, "198.51.100.7"), (2, "203.0.113.5")])
def test_only_as_many_proxies_are_believed_as_there_are(
    db: Database, tmp_path: Path, proxies: int, told: str
) -> None:
    app = create_app(settings(tmp_path / "i", db.url, proxies=proxies), db)
    app.testing = True
    app.test_client_class = Client
    owner: Client = app.test_client()  # type: ignore[assignment]
    owner.sign_in().set_cookie("rg_lang", "en")
    page = owner.get(
        "/settings/address",
        headers={"X-Forwarded-For": "203.0.113.5, 198.51.100.7"},
        environ_base={"REMOTE_ADDR": "10.0.0.9"},
    )
    assert f"coming from {told};" in text_of(page.text)
