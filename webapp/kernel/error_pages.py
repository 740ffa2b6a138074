"""The pages that say what went wrong, in plain words and with a way onward; for a fragment request, the words alone."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from flask import Flask, Response, make_response, render_template, request
from jinja2_fragments.flask import render_block
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response as AnyResponse

from webapp.kernel import edge, errors
from webapp.kernel.htmx import is_partial

log = logging.getLogger(__name__)
_PAGES = frozenset({400, 403, 404, 405, 413, 422, 429, 500})
_MEMBERS = ("/c/", "/u/", "/o/")  # where members' links begin


def show(status: int, **facts: Any) -> Response:
    """The page of that status. A fragment request gets its words as a notice above what is there, which stays.

    Facts: `forged` (a form from elsewhere), `said` (a sentence for the person), `reference` (of a fault in the log).
    """
    template = f"errors/{status if status in _PAGES else (400 if status < 500 else 500)}.html"
    member = request.path.startswith(_MEMBERS)
    signed_in = edge.actor().kind == "staff" and not member
    facts |= {"status": status, "member": member, "layout": "base.html" if signed_in else "public.html"}
    if is_partial():
        words = Markup(render_block(template, "words", **facts))  # already escaped by the template
        response = make_response(render_template("errors/_notice.html", words=words), status)
        response.headers["HX-Retarget"] = "#alerts"
        response.headers["HX-Reswap"] = "innerHTML show:top"
        return response
    return make_response(render_template(template, **facts), status)


def on_http(why: HTTPException) -> Response | AnyResponse | HTTPException:
    """4xx and 5xx as pages in plain words; redirects and prepared answers as they are."""
    if why.response is not None or why.code is None or why.code < 400:
        return why
    response = show(why.code, forged=why.description == "forged")
    for name, value in why.get_headers(request.environ):  # Allow, Retry-After
        if name not in ("Content-Type", "Content-Length"):
            response.headers.setdefault(name, value)
    return response


def on_fault(why: InternalServerError) -> Response:
    """A fault, logged with the reference that the page shows (Flask has logged its traceback)."""
    reference = secrets.token_hex(4)
    log.error("fault %s: %s %s", reference, request.method, request.path)
    return show(500, reference=reference)


def init_error_pages(app: Flask) -> None:
    """Register the pages for HTTP's errors and the kernel's own."""
    app.register_error_handler(HTTPException, on_http)
    app.register_error_handler(500, on_fault)
    app.register_error_handler(errors.NotFound, lambda why: show(404))
    app.register_error_handler(errors.Forbidden, lambda why: show(403))
    app.register_error_handler(errors.UserError, lambda why: show(422, said=str(why)))
