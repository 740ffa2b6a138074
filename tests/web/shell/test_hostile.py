"""What no form of ours sends: numbers that no column holds, NULs, words of any length. Every route answers, none breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests import factories as make
from tests.support.databases import OTHER_IN_DRILL
from tests.support.web import Client
from webapp.campaigns import service as campaigns
from webapp.coupons import service as coupons
from webapp.coupons.models import Coupon
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Actor, BrandRef, Scope

pytestmark = OTHER_IN_DRILL

HUGE = "9" * 19  # above 2^63 - 1
FOR_DATABASES = (HUGE, "a\0b")  # where the database makes a difference
FOR_US = ("7" * 5000, "1e999990", "//[", "%s%(x)s{{ 7*7 }}")
NAMES = (
    *(
        "after",
        "q",
        "store",
        "stage",
        "offer",
        "campaign",
        "member",
        "show",
        "reason",
        "next",
        "code",
        "basket",
        "till",
    ),
    *(
        "name",
        "channel",
        "number",
        "phone",
        "email",
        "birthday",
        "gender",
        "password",
        "brand",
        "on",
        "to",
        "type",
    ),
    *(
        "stock",
        "per_person",
        "valid_from",
        "valid_days",
        "valid_until",
        "term_mode",
        "add_row",
        "lang",
        "theme",
    ),
    *(
        "x_subject",
        "x_text",
        "x_html",
        "do",
        "remove",
        "add",
        "host",
        "port",
        "per_minute",
        "introduction_days",
    ),
    *(
        "term_steps-0-spend",
        "term_steps-0-save",
        "term_most",
        "c0-min",
        "c0-max",
        "c0-days",
        "c0-in",
        "c0-text",
        "c1-min",
    ),
)


@pytest.fixture
def known(app: Flask, db: Database, brand: BrandRef) -> dict[str, str]:
    """Rows that the addresses lead to."""

    def unit(scope: Scope) -> dict[str, str]:
        offer, member = make.make_offer(scope), make.make_member(scope, email="a@example.com")
        coupon = coupons.give(scope, offer.id, member.id, "hostile-1")
        other = coupons.give(scope, make.make_offer(scope, name="Other").id, member.id, "hostile-2")
        campaign = campaigns.create(scope, name="Hello", channel="email")
        assert isinstance(coupon, Coupon) and isinstance(other, Coupon) and not isinstance(campaign, Refused)
        used = coupons.redeem(scope, typed=other.code, basket_minor=200_00, key="hostile-3")
        assert not isinstance(used, Refused)
        ids = {"offer_id": offer, "member_id": member, "coupon_id": coupon, "redemption_id": used}
        return {name: str(row.id) for name, row in ids.items()} | {
            "campaign_id": str(campaign.id),
            "delivery_id": "1",
            "token": coupon.token,
            "key": "email",
        }

    return db.write(unit, brand=brand, actor=Actor("staff", 1))


def addresses(rule: Rule, known: dict[str, str], value: str) -> Iterator[str]:
    """The rule's address with rows that there are, and with `value` in each of its places."""
    from urllib.parse import quote

    for spoilt in (None, *sorted(rule.arguments)):
        url = rule.rule
        for name in rule.arguments:
            kind = next(k for k in (f"<int:{name}>", f"<path:{name}>", f"<{name}>") if k in url)
            url = url.replace(
                kind, quote(value, safe="") if name == spoilt else known.get(name, "channel_email")
            )
        yield url


def test_every_route_answers(app: Flask, client: Client, known: dict[str, str]) -> None:
    every_route_answers(app, client, known, FOR_DATABASES)


@pytest.mark.drill
@pytest.mark.parametrize("db_kind", ["sqlite"], indirect=True)
def test_every_route_answers_whatever_it_is_asked(app: Flask, client: Client, known: dict[str, str]) -> None:
    every_route_answers(app, client, known, FOR_US)


def every_route_answers(app: Flask, client: Client, known: dict[str, str], values: Sequence[str]) -> None:
    wrong, number = [], 0
    for value in values:
        asked = dict.fromkeys(NAMES, value)
        for rule in app.url_map.iter_rules():
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                if rule.endpoint == "staff.sign_out":
                    continue
                for url in addresses(rule, known, value):
                    number += 1
                    if method == "GET":
                        answer = client.get(url, query_string=asked)
                    else:
                        form = asked | {
                            "key": f"hostile-form-{number}",
                            "c0-field": "attribute",
                            "c1-field": "orders",
                        }
                        answer = client.post(url, data=form, query_string={"type": "spend_and_save"})
                    if answer.status_code >= 500:
                        wrong.append(f"{method} {url[:60]} {value[:12]!r}: {answer.status}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "url", ["/members/" + HUGE, "/members/" + "7" * 5000, f"/c/{'x' * 400}", "/static/x/" + "a" * 400]
)
def test_what_cannot_be_there_is_not_there(client: Client, url: str) -> None:
    assert client.get(url).status_code == 404


def test_a_nul_is_refused(client: Client) -> None:
    assert client.get("/members?q=a%00b").status_code == 400
    assert client.post("/members/new", data={"name": "a\0b", "key": "12345678"}).status_code == 400


def test_forged_requests_that_say_odd_things_are_refused(app: Flask, client: Client) -> None:
    for origin in ("http://[", "http://elsewhere.example"):
        answer = client.post("/members/new", headers={"Sec-Fetch-Site": "", "Origin": origin})
        assert answer.status_code == 400
    bare: Any = app.test_client()
    bare.set_cookie("rg_csrf", "x" * 30)
    from flask.testing import FlaskClient

    assert FlaskClient.open(bare, "/sign-in", method="POST", data={"csrf_token": "é" * 30}).status_code == 400
