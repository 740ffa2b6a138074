"""Headers that every answer carries."""

from __future__ import annotations

from flask import Flask, Response, current_app, request

from webapp.kernel import links

CSP = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# What pages may ask the browser for: nothing, but for the page that reads codes with the camera.
POLICY = "camera=(), microphone=(), geolocation=()"
CAMERA = "camera=(self), microphone=(), geolocation=()"


def secure() -> bool:
    """Are cookies for https only? Also where a proxy ends TLS and asks us in plain http (REGULARS_SECURE_COOKIES), and
    under the public address if that is https: the shop's own network may go on in plain http beside it."""
    return (
        bool(current_app.config["SESSION_COOKIE_SECURE"])
        or request.is_secure
        or links.is_public_https(request.host)
    )


def init_security(app: Flask, *, strict_cookies: bool) -> None:
    """Strict CSP, no sniffing, no framing, no referrer to the outside, pages never kept by shared caches."""
    app.config.update(
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=strict_cookies,
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
        MAX_FORM_PARTS=2000,
    )

    @app.after_request
    def headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", CSP)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", POLICY)
        if response.mimetype == "text/html":
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response
