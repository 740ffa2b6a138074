"""Every page and error state in a real browser, once per theme and language: no complaint in the console, nothing for axe
to find, nothing wider than the screen, and light over the wire."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Response
from werkzeug.test import TestResponse

from tests.browser import pages
from tests.browser.pages import STOPS, Stop
from tests.browser.shop import Shop, build, served
from tests.support import seed
from tests.support.browser import DESK, PHONE, chinese_fonts, watch
from tests.support.databases import ONE_DATABASE
from tests.support.smtp import SmtpReceiver
from tests.support.web import Client
from webapp.kernel.db import Database

pytestmark = [pytest.mark.browser, ONE_DATABASE]
COMBINATIONS = [
    pytest.param("en", False, PHONE, id="en-light-phone"),
    pytest.param("zh-CN", True, PHONE, id="zh-dark-phone"),
    pytest.param("zh-CN", False, DESK, id="zh-light-desk"),
    pytest.param("en", True, DESK, id="en-dark-desk"),
]
FIRST_VISIT, LATER_PAGE = 45_000, 15_000  # bytes over the wire (look.md)


@pytest.fixture
def shop(db_url: str, tmp_path: Path, smtp: SmtpReceiver) -> Iterator[Shop]:
    db: Database = seed.database(db_url)
    made = build(db, tmp_path / "instance", smtp.port)
    with served(made.app) as address:
        made.address = address
        yield made
    db.close()


def test_no_page_is_forgotten(shop: Shop) -> None:
    assert pages.missing(shop.app) == set()


@pytest.mark.parametrize(("locale", "dark", "size"), COMBINATIONS)
def test_every_page(
    shop: Shop, open_page: Callable[..., Page], locale: str, dark: bool, size: dict[str, int]
) -> None:
    chinese_fonts()
    wrong: list[str] = []
    for who in sorted({stop.who for stop in STOPS}, key=str):
        page = open_page(shop.address, size=size, locale=locale, dark=dark)
        page.context.add_cookies(pages.cookies(shop, who))  # type: ignore[arg-type]
        trouble = watch(page)
        for stop in (stop for stop in STOPS if stop.who == who):
            shop.ids["link"] = shop.link() if stop.endpoint == "staff.welcome" else ""
            trouble.clear()
            wrong += [f"{stop.endpoint} {stop.fill or ''}: {what}" for what in look(page, stop, shop, locale)]
            # the browser itself reports a 4xx answer of the page as an error of the console
            wrong += [
                f"{stop.endpoint}: {what}" for what in trouble if "the server responded with" not in what
            ]
    assert not wrong, "\n".join(wrong)


def look(page: Page, stop: Stop, shop: Shop, locale: str) -> Iterator[str]:
    """What is wrong with one page."""
    answer = page.goto(stop.path(shop.ids))
    if stop.fill is not None:
        for name, text in stop.fill.items():
            page.fill(f"main [name={name}]", text)
        with page.expect_response(lambda r: r.request.method == "POST") as posted:
            page.click("main button.act, main button[type=submit].act", no_wait_after=False)
        answer = posted.value
        page.wait_for_selector("main .error, main .notice")
    assert isinstance(answer, Response)
    if answer.status != stop.status:
        yield f"answered {answer.status}, not {stop.status}"
    lang = page.get_attribute("html", "lang")
    if lang != locale:
        yield f"is in {lang}"
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        yield "is wider than the screen"
    for found in Axe().run(page).response["violations"]:
        where = "; ".join(str(node["html"])[:160] for node in found["nodes"][:3])
        yield f"axe {found['id']}: {where}"


def test_weight_over_the_wire(shop: Shop) -> None:
    """A first visit is the page with its style, script and icons; later pages find those in the browser's cache."""
    heavy: list[str] = []
    for stop in STOPS:
        if stop.fill is not None or stop.status != 200:
            continue
        shop.ids["link"] = shop.link() if stop.endpoint == "staff.welcome" else ""
        visitor: Client = shop.app.test_client()  # type: ignore[assignment]
        if stop.who:
            visitor.sign_in(stop.who)
        page = visitor.get(stop.path(shop.ids), headers={"Accept-Encoding": "gzip"})
        later = wire(page)
        html = gzip.decompress(page.data).decode() if page.content_encoding == "gzip" else page.text
        parts = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', html))
        first = later + sum(wire(visitor.get(part, headers={"Accept-Encoding": "gzip"})) for part in parts)
        if first >= FIRST_VISIT or later >= LATER_PAGE:
            heavy.append(f"{stop.endpoint}: {first} bytes on a first visit, {later} later")
    assert not heavy, "\n".join(heavy)


def wire(answer: TestResponse) -> int:
    """What an answer weighs with its headers."""
    assert answer.status_code == 200, answer.request.path
    return len(answer.data) + sum(len(name) + len(value) + 4 for name, value in answer.headers)
