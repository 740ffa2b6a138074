"""Plain words for what went wrong; no traceback reaches a person."""

from __future__ import annotations

import logging
import uuid

from flask import Flask, Response, current_app, render_template, request
from werkzeug.exceptions import HTTPException

from webapp.kernel import edge
from webapp.kernel.errors import Forbidden, NotFound, UserError

log = logging.getLogger("regulars.web")
SHOWN = {400, 403, 404, 405, 413, 422, 429, 500}


def show(code: int, said: str = "", reference: str = "") -> Response:
    """The error page of a status, as staff or as a member sees it. said: the sentence in place of the usual words."""
    known = code if code in SHOWN else (400 if code < 500 else 500)
    view = current_app.view_functions.get(request.endpoint or "")
    staff = edge.actor().kind == "staff"
    html = render_template(
        f"errors/{known}.html",
        layout="base.html" if staff else "public.html",
        member=not staff and getattr(view, "permission", None) == edge.PUBLIC,
        said=said,
        reference=reference,
    )
    return current_app.make_response((html, code))


def init_errors(app: Flask) -> None:
    """Register the handlers."""

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        code = error.code or 500
        if error.response is not None or code < 400:
            return current_app.make_response(error.get_response())
        return show(code)

    @app.errorhandler(NotFound)
    def missing(_error: NotFound) -> Response:
        return show(404)

    @app.errorhandler(Forbidden)
    def forbidden(_error: Forbidden) -> Response:
        return show(403)

    @app.errorhandler(UserError)
    def mendable(error: UserError) -> Response:
        return show(422, str(error))

    @app.errorhandler(Exception)
    def fault(error: Exception) -> Response:
        if app.config.get("PROPAGATE_EXCEPTIONS"):
            raise error
        reference = uuid.uuid4().hex[:8]
        log.error("fault %s at %s %s", reference, request.method, request.path, exc_info=error)
        return show(500, reference=reference)
