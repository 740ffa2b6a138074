"""What is printed: black on white, on as few sheets as it takes, without the bars and buttons of a screen."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser import pages
from tests.browser.shop import Shop
from tests.support.browser import watch

pytestmark = pytest.mark.browser
# page -> on so many sheets at most
PRINTED = {
    "/c/{claimed_token}": 1,
    "/counter/{redemption}": 1,
    "/members/{member}": 2,
    "/campaigns/{campaign}": 2,
}
SEEN = """() => [...document.querySelectorAll('nav, footer, button, .actions, .skip')].filter(e => e.checkVisibility())
  .map(e => e.outerHTML.slice(0, 90))"""
INKS = """() => [...document.querySelectorAll('body, main, h1, p, td, th, dd, dt')].filter(e => e.checkVisibility())
  .flatMap(e => { const s = getComputedStyle(e); return [[e.tagName, s.color, s.backgroundColor]]; })"""


def light(colour: str) -> float:
    """0 black to 1 white; what is see-through lies on the sheet."""
    *rgb, alpha = [*(float(n) for n in re.findall(r"[\d.]+", colour)), 1.0][:4]
    return 1.0 if alpha == 0 else sum(rgb) / 765


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_sheet_of_paper(shop: Shop, open_page: Callable[..., Page], dark: bool) -> None:
    page = open_page(shop.address, dark=dark)
    page.context.add_cookies(pages.cookies(shop, "owner"))  # type: ignore[arg-type]
    trouble = watch(page)
    page.emulate_media(media="print", color_scheme="dark" if dark else "light")
    for path, sheets in PRINTED.items():
        page.goto(path.format(**shop.ids))
        assert page.evaluate(SEEN) == [], path
        for tag, ink, ground in page.evaluate(INKS):
            assert light(ink) < 0.45 and light(ground) > 0.9, (path, tag, ink, ground)
        printed = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", print_background=True)))
        assert 1 <= printed <= sheets, (path, printed)
    assert not trouble
