"""From the first owner's link to the list of first steps, by a phone: the pages that only an empty shop has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.test_walk import RUN_AXE
from tests.support import seed
from tests.support.browser import chinese_fonts, watch
from tests.support.databases import ONE_DATABASE
from tests.support.serving import AXE, serving
from tests.support.web import make_app
from webapp.settings import first_run

pytestmark = [pytest.mark.browser, ONE_DATABASE]


@pytest.mark.parametrize(
    ("locale", "dark", "steps"),
    [pytest.param("en", False, "First steps", marks=pytest.mark.drill), ("zh-CN", True, "开店步骤")],
)
def test_an_empty_shop_becomes_one_by_pages_alone(
    migrated_url: str, tmp_path: Path, open_page: Callable[..., Page], locale: str, dark: bool, steps: str
) -> None:
    chinese_fonts()
    db = seed.database(migrated_url)
    token = db.write(first_run.new_link)

    def sound() -> None:
        assert page.evaluate(RUN_AXE, [AXE, None]) == [], page.url
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not page.evaluate(wide), page.url

    with serving(make_app(tmp_path / "instance", db)) as address:
        page = open_page(address, locale=locale, dark=dark)
        trouble = watch(page)
        page.goto(f"/start/{token}")
        sound()
        for field, text in (("email", "ada@shop.example"), ("name", "Ada"), ("password", "a good sentence")):
            page.fill(f"#{field}", text)
        page.click("main button.act")
        page.wait_for_url("**/setup/shop")
        assert page.input_value("[data-zone]")  # the browser's own clock helps to guess
        sound()
        page.fill("#name", "Morning Tea")
        page.select_option("#region", "CN")
        page.click("main button.act")
        page.wait_for_url("**/setup")
        assert page.inner_text("h1") == steps
        sound()
        page.click("main .checklist li:not(.done) a")  # the next one: stores, with the strip above it
        page.wait_for_url("**/settings/stores")
        sound()
        assert not trouble
        page.context.close()
    assert seed.brand(db, "morning-tea").timezone == "Asia/Shanghai"
    db.close()
