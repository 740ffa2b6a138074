"""What surrounds every page: the five places, and the reader's own choice of language and light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask_babel import lazy_gettext as _l

from webapp.kernel import edge, i18n
from webapp.kernel.scope import Scope
from webapp.kernel.security import secure

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "rg_theme"
YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the bar (bar=True) or of the page More. url: where it has no endpoint of its own (a plugin's page)."""

    endpoint: str
    label: Any  # lazy text
    icon: str
    permission: str
    bar: bool = False
    hint: Any = ""
    url: str = ""


BAR = (
    Place("today.show", _l("Today"), "today", edge.SIGNED_IN, bar=True),
    Place("members.index", _l("Members"), "members", "members.view", bar=True),
    Place("counter.index", _l("Counter"), "counter", "counter.redeem", bar=True),
    Place("campaigns.index", _l("Campaigns"), "campaigns", "campaigns.view", bar=True),
    Place("today.more", _l("More"), "more", edge.SIGNED_IN, bar=True),
)
MORE: list[Place] = []
ALSO: list[Callable[[], list[Place]]] = []


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a card: as shown, with the words beside it, and the page that opens its rows (if any)."""

    value: str
    label: Any
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a card's list: a page, and whether what it is for is done."""

    label: Any
    url: str
    done: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """What a room says on Today: a heading, figures, a sentence, a list, and the next step."""

    title: Any
    figures: tuple[Figure, ...] = ()
    text: Any = ""
    action: tuple[Any, str] | None = None  # words, address
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class CardMaker:
    """Builds a room's card from a reading scope, or None when there is nothing to say. Low `order` comes first."""

    order: int
    permission: str
    build: Callable[[Scope], Card | None]


CARDS: list[CardMaker] = []


def card(
    order: int, permission: str
) -> Callable[[Callable[[Scope], Card | None]], Callable[[Scope], Card | None]]:
    """A room's routes module registers its card for Today."""

    def register(build: Callable[[Scope], Card | None]) -> Callable[[Scope], Card | None]:
        CARDS.append(CardMaker(order, permission, build))
        CARDS.sort(key=lambda maker: maker.order)
        return build

    return register


def allowed(permission: str) -> bool:
    """May the current actor see what needs this permission?"""
    return edge.actor().kind == "staff" if permission == edge.SIGNED_IN else edge.can(permission)


def more(endpoint: str, label: Any, permission: str, hint: Any = "", icon: str = "more") -> None:
    """A room adds its page to More (once, at start)."""
    place = Place(endpoint, label, icon, permission, hint=hint)
    if all(known.endpoint != endpoint for known in MORE):
        MORE.append(place)


def also(places: Callable[[], list[Place]]) -> None:
    """A room adds to More what depends on the brand and the moment (once, at start)."""
    if places not in ALSO:
        ALSO.append(places)


def may(place: Place) -> bool:
    """Is it for the current actor?"""
    return allowed(place.permission)


def theme() -> str:
    """auto, light or dark: the reader's cookie."""
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


def own_path(url: str) -> str:
    """A path of ours, or "/": a form's `next` never leads elsewhere."""
    if not url.startswith("/") or url.startswith("//") or "\\" in url or any(ord(c) < 32 for c in url):
        return "/"
    parts = urlsplit(url)  # a path alone: with a host it could raise
    return "/" if parts.netloc or parts.scheme else url


def preferences() -> Response:
    """POST /preferences: language and light, kept in cookies for a year."""
    response = edge.go(own_path(request.form.get("next", "/")))
    for name, allowed, cookie in (("lang", i18n.LANGUAGES, i18n.COOKIE), ("theme", THEMES, THEME_COOKIE)):
        value = request.form.get(name)
        if value is not None and value in allowed:
            response.set_cookie(cookie, value, max_age=YEAR, samesite="Lax", httponly=True, secure=secure())
    return response


def init_shell(app: Flask) -> None:
    """Register the route and the templates' words."""
    preferences.permission = edge.PUBLIC  # type: ignore[attr-defined]  # functions carry attributes
    app.add_url_rule("/preferences", "preferences", preferences, methods=["POST"])
    app.jinja_env.globals["theme"] = theme
    app.context_processor(lambda: {"nav": [p for p in BAR if p.endpoint in app.view_functions and may(p)]})
