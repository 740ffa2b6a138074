"""Mistakes stand beside their field, and what was typed is still there: on every form that the walk sends wrongly filled."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import TestResponse

from tests.browser.pages import STOPS, Stop
from tests.browser.shop import Shop
from tests.support.web import Client, forms_of

FILLED = [stop for stop in STOPS if stop.fill]
SECRET = {"password", "now"}  # never sent back
TAG = re.compile(r'<[a-z]+\b[^>]*\baria-invalid="true"[^>]*>')


def send(shop: Shop, stop: Stop) -> TestResponse:
    """The page's form as a browser without a script sends it, the walk's mistakes typed in."""
    shop.ids["link"] = shop.link() if stop.endpoint == "staff.welcome" else ""
    visitor: Client = shop.app.test_client()  # type: ignore[assignment]
    if stop.who:
        visitor.sign_in(stop.who)
    assert stop.fill is not None
    url = stop.path(shop.ids)
    posts = [form for form in forms_of(visitor.get(url).text) if form.method == "post"]
    # (the reader's language and light are a form of every page; boxes that are not ticked are no fields)
    form = next(form for form in posts if any(name in form.fields for name in stop.fill))
    return visitor.post(form.action or url, data=form.fields | stop.fill)


@pytest.mark.parametrize("stop", FILLED, ids=lambda stop: f"{stop.endpoint}-{'-'.join(stop.fill)}")
def test_a_mistake_stands_beside_its_field(shop: Shop, stop: Stop) -> None:
    answer = send(shop, stop)
    assert answer.status_code == stop.status
    page = answer.text
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    wrong = TAG.findall(page)
    if (
        stop.status == 422 and stop.endpoint != "staff.sign_in"
    ):  # the door does not say which of the two was wrong
        assert wrong, "no field is marked"
    for tag in wrong:
        told = re.search(r'aria-describedby="([^"]+)"', tag)
        named = told[1].split() if told else re.findall(r'\sid="([^"]+)"', tag)
        assert named and set(named) <= ids, tag
    typed = {name: text for form in forms_of(page) for name, text in form.fields.items()}
    assert stop.fill is not None
    for name, text in stop.fill.items():
        if name not in SECRET and name in typed:
            assert str(typed[name]).removeprefix("\r\n") == text, f"{name} is gone"
