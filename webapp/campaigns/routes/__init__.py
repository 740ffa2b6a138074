"""Campaigns on the phone: writing one, sending it, steering it, and what it brought."""

from __future__ import annotations

from flask import Flask

from webapp.campaigns.routes import editing, grouping, home, landing, posting, sending, showing
from webapp.campaigns.routes.base import bp

__all__ = ["editing", "grouping", "home", "init_app", "landing", "posting", "sending", "showing"]


def init_app(app: Flask) -> None:
    """Register."""
    app.register_blueprint(bp)
    app.register_blueprint(landing.bp)
