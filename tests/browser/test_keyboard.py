"""Without a mouse: every main page can be walked with Tab alone, in the order it is read, with the focus in sight."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import pages
from tests.browser.shop import Shop
from tests.support.browser import DESK, PHONE

pytestmark = pytest.mark.browser
WALKED = [
    ("owner", "/"),
    ("owner", "/more"),
    ("owner", "/members"),
    ("owner", "/members/new"),
    ("owner", "/members/{member}"),
    ("owner", "/campaigns/{draft}/audience"),
    ("owner", "/offers/new?type=spend_and_save"),
    ("clerk", "/counter"),
    (None, "/sign-in"),
    (None, "/c/{token}"),
]
# Marks what can be reached in the order of the document, then tells where the focus is: its number, whether it can be seen,
# whether it is marked (an outline or a shadow), and the words it is called by.
MARK = """() => {
  const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')].filter(
    e => e.checkVisibility() && !e.disabled && e.tabIndex >= 0 && e.type !== 'hidden');
  const seen = new Set();
  let n = 0;
  for (const e of all) {
    if (e.type === 'radio') { if (seen.has(e.name)) { e.dataset.stop = n - 1; continue; } seen.add(e.name); }
    e.dataset.stop = n++;
  }
  return n;
}"""
HERE = """() => {
  const e = document.activeElement;
  if (!e || e === document.body || e.dataset.stop === undefined) return null;
  const box = e.getBoundingClientRect(), style = getComputedStyle(e);
  const around = e.closest('label') ? getComputedStyle(e.closest('label')) : style;
  const marked = [style, around].some(s => (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none');
  return {stop: +e.dataset.stop, marked, html: e.outerHTML.slice(0, 100),
    seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth};
}"""


@pytest.mark.parametrize("size", [PHONE, pytest.param(DESK, marks=pytest.mark.drill)], ids=["phone", "desk"])
def test_tab_goes_through_every_page(
    shop: Shop, open_page: Callable[..., Page], size: dict[str, int]
) -> None:
    wrong: list[str] = []
    for who in (None, "owner", "clerk"):
        page = open_page(shop.address, size=size)
        page.context.add_cookies(pages.cookies(shop, who))  # type: ignore[arg-type]
        for path in (path for role, path in WALKED if role == who):
            page.goto(path.format(**shop.ids))
            wrong += [f"{path}: {what}" for what in tabbed(page)]
        page.context.close()
    assert not wrong, "\n".join(wrong)


def tabbed(page: Page) -> list[str]:
    """What is wrong on the way of the Tab key from the top to the bottom."""
    wrong: list[str] = []
    count: int = page.evaluate(MARK)
    reached: list[int] = []
    dates = page.locator("input[type=date]:visible").count()
    for _press in range(count + 3 + 3 * dates):  # so many at most: more would be a trap
        page.keyboard.press("Tab")
        here = page.evaluate(HERE)
        if here is None:
            if reached:
                break
            continue
        if reached and here["stop"] == reached[-1]:
            continue  # day, month and year of one date
        if reached and here["stop"] < reached[-1]:
            if here["stop"] == reached[0]:
                break  # round again
            wrong.append(f"goes back at {here['html']}")
        reached.append(here["stop"])
        if not here["seen"]:
            wrong.append(f"out of sight: {here['html']}")
        if not here["marked"]:
            wrong.append(f"focus not marked: {here['html']}")
    if missed := sorted(set(range(count)) - set(reached)):
        html = page.evaluate(f"document.querySelector('[data-stop=\"{missed[0]}\"]').outerHTML.slice(0, 100)")
        wrong.append(f"{len(missed)} of {count} not reached, first {html}")
    return wrong


def test_a_day_at_the_counter_without_a_mouse(shop: Shop, open_page: Callable[..., Page]) -> None:
    """Skip to the content, type, Enter sends."""
    page = open_page(shop.address)
    page.context.add_cookies(pages.cookies(shop, "clerk"))  # type: ignore[arg-type]
    page.goto("/counter")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("main [name=code]")).to_be_focused()
    page.keyboard.type(str(shop.ids["code"]))
    page.keyboard.press("Tab")
    expect(page.locator("main [name=basket]")).to_be_focused()
    page.keyboard.type("150")
    page.keyboard.press("Tab")  # the till's number, which may stay blank
    page.keyboard.press("Tab")
    expect(page.locator("main [name=store]")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#saves")).to_be_visible()
