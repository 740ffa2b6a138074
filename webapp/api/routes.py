"""The API under /api/v1, its OpenAPI document, and the owner's page of keys."""

from __future__ import annotations

import msgspec
from flask import Flask, Response, current_app, flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.api import door, keys, openapi, problems
from webapp.api.forms import SCOPE_NAMES, KeyForm
from webapp.brands import queries as brands
from webapp.kernel import edge, errorpages, shell
from webapp.kernel.edge import PUBLIC
from webapp.kernel.errors import Refused

bp = edge.blueprint("api_keys", __name__)


def init_app(app: Flask) -> None:
    """Register; errors below /api/ are JSON; a place in More."""
    v1 = edge.blueprint("api", __name__, url_prefix=openapi.ROOT)
    door.add_to(v1)
    v1.add_url_rule("/openapi.json", "openapi", document, methods=["GET"], permission=PUBLIC)
    app.register_blueprint(v1)
    app.register_blueprint(bp)
    errorpages.PROGRAMS["/api/"] = problems.of_status
    shell.more(
        "api_keys.index",
        _l("Keys for tills and shops"),
        "api.keys",
        _l("What asks by itself, what it may do, when it last did."),
        icon="counter",
    )


def document() -> Response:
    """What can be asked, for anybody: it names nobody."""
    response = current_app.make_response(msgspec.json.encode(openapi.document()))
    response.mimetype = "application/json"
    return response


@bp.get("/settings/api", permission="api.keys")
def index() -> Response:
    """The keys, what they may do, when they were last used."""
    with edge.read() as scope:
        rows = keys.listed(scope)
    return edge.page(
        "pages/api/index.html",
        rows=rows,
        scopes=SCOPE_NAMES,
        address=request.host_url.rstrip("/") + openapi.ROOT,
    )


@bp.get("/settings/api/new", permission="api.keys")
def ask() -> Response:
    """For what."""
    form = KeyForm(formdata=None, data={"scopes": ["coupons", "redeem", "reverse"]})
    form.offer(_stores())
    return edge.page("pages/api/new.html", form=form)


@bp.post("/settings/api/new", permission="api.keys")
def make() -> Response:
    """Make it, and show its secret this once."""
    once, form = edge.once_key(), KeyForm()
    form.offer(_stores())
    if not form.validate():
        return edge.page("pages/api/new.html", status=422, form=form)
    answer = edge.write(
        lambda scope: keys.make(
            scope,
            name=str(form.name.data),
            scopes=form.scopes.data or [],
            store_id=int(form.store.data) if form.store.data else None,
            key=once,
        )
    )
    if isinstance(answer, Refused):
        form.refuse(answer)
        return edge.page("pages/api/new.html", status=422, form=form)
    made, secret = answer
    response = edge.page("pages/api/made.html", made=made, secret=secret)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/settings/api/<int:api_key_id>/revoke", permission="api.keys")
def revoke(api_key_id: int) -> Response:
    """It opens nothing from now on."""
    if edge.write(lambda scope: keys.revoke(scope, api_key_id)):
        flash(_("Revoked. Nothing is answered by this key any more."), "good")
    else:
        flash(_("This key was revoked already."), "warn")
    return edge.redirect("api_keys.index")


def _stores() -> list[tuple[int, str]]:
    with edge.read() as scope:
        return [(store.id, store.name) for store in brands.stores(scope) if store.open]
