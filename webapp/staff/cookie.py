"""The session's cookie: what a sign-in, and the first owner's sign-up, put into a browser."""

from __future__ import annotations

from flask import Response

from webapp.kernel.security import secure
from webapp.staff.service import QUICK_LIVES, SESSION_LIVES

COOKIE = "rg_session"


def put(response: Response, token: str, *, quick: bool = False) -> Response:
    """The answer, carrying the session's token."""
    lives = QUICK_LIVES if quick else SESSION_LIVES
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(lives.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=secure(),
    )
    return response
