"""Matrices for the staff: More, Offers, Which offer for whom."""

from __future__ import annotations

from flask import Flask

from webapp.matrix.routes import birthday, rows, table


def init_app(app: Flask) -> None:
    """Register."""
    for room in (table, rows, birthday):
        app.register_blueprint(room.bp)
