"""The joining page, the codes and what they brought for the staff, sheets to print, and who looks after a member."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from webapp.kernel import shell
from webapp.touchpoints.routes import figures, member, public, sheets, staff


def init_app(app: Flask) -> None:
    """Register; the codes have their place in More."""
    for part in (public, staff, figures, sheets, member):
        app.register_blueprint(part.bp)
    shell.more(
        "touchpoints.index",
        _l("Joining codes"),
        "touchpoints.view",
        _l("QR codes that bring members in, and what they brought."),
        icon="qr",
    )
