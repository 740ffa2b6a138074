"""The staff room's pages: the door, people, one's own account, quick sign-in; and, before every request, who asks."""

from __future__ import annotations

from functools import partial

from flask import Flask
from flask_babel import lazy_gettext as _l

from webapp.kernel import shell
from webapp.kernel.edge import SIGNED_IN
from webapp.staff.cookie import COOKIE
from webapp.staff.routes import account, intake, people, quick, sign_in

__all__ = ["COOKIE", "init_app"]


def init_app(app: Flask) -> None:
    """Register; recognise comes before the guard."""
    app.before_request(sign_in.recognise)
    app.extensions["regulars.room_for"] = partial(intake.room_for, app)
    for module in (sign_in, account, people, quick):
        app.register_blueprint(module.bp)
    shell.more(
        "account.show",
        _l("My account"),
        SIGNED_IN,
        _l("Name, language, password, second factor, where you are signed in."),
        icon="members",
    )
    shell.more(
        "people.index",
        _l("Staff"),
        "staff.edit",
        _l("Who works here, as what, in which stores."),
        icon="staff",
    )
    shell.more(
        "quick.index",
        _l("Quick sign-in"),
        "staff.quick",
        _l("A code for a guide whose chat app forgets who they are."),
        icon="phone",
    )
