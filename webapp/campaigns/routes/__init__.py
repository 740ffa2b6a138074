"""Campaigns on the phone: writing one, sending it, steering it, and what it brought."""

from __future__ import annotations

from flask import Flask

from webapp.campaigns.routes import editing, home, sending, showing
from webapp.campaigns.routes.base import bp

__all__ = ["editing", "home", "init_app", "sending", "showing"]


def init_app(app: Flask) -> None:
    """Register."""
    app.register_blueprint(bp)
