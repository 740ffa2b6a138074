"""The guide's day: the list and a task; the manager's board; early signs."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from webapp.kernel import shell
from webapp.tasks.routes import board, doing, giving  # noqa: F401  their routes, card and panel
from webapp.tasks.routes.base import bp


def init_app(app: Flask) -> None:
    """Register."""
    app.register_blueprint(bp)
    shell.more("tasks.index", _l("My tasks"), "tasks.do", _l("Whom to get in touch with today"), "check")
    shell.more(
        "tasks.show_board",
        _l("Tasks by guide"),
        "tasks.give",
        _l("Who has what to do, give and take back"),
        "staff",
    )
    shell.more("tasks.signs", _l("Early signs"), "tasks.give", _l("Who is about to go quiet"), "alert")
