"""Around every page: its weight, its language and light, and what is said when something goes wrong."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, abort

from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, make_app, text_of
from webapp.kernel import edge
from webapp.kernel.db import Database
from webapp.kernel.errors import Forbidden, NotFound, UserError

pytestmark = ONE_DATABASE
GZIP = {"Accept-Encoding": "gzip"}
FIRST_VISIT, LATER_PAGE = 45_000, 15_000  # bytes over the wire, headers not counted
OWN = re.compile(r'(?:href|src)="(/static/[^"]+)"')


def weights(browser: Client, path: str) -> tuple[int, int]:
    """Bytes of the page, and of all that it names of ours, icons and manifest too, as a browser without a cache gets them."""
    page = browser.get(path, headers=GZIP)
    assert page.status_code == 200
    html = gzip.decompress(page.data) if page.headers.get("Content-Encoding") == "gzip" else page.data
    files = set(OWN.findall(html.decode()))
    assert len(files) >= 6
    rest = 0
    for file in files:
        answer = browser.get(file, headers=GZIP)
        assert answer.status_code == 200 and "immutable" in answer.headers["Cache-Control"]
        rest += len(answer.data)
    return len(page.data), rest


def test_a_visit_is_light(app: Flask, client: Client) -> None:
    stranger: Client = app.test_client()  # type: ignore[assignment]
    for browser, path in ((stranger, "/sign-in"), (client, "/"), (client, "/members"), (client, "/more")):
        page, rest = weights(browser, path)
        assert page + rest < FIRST_VISIT, f"{path}: {page} + {rest}"
        assert page < LATER_PAGE, path


def test_language_and_light_are_chosen_without_a_script(client: Client) -> None:
    first = client.get("/members").text
    assert '<html lang="en" data-theme="auto">' in first
    answer = client.post("/preferences", data={"theme": "dark", "next": "/members?q=lin"})
    assert answer.status_code == 303 and answer.headers["Location"] == "/members?q=lin"
    client.post("/preferences", data={"lang": "zh_CN", "next": "/members"})
    page = client.get("/members").text
    assert '<html lang="zh-CN" data-theme="dark">' in page
    assert "<h1>会员</h1>" in page, "not only the page's tag is Chinese"
    client.post("/preferences", data={"lang": "xx", "theme": "neon"})
    assert '<html lang="zh-CN" data-theme="dark">' in client.get("/members").text


@pytest.mark.parametrize(
    "back", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:1", ""]
)
def test_one_is_never_sent_elsewhere(client: Client, back: str) -> None:
    answer = client.post("/preferences", data={"theme": "dark", "next": back})
    assert answer.headers["Location"] == "/"


def test_the_bar_marks_where_one_is(client: Client) -> None:
    for path, place in (
        ("/", "Today"),
        ("/members", "Members"),
        ("/members/new", "Members"),
        ("/more", "More"),
        ("/settings/plugins", "More"),
    ):
        current = re.findall(
            r'<a href="[^"]*" aria-current="page">.*?</a>', client.get(path).text, flags=re.S
        )
        assert [text_of(link) for link in current] == [place]


def test_the_frame_of_a_page(client: Client) -> None:
    html = client.get("/members").text
    assert html.index('class="skip" href="#main"') < html.index("<header") < html.index('<main id="main"')
    assert html.count("<h1") == 1 and html.count("<main") == 1 and "<footer" in html
    assert re.search(r"<title>Members · Acme</title>", html)


# ------------------------------------------------------------------------------------------------------------- errors
@pytest.fixture
def failing(db: Database, tmp_path: Path) -> Iterator[Flask]:
    """An app with routes that go wrong in each way, for staff and for anybody."""
    app = make_app(tmp_path / "instance", db)

    def fail(how: str) -> str:
        if how.isdigit():
            abort(int(how))
        raise {"missing": NotFound(), "no": Forbidden(), "said": UserError("Line 7 <b> has no date.")}.get(
            how, ZeroDivisionError("the reason")
        )

    for path, permission in (("/probe/<how>", edge.SIGNED_IN), ("/open/<how>", edge.PUBLIC)):
        view = lambda how: fail(how)  # noqa: E731  # one function a route, since each carries its permission
        view.permission = permission  # type: ignore[attr-defined]
        app.add_url_rule(path, path, view, methods=["GET", "POST"])
    app.testing = False
    yield app


CODES = [("400", 400), ("403", 403), ("404", 404), ("405", 405), ("413", 413), ("422", 422), ("429", 429), ("418", 400),
         ("503", 500), ("missing", 404), ("no", 403), ("said", 422), ("bug", 500)]  # fmt: skip


@pytest.mark.parametrize("where", ["probe", "open"])
def test_what_went_wrong_is_said_in_plain_words(failing: Flask, where: str) -> None:
    browser: Client = failing.test_client()  # type: ignore[assignment]
    if where == "probe":
        browser.sign_in()
    for how, page in CODES:
        answer = browser.get(f"/{where}/{how}")
        html = answer.text
        assert answer.status_code == (int(how) if how.isdigit() else page), how
        assert html.count("<h1") == 1 and html.count("<main") == 1, how
        assert ('class="places"' in html) == (where == "probe"), "staff keep their bar"
        assert not re.search(r"Traceback|ZeroDivision|the reason|Internal Server|werkzeug", html), how
        assert "Line 7 &lt;b&gt; has no date." in html or how != "said"
        assert re.search(r"Reference: [0-9a-f]{8}", text_of(html)) or how != "bug"


def test_in_a_fragment_it_is_a_notice_above_what_stays(failing: Flask) -> None:
    browser: Client = failing.test_client()  # type: ignore[assignment]
    browser.sign_in()
    for how, page in CODES:
        answer = browser.fragment(f"/probe/{how}")
        assert answer.status_code == (int(how) if how.isdigit() else page), how
        assert answer.headers["HX-Retarget"] == "#alerts"
        assert answer.headers["HX-Reswap"].startswith("innerHTML")
        assert answer.text.strip().startswith('<div class="notice warn" role="alert">'), how
        assert "<html" not in answer.text


def test_a_fragment_for_who_is_signed_out_opens_the_door(app: Flask) -> None:
    browser: Client = app.test_client()  # type: ignore[assignment]
    answer = browser.fragment("/members?q=lin")
    assert answer.status_code == 401 and "Location" not in answer.headers
    assert answer.headers["HX-Redirect"].startswith("/sign-in?next=")


def test_a_method_that_is_not_taken_says_which_are(client: Client) -> None:
    answer = client.get("/preferences")
    assert answer.status_code == 405 and "POST" in answer.headers["Allow"]
    assert "Nothing was changed" in answer.text


def test_who_comes_back_to_where_a_form_was_sent_gets_its_page(app: Flask) -> None:
    browser: Client = app.test_client()  # type: ignore[assignment]
    for sent, page in (("/members/12/tags/3/off", "/members/12"), ("/p/word/data", "/p/word")):
        answer = browser.get(sent)
        assert (answer.status_code, answer.headers["Location"]) == (303, page)
        assert browser.put(sent).status_code == 405


def test_a_forged_form_is_told_apart(client: Client) -> None:
    answer = client.post("/preferences", data={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 400 and "not sent from a page of this shop" in answer.text
