"""How much a request may bring, known from its head alone: asked by the server before it keeps any of the body."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, request

from webapp.kernel import edge
from webapp.staff import queries
from webapp.staff.cookie import COOKIE


def room_for(app: Flask, environ: dict[str, Any]) -> int:
    """Bytes: little, but for who may send files where files are taken. Looks and writes nothing."""
    with app.request_context(environ):
        view = current_app.view_functions.get(request.endpoint or "")
        token = request.cookies.get(COOKIE, "")
        if request.method == "POST" and token and getattr(view, "large", False):
            with edge.read() as scope:
                found = queries.signed_in(scope, token)
            if found is not None and found.actor.can(view.permission):  # type: ignore[union-attr]  # large: a view
                return edge.largest()
        return int(app.config["MAX_CONTENT_LENGTH"])
