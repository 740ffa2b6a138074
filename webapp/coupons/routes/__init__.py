"""Offers and coupons for the staff, the counter, and the member's own page."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from webapp.coupons.routes import codes, counter, coupons, offers, public
from webapp.kernel import shell


def init_app(app: Flask) -> None:
    """Register; Offers has its place in More, the Counter its own in the bar."""
    for room in (offers, codes, coupons, counter, public):
        app.register_blueprint(room.bp)
    shell.more(
        "offers.index",
        _l("Offers"),
        "coupons.view",
        _l("What coupons promise, how many, until when."),
        icon="offers",
    )
