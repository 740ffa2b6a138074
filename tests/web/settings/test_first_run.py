"""From an empty shop to one that works: the first link, the first brand, the list that ticks itself off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.factories.members import make_members
from tests.support import seed
from tests.support.databases import ONE_DATABASE
from tests.support.smtp import SmtpReceiver
from tests.support.web import Client, make_app, text_of
from webapp.kernel import clock
from webapp.kernel.db import Database
from webapp.settings import first_run, steps

pytestmark = ONE_DATABASE
OWNER = {"email": "Ada@Shop.example", "name": "Ada", "password": "a good sentence"}


@pytest.fixture
def empty(migrated_url: str) -> Iterator[Database]:
    """A shop with tables and nothing in them."""
    db = seed.database(migrated_url)
    yield db
    db.close()


@pytest.fixture
def guest(empty: Database, tmp_path: Path) -> Client:
    """A guest of somebody who reads English."""
    client: Client = make_app(tmp_path / "instance", empty).test_client()  # type: ignore[assignment]
    client.set_cookie("rg_lang", "en")
    return client


def link(db: Database) -> str:
    token = db.write(first_run.new_link)
    assert token is not None
    return token


def picture(kind: str = "PNG", size: tuple[int, int] = (400, 200)) -> BytesIO:
    out = BytesIO()
    Image.new("RGB", size, "#1a6650").save(out, kind)
    out.seek(0)
    return out


def brand_new(guest: Client, db: Database, **shop: Any) -> None:
    """Sign up and make the shop."""
    answer = guest.submit(f"/start/{link(db)}", OWNER)
    assert answer.request.path == "/setup/shop", text_of(answer.text)
    given = {"name": "Morning Tea", "region": "CN", "locale": "zh_CN", "colour": "#1a6650"} | shop
    answer = guest.submit("/setup/shop", given)
    assert answer.request.path == "/setup", text_of(answer.text)


def test_from_the_link_to_a_shop_with_its_guesses(guest: Client, empty: Database) -> None:
    brand_new(guest, empty, logo=(picture(), "sign.png"))
    brand = seed.brand(empty, "morning-tea")
    assert (brand.currency, brand.timezone, brand.locale, brand.colour) == (
        "CNY",
        "Asia/Shanghai",
        "zh_CN",
        "#1a6650",
    )
    shown = guest.get(f"/logo/morning-tea/{brand.logo}")
    assert shown.mimetype == "image/png" and "sandbox" in shown.headers["Content-Security-Policy"]
    assert Image.open(BytesIO(shown.data)).size == (320, 160)
    assert guest.get("/logo/morning-tea/other").status_code == 404
    assert f"/logo/morning-tea/{brand.logo}" in guest.get("/").text  # the shell wears it


def test_the_link_works_once_and_ends_with_the_next_start_and_with_the_first_owner(
    guest: Client, empty: Database
) -> None:
    older, newer = link(empty), link(empty)
    assert guest.get(f"/start/{older}").status_code == 410
    assert guest.get(f"/start/{newer}").status_code == 200
    with empty.read(now=clock.now() + first_run.LIVES + timedelta(seconds=1)) as scope:
        assert not first_run.is_good(scope, newer)
    brand_new(guest, empty)
    assert empty.write(first_run.new_link) is None
    assert guest.get(f"/start/{newer}").status_code == 410
    assert guest.post(f"/start/{newer}", data=OWNER).status_code == 410
    assert guest.get("/setup/shop").location == "/settings/shop"  # nor is there a second brand
    assert guest.post("/setup/shop", data={"name": "Second", "region": "CN"}).location == "/settings/shop"


def test_mistakes_are_told_beside_the_field_and_what_was_typed_is_kept(
    guest: Client, empty: Database
) -> None:
    token = link(empty)
    for wrong, said in ({"password": "short"}, "at least 10"), ({"email": "ada"}, "no e-mail address"):
        answer = guest.post(f"/start/{token}", data=OWNER | wrong)
        assert answer.status_code == 422 and said in text_of(answer.text) and 'value="Ada"' in answer.text
    guest.submit(f"/start/{token}", OWNER)
    for wrong, said in (
        ({"region": ""}, "Choose the country"),
        ({"region": "US"}, "several time zones"),
        ({"name": ""}, "Give the name"),
        ({"code": "Tea!"}, "small letters"),
        ({"logo": (BytesIO(b"<svg onload=alert(1)>"), "x.svg")}, "no picture that we can read"),
    ):
        answer = guest.submit("/setup/shop", {"name": "Morning Tea", "region": "CN", "zone_seen": ""} | wrong)
        assert answer.status_code == 422 and said in text_of(answer.text), (wrong, text_of(answer.text))
    with empty.read() as scope:
        assert first_run.may_begin(scope)


def test_a_guest_says_which_of_a_countrys_zones(guest: Client, empty: Database) -> None:
    brand_new(guest, empty, region="US", zone_seen="America/Denver", code="tea", locale="en")
    brand = seed.brand(empty, "tea")
    assert (brand.currency, brand.timezone) == ("USD", "America/Denver")


def test_a_brand_without_an_owner_falls_to_the_first_link(guest: Client, empty: Database) -> None:
    seed.plant(empty.url)

    def gone(scope: Any) -> None:
        from sqlalchemy import update

        from webapp.staff.models import StaffRole

        scope.session.execute(update(StaffRole).where(StaffRole.role == "owner").values(role="clerk"))

    empty.write(gone)
    answer = guest.submit(f"/start/{link(empty)}", OWNER)
    assert answer.request.path == "/" and "Acme" in answer.text
    assert guest.get("/settings/shop").status_code == 200


def test_steps_are_ticked_by_what_is_there_and_found_again_on_today(
    guest: Client, empty: Database, smtp: SmtpReceiver
) -> None:
    brand_new(guest, empty)
    brand = seed.brand(empty, "morning-tea")

    def done() -> list[str]:
        with empty.read(brand=brand) as scope:
            return [step for step, so in steps.done(scope).items() if so]

    assert done() == ["shop"]
    strip = text_of(guest.get("/settings/shop").text)
    assert "Next: Stores" in strip and "First steps: 1 of" in strip

    answer = guest.post(
        "/settings/stores", data={"names": "Nanjing Road = 01\n\nXujiahui\nXujiahui"}, follow_redirects=True
    )
    assert "2 stores added" in text_of(answer.text)
    mail = {"host": "127.0.0.1", "port": smtp.port, "security": "none", "from_address": "tea@shop.example"}
    answer = guest.post("/setup/mail", data=mail | {"test": "1", "port": "1"})  # nobody answers there
    assert answer.status_code == 422 and 'value="tea@shop.example"' in answer.text
    assert guest.post("/setup/mail", data=mail | {"port": "many"}).status_code == 422
    answer = guest.post("/setup/mail", data=mail | {"test": "1"}, follow_redirects=True)
    assert "Sent to ada@shop.example" in text_of(answer.text)
    assert list(smtp.addresses()) == ["ada@shop.example"]
    empty.write(lambda scope: make_members(scope, 1), brand=brand)
    assert done() == ["shop", "stores", "mail", "import"]

    guest.post("/setup/later")
    assert "Next: " not in guest.get("/members").text  # no longer led
    today = guest.get("/").text
    assert "First steps" in today and today.count('class="done"') >= 3
    guest.post("/setup/away", data={"away": "1"})
    assert "First steps" not in guest.get("/").text
    guest.post("/setup/away", data={"away": "0"})
    assert "First steps" in guest.get("/").text
