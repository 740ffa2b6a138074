"""Pages of plugins: the core's doors hold for all of them, whoever wrote them."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests import factories as make
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, forms_of, text_of
from webapp.kernel import secrets
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.plugin_runtime import context, runtime
from webapp.plugin_runtime.models import PluginWork
from webapp.staff.permissions import PERMISSIONS, ROLES
from webapp.tasks.models import Task

pytestmark = ONE_DATABASE


@pytest.fixture
def somebody(probe_app: Flask) -> Client:
    browser: Client = probe_app.test_client()  # type: ignore[assignment]
    return browser


def address(brand: BrandRef, path: str = "") -> str:
    return f"/x/coupon_probe/{secrets.brand_token(brand.id)}" + (f"/{path}" if path else "")


def tasks(db: Database) -> list[str]:
    with db.read() as scope:
        return list(scope.session.scalars(select(Task.title).where(Task.title.startswith("noted"))))


# ------------------------------------------------------------------------------------------------------------ looking


def test_a_public_page_is_the_brands_whose_word_it_is(
    somebody: Client, db: Database, brand: BrandRef
) -> None:
    answer = somebody.get(address(brand) + "?name=<b>Ada</b>")
    assert answer.status_code == 200 and f"Probe of {brand.name}" in answer.text
    assert "<b>Ada" not in answer.text and "noindex" in answer.headers["X-Robots-Tag"]
    assert answer.headers["Cache-Control"] == "private, max-age=1"
    assert 'class="guest"' in answer.text, "inside the members' layout"
    other = db.write(lambda s: make.make_brand(s, "other", name="Other house"))
    there = somebody.get(address(other))
    assert "Probe of Other house" in there.text and brand.name not in text_of(there.text)
    chinese = somebody.get(address(brand), headers={"Accept-Language": "zh-CN"}).text
    assert "To the content" not in chinese, "the core's words in the layout stay translated"


def test_where_there_is_nothing_is_a_plain_404(somebody: Client, brand: BrandRef) -> None:
    word, strange = secrets.brand_token(brand.id), secrets.brand_token(2**60)
    for url in (
        *(address(brand, path) for path in ("nothing-here", "none", "deep/er", "join/")),
        *(f"/x/coupon_probe/{bad}" for bad in ("x", "____", strange, "A" * 900)),
        f"/x/nobody/{word}",
        f"/x/coupon_cash/{word}",
    ):
        assert somebody.get(url).status_code == 404, url


def test_switched_off_for_a_brand_it_is_not_there(
    somebody: Client, owner: Client, db: Database, brand: BrandRef
) -> None:
    assert "Probe's page" in text_of(owner.get("/more").text)
    assert owner.get("/plugins/coupon_probe").status_code == 200
    db.write(lambda scope: context.switch(scope, "coupon_probe", on=False), brand=brand)
    assert somebody.get(address(brand)).status_code == 404
    assert somebody.post(address(brand, "join"), data={"key": "12345678"}).status_code == 404
    assert owner.get("/plugins/coupon_probe").status_code == 404
    assert "Probe's page" not in text_of(owner.get("/more").text)


def test_what_a_plugin_does_wrong_is_an_error_page_and_nothing_else(
    somebody: Client, db: Database, brand: BrandRef
) -> None:
    """It raises, its template does, it shows another's, leads out of the shop, answers nothing, or writes on a GET."""
    for path in ("raises", "bad-template", "others-template", "away", "wrong", "writes"):
        answer = somebody.get(address(brand, path))
        assert answer.status_code == 500 and "plugin's own making" not in answer.text, path
        assert "Traceback" not in answer.text and 'class="guest"' in answer.text
    with db.read() as scope:
        assert scope.session.scalar(select(func.count()).select_from(PluginWork)) == 0
    assert somebody.get(address(brand)).status_code == 200


# ------------------------------------------------------------------------------------------------------------ posting


def test_a_form_does_its_work_once_and_what_it_says_is_shown(
    somebody: Client, db: Database, brand: BrandRef, me: str
) -> None:
    url = address(brand)
    [form] = [one for one in forms_of(somebody.get(url).text) if one.action.endswith("/join")]
    filled = form.fields | {"name": "Ada", "staff": me}
    for _ in range(3):
        answer = somebody.post(form.action, data=filled, follow_redirects=True)
        assert answer.status_code == 200 and "Joined as Ada." in answer.text
    assert tasks(db) == ["noted Ada"]


def test_a_form_that_is_answered_with_a_page_has_changed_nothing(
    somebody: Client, db: Database, brand: BrandRef, me: str
) -> None:
    form = {"key": "a-key-of-a-form", "name": "Ada", "staff": me}
    late = somebody.post(address(brand, "join"), data=form | {"late": "1"})
    assert late.status_code == 422 and "too late" in late.text and tasks(db) == []
    assert somebody.post(address(brand, "join"), data=form).status_code == 303, "the key is not spent"
    assert tasks(db) == ["noted Ada"]
    other = form | {"key": "another-key-of-a-form"}
    assert somebody.post(address(brand, "raises"), data=other).status_code == 500
    assert tasks(db) == ["noted Ada"]


def test_forms_need_a_key_and_come_from_our_pages(somebody: Client, brand: BrandRef, me: str) -> None:
    form = {"name": "Ada", "staff": me}
    assert somebody.post(address(brand, "join"), data=form).status_code == 400
    forged = somebody.post(
        address(brand, "join"), data=form | {"key": "12345678"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert forged.status_code == 400
    assert somebody.post(address(brand, "text"), data={"key": "12345678"}).status_code == 405


# ------------------------------------------------------------------------------------------------------------ the staff


def test_a_staff_page_asks_for_its_own_permission(probe_app: Flask, owner: Client, me: str) -> None:
    assert owner.get("/plugins/coupon_probe/deep/er").text == me
    for role in ROLES:
        browser: Client = probe_app.test_client()  # type: ignore[assignment]
        browser.sign_in(role)
        for path, permission in (("", "coupons.view"), ("/deep/er", "plugins.edit")):
            status = browser.get(f"/plugins/coupon_probe{path}").status_code
            assert status == (200 if permission in ROLES[role] else 403), (role, path)
        assert ("Probe's page" in text_of(browser.get("/more").text)) == ("coupons.view" in ROLES[role])
    stranger = probe_app.test_client().get("/plugins/coupon_probe")
    assert stranger.status_code == 303 and "/sign-in" in stranger.headers["Location"]


def test_every_page_that_ships_is_behind_its_permission(app: Flask) -> None:
    """The walk of the core's routes knows the doors alone; this one opens what is behind them."""
    walked = 0
    for role in ROLES:
        browser: Client = app.test_client()  # type: ignore[assignment]
        browser.sign_in(role)
        for name, loaded in runtime.registry().plugins.items():
            for page in loaded.staff.values():
                assert page.permission in PERMISSIONS
                status = browser.get(f"/plugins/{name}/{page.path}".rstrip("/")).status_code
                assert (status in (200, 303)) if page.permission in ROLES[role] else status == 403, (
                    role,
                    name,
                    page.path,
                )
                walked += 1
    assert walked
