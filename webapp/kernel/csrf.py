"""Against forged requests: Sec-Fetch-Site, then Origin, then a token in the form; cookies are SameSite=Lax besides.

Sec-Fetch-Site is not sent to a plain-http name of the local network, and some chat apps' browsers send neither: the
token (double submit: cookie and form field) decides there.
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from markupsafe import Markup

from webapp.kernel.security import secure

COOKIE = "rg_csrf"
FIELD = "csrf_token"
SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}


def token() -> str:
    """The token of this browser; the answer sets the cookie if it had none."""
    if "csrf" not in g:
        known = request.cookies.get(COOKIE, "")
        g.csrf_new = len(known) < 20
        g.csrf = secrets.token_urlsafe(24) if g.csrf_new else known
    value: str = g.csrf
    return value


def hidden_input() -> Markup:
    """`{{ csrf() }}`: in every form that posts."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, token())


def genuine() -> bool:
    """Did this unsafe request come from a page of ours?"""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin and origin != "null":
        try:
            return urlsplit(origin).netloc == request.host
        except ValueError:  # "http://[": no browser says that
            return False
    cookie, field = request.cookies.get(COOKIE, ""), request.form.get(FIELD, "")
    return len(cookie) >= 20 and hmac.compare_digest(cookie.encode(), field.encode())


def init_csrf(app: Flask) -> None:
    """Set the cookie where a page drew a token. The guard (edge) calls `genuine`."""

    @app.after_request
    def remember(response: Response) -> Response:
        if g.get("csrf_new"):
            response.set_cookie(COOKIE, g.csrf, httponly=True, samesite="Lax", secure=secure(), path="/")
        return response
