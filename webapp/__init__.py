"""Regulars · 回头客: members, groups and campaigns for a small retailer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from webapp.config import Settings
    from webapp.kernel.db import Database

__all__ = ["create_app"]
NOT_SERVED = 3  # gunicorn's own exit code for "this will not work, do not try again"


def create_app(settings: Settings | None = None, db: Database | None = None) -> Flask:
    """The web application (webapp.app), imported when it is made: `regulars --help` needs none of it.

    Called by a server of pages (gunicorn, wsgi.py), without arguments, it says in one sentence why the shop cannot be
    served and ends the server, instead of leaving it to try again for ever.
    """
    from webapp.app import create_app as make

    if settings is not None or db is not None:
        return make(settings, db)
    import sys

    from webapp.kernel.errors import UserError

    try:
        return make()
    except UserError as mistake:
        sys.stderr.write(f"{mistake}\n")
        sys.exit(NOT_SERVED)
