"""The plugins' own settings, and the pages that plugins bring."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l
from jinja2 import ChoiceLoader

from webapp.kernel import shell
from webapp.plugin_runtime import runtime
from webapp.plugin_runtime.routes import pages, settings
from webapp.staff.permissions import PERMISSIONS


def init_app(app: Flask) -> None:
    """Register; a place in More, and those of the plugins' pages."""
    runtime.hold_to(PERMISSIONS)
    own = app.jinja_loader
    app.jinja_loader = ChoiceLoader([*([own] if own else []), pages.PluginTemplates()])
    app.register_blueprint(settings.bp)
    app.register_blueprint(pages.bp)
    shell.more(
        "plugins.index",
        _l("Plugins"),
        "plugins.edit",
        _l("Channels, coupon types, life cycle: on, off, set."),
        icon="plugins",
    )
    shell.also(pages.places)
