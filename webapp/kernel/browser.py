"""What a visitor's own browser keeps: that it has been here today, and, once they joined, as which member of a brand.

Neither opens a wallet: the first is a random word about nobody, the second is signed and brings back only what its bearer
was shown when they joined.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from flask import Response, abort, current_app, request
from itsdangerous import BadSignature, URLSafeSerializer

from webapp.kernel.limits import limit
from webapp.kernel.scope import BrandRef
from webapp.kernel.security import secure

SEEN = "rg_seen"
KEPT = 400 * 24 * 3600  # what browsers keep at most
OPENED = (
    600,
    60,
)  # pages that anybody may open: so many for one address (a mall's wifi is one) in so many seconds

_known: list[Callable[[BrandRef], int | None]] = []
_ROBOT = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|facebookexternalhit|whatsapp|curl/|wget/|python-|aiohttp|go-http|java/|okhttp|"
    r"httpclient|libwww|scrapy|monitor|uptime",
    re.I,
)


def door(name: str = "open", most: tuple[int, int] | None = None) -> None:
    """429 for an address that opens members' pages faster than people do. most: (times, seconds)."""
    times, seconds = most or OPENED
    if not limit(name, request.remote_addr or "", times, seconds):
        abort(429)


def is_robot() -> bool:
    """A program that says so itself, or says nothing: it is answered, and not counted."""
    agent = request.headers.get("User-Agent", "")
    return not agent.strip() or _ROBOT.search(agent) is not None


def seen() -> tuple[str, bool]:
    """This browser's word, and whether it is new (and has to be kept by `keep_seen`)."""
    word = request.cookies.get(SEEN, "")
    if re.fullmatch(r"[\w-]{16,24}", word, re.ASCII):
        return word, False
    return secrets.token_urlsafe(12), True


def keep_seen(response: Response, word: str) -> None:
    """Keep the word for a year and a bit."""
    keep(response, SEEN, word)


def member(brand: BrandRef) -> int | None:
    """The member as whom this browser joined this brand, if it did."""
    try:
        kept = _signer().loads(request.cookies.get(_name(brand), ""))
        brand_id, member_id = kept
    except (BadSignature, TypeError, ValueError):
        return None
    return member_id if brand_id == brand.id and isinstance(member_id, int) else None


def recognise(by: Callable[[BrandRef], int | None]) -> None:
    """Once a process: how a browser is known on members' pages (a private link outweighs what was typed)."""
    _known[:] = [by]


def known(brand: BrandRef) -> int | None:
    """The member as whom this browser may act on a members' page, if it may."""
    return _known[0](brand) if _known else member(brand)


def keep_member(response: Response, brand: BrandRef, member_id: int) -> None:
    """This browser has joined as this member."""
    keep(response, _name(brand), _signer().dumps([brand.id, member_id]))


def forget_member(response: Response, brand: BrandRef) -> None:
    """Somebody else uses this browser now."""
    response.delete_cookie(_name(brand), path="/")


def keep(response: Response, name: str, value: str) -> None:
    """A cookie of a member's browser, for a year and a bit."""
    response.set_cookie(name, value, max_age=KEPT, httponly=True, samesite="Lax", secure=secure(), path="/")


def _name(brand: BrandRef) -> str:
    return f"rg_in_{brand.id}"


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.config["SECRET_KEY"]), salt="regulars.member")
