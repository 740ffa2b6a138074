"""Offers and coupons for the staff, the counter, and the member's own page."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from webapp.coupons.routes import (
    basket,
    claim,
    codes,
    counter,
    coupons,
    events,
    figures,
    offers,
    public,
    returns,
    undo_rule,
    wallet,
)
from webapp.coupons.wallet import path
from webapp.kernel import shell


def init_app(app: Flask) -> None:
    """Register; Offers has its place in More, the Counter its own in the bar."""
    for room in (
        offers,
        codes,
        events,
        figures,
        coupons,
        counter,
        basket,
        public,
        claim,
        wallet,
        returns,
        undo_rule,
    ):
        app.register_blueprint(room.bp)
    app.jinja_env.globals["wallet_page"] = path
    shell.more(
        "offers.index",
        _l("Offers"),
        "coupons.view",
        _l("What coupons promise, how many, until when."),
        icon="offers",
    )
    shell.more(
        "undo_rule.edit",
        _l("Undo at the counter"),
        "settings.edit",
        _l("How long the use of a coupon can be undone."),
        icon="undo",
    )
