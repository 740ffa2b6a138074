"""The counter reads a code with the camera where the browser can; here the camera is a drawing, and so is what it reads."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import pages
from tests.browser.shop import Shop
from tests.support.browser import watch

pytestmark = pytest.mark.browser

CAMERA = """
window.BarcodeDetector = class {
  async detect() { return window.shown ? [{ rawValue: "https://shop.example/counter?code=%s" }] : []; }
};
navigator.mediaDevices.getUserMedia = async () => {
  if (window.shut) throw new DOMException("no", "NotAllowedError");
  return document.createElement("canvas").captureStream();
};
"""


def test_a_code_is_scanned(shop: Shop, open_page: Callable[..., Page]) -> None:
    page = open_page(shop.address)
    page.context.add_cookies(pages.cookies(shop, "clerk"))  # type: ignore[arg-type]
    page.add_init_script(CAMERA % shop.ids["code"])
    trouble = watch(page)
    page.goto("/")
    page.locator("nav a[href='/counter']").first.click()  # swapped in: this document may not use the camera
    page.get_by_role("button", name="Scan the code").click()
    page.wait_for_url("**/counter?scan=1")  # so the page is loaded wholly, and goes on by itself
    box = page.locator("dialog.scan")
    expect(box).to_be_visible()
    box.get_by_role("button", name="Close").click()
    expect(box).to_have_count(0)
    page.get_by_role("button", name="Scan the code").click()
    expect(box).to_be_visible()
    page.evaluate("window.shown = true")
    page.wait_for_url("**/counter?code=*")
    expect(page.get_by_text("This coupon is good.")).to_be_visible()
    page.evaluate("window.shut = true")
    page.get_by_role("button", name="Scan the code").click()
    expect(page.get_by_text("The camera cannot be used here.")).to_be_visible()
    assert not trouble


def test_a_browser_that_cannot_has_no_button(shop: Shop, open_page: Callable[..., Page]) -> None:
    page = open_page(shop.address)
    page.context.add_cookies(pages.cookies(shop, "clerk"))  # type: ignore[arg-type]
    page.add_init_script("delete window.BarcodeDetector")
    page.goto("/counter")
    expect(page.locator("[data-scan]")).to_be_hidden()
    expect(page.get_by_text("The phone's own camera can read it too.")).to_be_visible()
