"""The staff room's pages: the door, people, one's own account, quick sign-in; and, before every request, who asks."""

from __future__ import annotations

from flask import Flask

from webapp.staff.routes import sign_in
from webapp.staff.routes.sign_in import COOKIE

__all__ = ["COOKIE", "init_app"]


def init_app(app: Flask) -> None:
    """Register; recognise comes before the guard."""
    app.before_request(sign_in.recognise)
    app.register_blueprint(sign_in.bp)
