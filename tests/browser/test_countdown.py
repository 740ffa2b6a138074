"""The countdown of a flash sale in a real browser: seconds by the server's clock, and the sale opens by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.shop import Shop
from tests.factories.offers import make_flash_sale
from webapp.coupons import public_page
from webapp.kernel.scope import Scope

pytestmark = [pytest.mark.browser, pytest.mark.drill]  # it waits for a clock


def test_it_counts_and_opens_by_itself(shop: Shop, open_page: Callable[..., Page]) -> None:
    def work(scope: Scope) -> Any:
        sale = make_flash_sale(
            scope, name="In a moment", stock=3, claim_from=scope.now + timedelta(seconds=8)
        )
        return public_page.publish(scope, sale.id).token

    url = f"{shop.address}/x/coupon_flash_sale/{shop.write(work, role='owner')}"
    still = open_page(shop.address, javascript=False)
    still.goto(url)
    assert still.locator("[data-countdown]").inner_text().startswith("00:00:0")
    page = open_page(shop.address)
    page.goto(url)
    clock = page.locator("[data-countdown]")
    first = clock.inner_text()
    page.wait_for_function("was => document.querySelector('[data-countdown]').textContent < was", arg=first)
    page.wait_for_selector("main .actions a.act", timeout=30_000)
    page.click("main .actions a.act")
    page.wait_for_selector("#claim")
