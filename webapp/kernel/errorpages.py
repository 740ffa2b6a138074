"""Plain words for what went wrong and a way onward; no traceback reaches a person.

A fragment request gets the words alone, as a notice above what is there, so that a form half filled in stays.
"""

from __future__ import annotations

import errno
import logging
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask, Response, current_app, make_response, render_template, request
from flask_babel import gettext
from jinja2_fragments.flask import render_block
from markupsafe import Markup
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException

from webapp.kernel import edge
from webapp.kernel.db import unreachable
from webapp.kernel.errors import Forbidden, NotFound, UserError
from webapp.kernel.htmx import is_partial

log = logging.getLogger("regulars.web")
SHOWN = {400, 403, 404, 405, 413, 422, 429, 500}
NOTICES = "#alerts"  # where templates/base.html shows them
# beginning of a path -> what answers programs there instead of a page: (status, the sentence, the fault's reference)
PROGRAMS: dict[str, Callable[[int, str, str], Response]] = {}


def show(code: int, said: str = "", reference: str = "", *, forged: bool = False) -> Response:
    """The error page of a status, as staff or as a member sees it. said: the sentence in place of the usual words."""
    if (tell := _program()) is not None:
        return tell(code, said, reference)
    known = code if code in SHOWN else (400 if code < 500 else 500)
    template = f"errors/{known}.html"
    view = current_app.view_functions.get(request.endpoint or "")
    staff = edge.actor().kind == "staff"
    facts: dict[str, Any] = {
        "layout": "base.html" if staff else "public.html",
        "member": not staff and getattr(view, "permission", None) == edge.PUBLIC,
        "said": said,
        "reference": reference,
        "forged": forged,
    }
    if not is_partial():
        return make_response(render_template(template, **facts), code)
    words = Markup(render_block(template, "words", **facts))  # the template has escaped it
    response = make_response(render_template("errors/_notice.html", words=words), code)
    response.headers["HX-Retarget"] = NOTICES
    response.headers["HX-Reswap"] = "innerHTML show:top"
    return response


def init_errors(app: Flask) -> None:
    """Register the handlers."""

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        code = error.code or 500
        if error.response is not None or code < 400:
            return current_app.make_response(error.get_response())
        if code == 405 and _program() is None and (page := _page_above()) and not is_partial():
            return edge.go(page)
        response = show(code, forged=error.description == "forged")
        for name, value in error.get_headers(request.environ):  # Allow, Retry-After
            if name != "Content-Type":
                response.headers.setdefault(name, value)
        return response

    @app.errorhandler(NotFound)
    def missing(_error: NotFound) -> Response:
        return show(404)

    @app.errorhandler(Forbidden)
    def forbidden(_error: Forbidden) -> Response:
        return show(403)

    @app.errorhandler(UserError)
    def mendable(error: UserError) -> Response:
        return show(422, gettext(str(error)))

    @app.errorhandler(DataError)
    @app.errorhandler(OverflowError)
    def impossible(error: DataError | OverflowError) -> Response:
        """A value that no column takes: PostgreSQL and SQLite's driver say so in ways of their own."""
        if isinstance(error, OverflowError) and "SQLite" not in str(error):
            return fault(error)
        log.warning("a value that cannot be stored, at %s %s", request.method, _route())
        return show(400)

    @app.errorhandler(Exception)
    def fault(error: Exception) -> Response:
        if app.config.get("PROPAGATE_EXCEPTIONS"):
            raise error
        if said := unreachable(error):
            log.warning("the database is away (%s)", said)
            response = show(503)
            response.headers["Retry-After"] = "5"
            return response
        if _no_room(error):
            log.error("no room on the disk, at %s %s", request.method, _route())
            return show(507, gettext("The disk of the shop's computer is full. Nothing of what you sent was kept. Make room on it, then send it again."))  # fmt: skip
        reference = uuid.uuid4().hex[:8]
        log.error("fault %s at %s %s", reference, request.method, _route(), exc_info=error)
        return show(500, reference=reference)


def _no_room(error: Exception) -> bool:
    """The disk is full, or what this program may have of it."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    if not isinstance(error, OperationalError):
        return False
    return "disk is full" in str(error.orig) or getattr(error.orig, "sqlstate", None) == "53100"


def _program() -> Callable[[int, str, str], Response] | None:
    """What speaks to programs at this address, if one asks there."""
    return next((tell for begin, tell in PROGRAMS.items() if request.path.startswith(begin)), None)


def _page_above() -> str | None:
    """The page of a form, for who comes back to the address that it was sent to: by reloading, by choosing a language
    where something typed was wrong, or after signing in again."""
    router = current_app.create_url_adapter(request)
    if router is None or request.routing_exception is None or request.method not in ("GET", "HEAD"):
        return None
    path = request.path
    while path := path.rpartition("/")[0]:
        with suppress(HTTPException):
            router.match(path, method="GET")
            return path
    return None


def _route() -> str:
    """The rule, not the address: that may hold a member's or an invitation's word."""
    return request.url_rule.rule if request.url_rule else "an unknown address"
