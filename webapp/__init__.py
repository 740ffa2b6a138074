"""Regulars · 回头客: members, groups and campaigns for a small retailer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from webapp.config import Settings
    from webapp.kernel.db import Database

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, db: Database | None = None) -> Flask:
    """The web application (webapp.app), imported when it is made: `regulars --help` needs none of it."""
    from webapp.app import create_app as make

    return make(settings, db)
