"""Pages of the first owner, the shop, its stores, its public address, and the first steps."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from webapp.kernel import links, shell
from webapp.settings.routes import address, setup, shop, start, stores


def init_app(app: Flask) -> None:
    """Register; places in More; the words of templates."""
    for room in (start, setup, shop, stores, address):
        app.register_blueprint(room.bp)
    app.before_request(start.to_the_first_page)
    app.jinja_env.globals.update(public_address=links.state, setup_strip=setup.strip)
    shell.more("shop.edit", _l("Shop"), "brand.edit", _l("Name, colour, logo, language."), icon="settings")
    shell.more("stores.index", _l("Stores"), "brand.edit", _l("Add, rename, close."), icon="store")
    shell.more(
        "address.show",
        _l("Public address"),
        "settings.edit",
        _l("Where members' phones find you."),
        icon="qr",
    )
    shell.more("setup.index", _l("First steps"), "settings.edit", _l("What is left to set up."), icon="check")
