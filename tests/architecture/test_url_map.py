"""Law 12: deny by default. Every route is walked: it names a permission, and the door holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.support.databases import ONE_DATABASE
from tests.support.web import Client
from webapp.kernel.csrf import SAFE
from webapp.kernel.edge import PUBLIC, SIGNED_IN
from webapp.staff.permissions import PERMISSIONS, ROLES

pytestmark = ONE_DATABASE

# What anybody may call, each with its reason; a route that is not here asks who is there.
OPEN = {
    "static_asset": "style and script of the sign-in page as well",
    "api.claim": "asks for a key with a scope, as all of the API: tests/web/api/test_api.py walks its door",
    "api.coupon": "the same",
    "api.offer": "the same",
    "api.offers": "the same",
    "api.openapi": "what can be asked of the API; it names nobody",
    "api.quote": "asks for a key with a scope",
    "api.redeem": "the same",
    "api.reverse": "the same",
    "api.status": "asks for a key",
    "coupon_page.show": "a member's coupon, by an unguessable token: members have no account",
    "coupon_page.take": "the same, taken",
    "claim.show": "an offer's public page, by an unguessable token: it shows the offer and nobody",
    "claim.take": "the same: one coupon, and the same answer whatever phone is typed",
    "offer_events.public": "a page with several offers, by an unguessable token",
    "wallet.show": "a member's coupons, by the private link of their own page: members have no account",
    "join.show": "the joining page behind a printed code",
    "join.join": "the same, filled in",
    "join.done": "the same, where there is no coupon to show",
    "join.group_picture": "the QR code of the chat group that whoever joins is asked into",
    "join.default": "the joining page that a brand and each store has",
    "group_link.show": "a group's link, as members open it in a chat, by an unguessable token",
    "group_link.answer": "the same, with who is there; the answer is the same for everybody",
    "group_link.picture": "the picture that was posted with it",
    "preferences.show": "a member's own page, by an unguessable token: members have no account",
    "preferences.say": "the same: yes and no",
    "preferences.stop": "the same: no to everything",
    "preferences.correct": "the same: their data",
    "preferences.speak": "the same: their language",
    "outbox.unsubscribe": "from a message, by an unguessable token: nobody signs in to be left alone",
    "outbox.leave": "the same, done",
    "outbox.come_back": "the same, undone",
    "outbox.opened": "the picture in a message that says it was opened",
    "brands.logo": "the shop's sign on members' pages; its digest stands in its address",
    "address.reach": "opened by the owner's phone, by a one-time word: it says that the address works",
    "address.reach_post": "the same, where only the person can tell that the phone is outside",
    "start.sign_up": "a one-time link, printed where the shop was started, while nobody owns it",
    "start.sign_up_post": "the same, used",
    "plugin_pages.public": "a page that a plugin brings, by an unguessable word; its own test walks each of them",
    "plugin_pages.public_post": "the same, with a form",
    "preferences": "a reader's own language and light, kept in a cookie",
    "staff.sign_in": "the door",
    "staff.sign_in_post": "the door",
    "staff.second": "the door: the code after the password",
    "staff.second_post": "the door: the code after the password",
    "people.invited": "an invitation, held by its bearer",
    "people.accept": "an invitation, held by its bearer",
    "quick.ask": "the door for a manager's code",
    "quick.use": "the door for a manager's code",
    "staff.welcome": "a one-time link, held by its bearer",
    "staff.welcome_post": "a one-time link, held by its bearer",
}
# What takes a POST from elsewhere, each with its reason.
FROM_ELSEWHERE = {
    "api.claim": "a till's request carries its key, and no cookie counts: nobody's browser can be made to send it",
    "api.quote": "the same",
    "api.redeem": "the same",
    "api.reverse": "the same",
    "outbox.leave": "one-click unsubscribe (RFC 8058): the mail service posts it, and it can only take away",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One rule of the map with one of its methods, and an address that matches it."""

    endpoint: str
    method: str
    url: str
    permission: str | None
    csrf_exempt: bool


def example(rule: Rule) -> str:
    """An address of the rule: 1 for each number, x for each text."""
    values: dict[str, object] = {}
    for name in rule.arguments:
        kind = type(rule._converters[name]).__name__
        values[name] = {"IntegerConverter": 1, "UUIDConverter": "0" * 32}.get(kind, "x")
    built = rule.build(values, append_unknown=False)
    assert built is not None, rule
    return built[1]


def routes(app: Flask) -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Route(
                rule.endpoint,
                method,
                example(rule),
                getattr(view, "permission", None),
                getattr(view, "csrf_exempt", False),
            )


def ask(browser: Client, route: Route, **headers: str) -> int:
    return browser.open(route.url, method=route.method, headers=headers).status_code


def test_every_route_names_a_known_permission(app: Flask) -> None:
    known = {PUBLIC, SIGNED_IN, *PERMISSIONS}
    assert not [f"{r.endpoint}: {r.permission}" for r in routes(app) if r.permission not in known]


def test_an_address_leads_to_one_place(app: Flask) -> None:
    """Of two routes with one address the second is never reached: what a room's rule hides is another room's page."""
    places: dict[tuple[str, str], set[str]] = {}
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            places.setdefault((re.sub(r"<(\w+:)?\w+>", r"<\1>", rule.rule), method), set()).add(rule.endpoint)
    assert {place: ends for place, ends in places.items() if len(ends) > 1} == {}


def test_open_routes_are_open_on_purpose(app: Flask) -> None:
    found = {route.endpoint for route in routes(app) if route.permission == PUBLIC}
    assert found - OPEN.keys() == set(), "give them a permission, or say here why anybody may call them"
    assert OPEN.keys() - found == set(), "these are gone"


def test_posts_from_elsewhere_are_taken_on_purpose(app: Flask) -> None:
    found = {route.endpoint for route in routes(app) if route.csrf_exempt}
    assert found == FROM_ELSEWHERE.keys()


def test_every_permission_is_used_and_held_by_somebody(app: Flask) -> None:
    """A permission that no route asks for pretends to guard something."""
    held = frozenset[str]().union(*ROLES.values())
    assert held == PERMISSIONS.keys()


def test_who_is_not_signed_in_is_sent_to_the_door(app: Flask) -> None:
    stranger: Client = app.test_client()  # type: ignore[assignment]
    wrong = []
    for route in routes(app):
        if route.permission not in (PUBLIC, None):
            answer = stranger.open(route.url, method=route.method)
            if answer.status_code != 303 or "/sign-in" not in answer.headers["Location"]:
                wrong.append(f"{route.method} {route.url}: {answer.status}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("role", sorted(ROLES.keys() - {"owner"}))
def test_who_may_not_is_refused(app: Flask, role: str) -> None:
    browser: Client = app.test_client()  # type: ignore[assignment]
    browser.sign_in(role)
    forbidden = [r for r in routes(app) if r.permission in PERMISSIONS.keys() - ROLES[role]]
    wrong = [f"{r.method} {r.url}: {status}" for r in forbidden if (status := ask(browser, r)) != 403]
    assert not wrong, "\n".join(wrong)


def test_a_forged_post_is_refused(app: Flask, client: Client) -> None:
    """A page elsewhere makes a signed-in browser post here."""
    unsafe = [r for r in routes(app) if r.method not in SAFE and not r.csrf_exempt]
    wrong = [
        f"{r.method} {r.url} {headers}: {status}"
        for r in unsafe
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"})
        if (status := ask(client, r, **headers)) != 400
    ]
    assert unsafe
    assert not wrong, "\n".join(wrong)
