"""In a real browser: pages that swap, focus that follows, forms that go once, nothing that the content policy refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask, request
from playwright.sync_api import Page, expect

from tests.support.browser import DESK, PHONE, watch
from tests.support.databases import ONE_DATABASE
from tests.support.serving import serving
from tests.support.web import Client
from webapp.kernel.errors import UserError
from webapp.staff.routes import COOKIE

pytestmark = [ONE_DATABASE, pytest.mark.browser]
Open = Callable[..., Page]


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    with serving(app) as where:
        yield where


@pytest.fixture
def visit(address: str, client: Client, open_page: Open) -> Iterator[Open]:
    """A page of the browser, signed in as the owner. Nobody with the console open sees a complaint."""
    troubles = []

    def make(path: str, *, signed_in: bool = True, **kwargs: object) -> Page:
        page = open_page(address, **kwargs)
        if signed_in:
            session = client.get_cookie(COOKIE)
            assert session is not None
            page.context.add_cookies([{"name": COOKIE, "value": session.value, "url": address}])
        troubles.append(watch(page))
        page.goto(path)
        return page

    yield make
    # A form answered with its mistakes is a 422, which the console notes as a failed load: that is no complaint.
    assert not [said for trouble in troubles for said in trouble if "status of 4" not in said]


def path_of(page: Page) -> str:
    return urlsplit(page.url).path


def focused(page: Page) -> str:
    found: str = page.evaluate("document.activeElement.id || document.activeElement.tagName")
    return found


def test_a_link_swaps_the_page_and_takes_the_reader_along(visit: Open) -> None:
    page = visit("/")
    page.evaluate("window.still = true")
    page.get_by_role("link", name="Members", exact=True).click()
    expect(page).to_have_title("Members · Acme")
    expect(page.locator("nav [aria-current=page]")).to_have_text("Members")
    assert page.evaluate("window.still"), "the page was swapped, not loaded"
    assert path_of(page) == "/members" and focused(page) == "main"
    page.go_back()
    expect(page).to_have_title("Today · Acme")
    assert path_of(page) == "/"
    page.keyboard.press("Tab")
    assert page.locator(":focus").count() == 1


def test_the_keyboard_skips_to_the_content(visit: Open) -> None:
    page = visit("/members")
    page.keyboard.press("Tab")
    expect(page.locator(".skip:focus")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_searching_as_one_types_changes_the_rows_alone(visit: Open, client: Client) -> None:
    for name in ("Lin Xiaomei", "Jo Smith"):
        client.submit("/members/new", {"name": name})
    page = visit("/members")
    box = page.get_by_role("searchbox")
    box.press_sequentially("Jo Sm")
    expect(page.locator("#results")).not_to_contain_text("Lin Xiaomei")
    expect(page.locator("#results")).to_contain_text("Jo Smith")
    expect(box).to_be_focused()
    expect(box).to_have_value("Jo Sm")
    assert "q=Jo+Sm" in page.url
    assert page.locator("h1").count() == 1


@pytest.mark.parametrize("javascript", [True, False])
def test_mistakes_are_shown_and_what_was_typed_is_kept(visit: Open, javascript: bool) -> None:
    page = visit("/members/new", javascript=javascript)
    page.get_by_label("Name").fill("Lin")
    page.get_by_label("E-mail", exact=False).first.fill("not an address")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#errors")).to_be_visible()
    expect(page.locator("#email")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#email")).to_have_value("not an address")
    expect(page.get_by_label("Name")).to_have_value("Lin")
    if javascript:
        assert focused(page) == "errors"
        page.locator("#errors a").first.click()
        assert focused(page) == "email"


def test_a_double_tap_sends_once(visit: Open, app: Flask) -> None:
    page = visit("/members/new")
    posts = []
    page.on("request", lambda sent: posts.append(sent.url) if sent.method == "POST" else None)
    page.get_by_label("Name").fill("Twice")
    page.get_by_role("button", name="Save").dblclick()
    expect(page.locator("h1")).to_have_text("Twice")
    assert len(posts) == 1
    page.goto("/members?q=Twice")
    assert page.locator("#results tbody tr").count() == 1


def test_signed_out_elsewhere_a_fragment_opens_the_door(visit: Open) -> None:
    page = visit("/members")
    page.context.clear_cookies(name=COOKIE)
    page.get_by_role("searchbox").press_sequentially("Jo")
    expect(page.locator("h1")).to_have_text("Sign in")
    assert path_of(page) == "/sign-in"


def test_what_goes_wrong_in_a_fragment_leaves_the_page_as_it_is(
    app: Flask, visit: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        if request.args.get("q") == "Jo":
            raise UserError("Not now.")

    monkeypatch.setitem(app.before_request_funcs, None, [*app.before_request_funcs[None], refuse])
    page = visit("/members")
    page.get_by_role("searchbox").fill("Jo")
    expect(page.get_by_role("alert")).to_have_text("Not now.")
    expect(page.get_by_role("searchbox")).to_have_value("Jo")
    expect(page.locator("#results")).to_be_visible()


def test_light_and_language_change_at_once(visit: Open) -> None:
    page = visit("/members", javascript=False)
    page.get_by_role("button", name="Dark").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert path_of(page) == "/members"
    page.get_by_role("button", name="中文").click()
    assert page.locator("html").get_attribute("lang") == "zh-CN"


WIDE = "document.documentElement.scrollWidth > innerWidth"
SMALL = """[...document.querySelectorAll('a, button, input, select, textarea, summary')].filter(e => {
  const box = e.getBoundingClientRect();
  const alone = !e.closest('p, td, th, dd, caption, .error, .choice, #errors');
  return box.width && box.height < 44 && alone && !e.closest('.skip') && e.type !== 'hidden';
}).map(e => e.outerHTML.slice(0, 90))"""


@pytest.mark.parametrize(
    ("size", "looks"),
    [(PHONE, [(False, "en")]), (DESK, [(True, "zh-CN")])],
    ids=["phone", "desk"],
)
def test_nobody_is_left_out(
    visit: Open, client: Client, size: dict[str, int], looks: list[tuple[bool, str]]
) -> None:
    """Pages of the shell: axe finds nothing, nothing runs over the edge, what is touched is 44 px high."""
    client.submit("/members/new", {"name": "Alexandra Constantinopolitanska-Weissenberger"})
    for dark, locale in looks:
        page = visit("/", size=size, dark=dark, locale=locale)
        for path in ("/", "/members", "/members/new", "/more", "/nowhere", "/sign-in"):
            if path == "/sign-in":
                page.context.clear_cookies()
            page.goto(path)
            found = Axe().run(page).response["violations"]
            told = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]
            assert not told, (path, dark, locale)
            assert not page.evaluate(WIDE), path
            assert not page.evaluate(SMALL), path
        page.context.close()
