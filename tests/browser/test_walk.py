"""Every page and error state in a real browser, in each theme and language: no complaint in the console, nothing for axe to
find, nothing wider than the screen, and light over the wire.

A page is loaded twice, in English by day on a phone and in Chinese by night at a desk, and each time measured at the other
size as well; the second time axe looks at colours alone, since nothing else has changed for it. The drill looks at its further
states, such as wrong input and nothing found, and at all of them in Chinese, and leaves nothing out.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import product

import pytest
from playwright.sync_api import Error, Page, Response
from werkzeug.test import TestResponse

from tests.browser import pages
from tests.browser.pages import STOPS, Stop
from tests.browser.shop import Shop
from tests.support.browser import DESK, PHONE, chinese_fonts, watch
from tests.support.serving import AXE
from tests.support.web import Client

pytestmark = pytest.mark.browser
LOOKS = [("en", False, PHONE), ("zh-CN", True, DESK)]
REST = [LOOKS[1], ("zh-CN", False, PHONE)]
PARTS = 8  # so that workers share the walk
FIRST_VISIT, LATER_PAGE = 45_000, 15_000  # bytes over the wire (look.md)
Look = tuple[str, bool, dict[str, int]]


def test_no_page_is_forgotten(shop: Shop) -> None:
    assert pages.missing(shop.app) == set()


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page(shop: Shop, open_page: Callable[..., Page], part: int) -> None:
    walk(shop, open_page, first_of_each()[part::PARTS], LOOKS)


@pytest.mark.drill
def test_every_state(shop: Shop, open_page: Callable[..., Page]) -> None:
    firsts = first_of_each()
    walk(shop, open_page, [stop for stop in STOPS if stop not in firsts], [LOOKS[0]])


@pytest.mark.drill
@pytest.mark.parametrize(
    "seen", REST, ids=lambda look: f"{look[0]}-{'dark' if look[1] else 'light'}-{look[2]['width']}"
)
def test_every_state_in_chinese(shop: Shop, open_page: Callable[..., Page], seen: Look) -> None:
    walk(shop, open_page, STOPS, [seen])


def first_of_each() -> list[Stop]:
    """Each page once, as it is when nothing went wrong."""
    firsts: dict[str, Stop] = {}
    for stop in STOPS:
        if stop.fill is None and stop.status == 200:
            firsts.setdefault(stop.endpoint, stop)
    return list(firsts.values())


def walk(shop: Shop, open_page: Callable[..., Page], stops: Sequence[Stop], looks: list[Look]) -> None:
    """Look at pages, each role with a session of its own; tell all that is wrong at once."""
    chinese_fonts()
    wrong: list[str] = []
    for (locale, dark, size), who in product(looks, sorted({stop.who for stop in stops}, key=str)):
        page = open_page(shop.address, size=size, locale=locale, dark=dark)
        page.context.add_cookies(pages.cookies(shop, who))  # type: ignore[arg-type]
        trouble = watch(page)
        for stop in (stop for stop in stops if stop.who == who):
            shop.ids["link"] = shop.link() if stop.endpoint == "staff.welcome" else ""
            trouble.clear()
            page.set_viewport_size(size)  # type: ignore[arg-type]
            try:
                found = list(look(page, stop, shop, locale, colours=dark != looks[0][1]))
            except Error as error:
                found = [str(error)]
            # the browser itself reports a 4xx answer of the page as an error of the console
            found += [what for what in trouble if "the server responded with" not in what]
            wrong += [
                f"{stop.endpoint} {stop.path(shop.ids)} {stop.fill or ''} {locale}: {what}" for what in found
            ]
        page.context.close()
    assert not wrong, "\n".join(wrong)


def look(page: Page, stop: Stop, shop: Shop, locale: str, *, colours: bool) -> Iterator[str]:
    """What is wrong with one page. colours: axe has seen it in the other theme."""
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
    lang = page.evaluate("document.documentElement.lang")
    if lang != locale:
        yield f"is in {lang}"
    for found in page.evaluate(RUN_AXE, [AXE, ["color-contrast"] if colours else None]):
        yield f"axe {found['id']}: {'; '.join(found['where'])}"
    here = page.viewport_size
    for size in (here, DESK if here == PHONE else PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            yield f"is wider than {size}"


# What axe found and no more: its whole answer is megabytes of passes.
RUN_AXE = """async ([address, only]) => {
  await new Promise((done, failed) => {
    document.head.append(Object.assign(document.createElement("script"), {src: address, onload: done, onerror: failed}))});
  return axe.run({resultTypes: ["violations"], ...(only && {runOnly: only})}).then(done => done.violations.map(one => (
  {id: one.id, where: one.nodes.slice(0, 3).map(node => node.html.slice(0, 160))})))}"""


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
