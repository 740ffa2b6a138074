"""What routes are made of: a blueprint whose routes name a permission, one unit of work, a page or its fragment."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import Any, TypeVar

from flask import Blueprint, Flask, Response, abort, current_app, g, render_template, request, url_for
from flask import redirect as flask_redirect
from flask_wtf import FlaskForm
from jinja2_fragments.flask import render_block
from markupsafe import Markup
from werkzeug.routing import IntegerConverter as AnyInteger

from webapp.kernel import csrf
from webapp.kernel.db import Database
from webapp.kernel.errors import Refused
from webapp.kernel.htmx import is_partial
from webapp.kernel.idempotency import once
from webapp.kernel.scope import PUBLIC as PUBLIC_ACTOR
from webapp.kernel.scope import Actor, BrandRef, Scope

T = TypeVar("T")
PUBLIC = "public"  # the permission of routes that need no sign-in
SIGNED_IN = "signed_in"  # any staff member, with or without a brand
ONCE = "key"  # the form field of `once()`
BIGGEST = 2**63 - 1  # what a column of ids holds


class IntegerConverter(AnyInteger):
    """`<int:...>` of an address: an id that no row can have leads nowhere (404), on either database."""

    regex = r"\d{1,19}"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max": BIGGEST} | options)


class RoomBlueprint(Blueprint):
    """A blueprint that refuses a route without a permission.

    `csrf_exempt=True` is for calls that come from outside by design (one-click unsubscribe, webhooks).
    """

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        *,
        permission: str | None = None,
        csrf_exempt: bool = False,
        large: bool = False,
        **options: Any,
    ) -> None:
        """As Flask's, with the permission kept on the view function. large: takes files, up to the setting's size."""
        if view_func is not None:
            if not permission:
                raise RuntimeError(f"route {rule} of {self.name} names no permission")
            view_func.permission = permission  # type: ignore[attr-defined]  # functions carry attributes
            view_func.csrf_exempt = csrf_exempt  # type: ignore[attr-defined]
            view_func.large = large  # type: ignore[attr-defined]
        super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)


def blueprint(name: str, import_name: str, **options: Any) -> RoomBlueprint:
    """A room's blueprint, named after the room."""
    return RoomBlueprint(name, import_name, **options)


def database() -> Database:
    """The app's database."""
    db: Database = current_app.extensions["regulars.db"]
    return db


def brand() -> BrandRef | None:
    """The brand of this request, if any."""
    found: BrandRef | None = g.get("brand")
    return found


def actor() -> Actor:
    """Who asks. Public until the staff room has recognised a session."""
    found: Actor = g.get("actor", PUBLIC_ACTOR)
    return found


def can(permission: str) -> bool:
    """For templates: may the current actor do this?"""
    return permission == PUBLIC or actor().can(permission)


def write(work: Callable[[Scope], T], *, within: BrandRef | None = None) -> T:
    """One unit of work of this request: commits, then rings."""
    return database().write(work, brand=within or brand(), actor=actor())


def read(*, within: BrandRef | None = None) -> AbstractContextManager[Scope]:
    """A scope for looking."""
    return database().read(brand=within or brand(), actor=actor())


def page(template: str, block: str | None = None, status: int = 200, **context: Any) -> Response:
    """The whole page, or only `block` when htmx asks for a fragment and a block is named."""
    html = (
        render_block(template, block, **context)
        if block and is_partial()
        else render_template(template, **context)
    )
    return current_app.make_response((html, status))


def unlisted(template: str, status: int = 200, **context: Any) -> Response:
    """A page for whoever has its address: search engines keep it out of their lists."""
    response = page(template, status=status, **context)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def picture(data: bytes, mimetype: str) -> Response:
    """Uploaded bytes as what they were read to be (kernel.pictures): nothing in them runs, and nobody else keeps them."""
    response = current_app.make_response(data)
    response.headers["Content-Type"] = mimetype
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox; frame-ancestors 'none'"
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Disposition"] = "inline"
    return response


def redirect(endpoint: str, **values: Any) -> Response:
    """303: the browser asks for the page anew, so that back and reload repeat nothing."""
    return go(url_for(endpoint, **values))


def go(url: str) -> Response:
    """303 to an address of ours."""
    response = flask_redirect(url, code=303)
    return current_app.make_response(response)


def leave(response: Response) -> Response:
    """A redirect away from the page one is on. A fragment cannot hold another page: htmx is told to open it (401)."""
    if is_partial():
        response.headers["HX-Redirect"] = response.headers.pop("Location")
        response.status_code = 401
    return response


def once_input() -> Markup:
    """`{{ once() }}`: the key by which a form that is posted twice does its work once (kernel.idempotency)."""
    kept = request.form.get(ONCE, "") if request.method == "POST" and not g.get("once_spent") else ""
    key = kept or secrets.token_urlsafe(18)
    return Markup('<input type="hidden" name="{}" value="{}">').format(ONCE, key)


def spend_once() -> None:
    """The key of this request was answered: a form rendered again (after a refusal) gets a new one."""
    g.once_spent = True


def once_key() -> str:
    """The key that this form was posted with; 400 without one."""
    key = request.form.get(ONCE, "")
    if not 8 <= len(key) <= 64:
        abort(400)
    return key


def form_key() -> str:
    """The key of this form as it is filled in: who goes back, changes something and sends it once more means another thing,
    which must not be answered by the first one."""
    typed = sorted(
        (name, value) for name, value in request.form.items(multi=True) if name not in (ONCE, csrf.FIELD)
    )
    return sha256(repr((once_key(), typed)).encode()).hexdigest()


def add_once(purpose: str, make: Callable[[Scope], Any]) -> int | Refused:
    """Make one thing, however often its form is posted as it is: its id. make: the thing, or why not; a form that is shown
    again after that has a new key."""
    key = form_key()

    def unit(scope: Scope) -> Any:
        def work() -> Any:
            made = make(scope)
            return (
                {"refused": made.code, "facts": made.facts} if isinstance(made, Refused) else {"id": made.id}
            )

        return once(scope, key, purpose, work)

    answer = write(unit)
    if "id" in answer:
        return int(answer["id"])
    spend_once()
    return Refused(answer["refused"], answer["facts"])


class Form(FlaskForm):  # type: ignore[misc]  # flask_wtf has no types
    """Base of all forms. The guard has checked for forgery already, so WTForms' own token is off."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        csrf = False


def largest() -> int:
    """Bytes that a request with files may have: a file of the setting's size, and the form around it."""
    return int(current_app.extensions["regulars.settings"].upload_mb * 2**20 + 2**20)


def guard() -> Response | None:
    """Before every request, after the actor is known: forgery, then permission. Deny by default."""
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None:
        return None  # 404 and 405 come from Flask
    permission = getattr(view, "permission", None)
    if permission is None:
        abort(403)
    if getattr(view, "large", False) and actor().can(permission):  # nobody else may fill the disk
        request.max_content_length = largest()
    if "\0" in request.path:
        abort(404)
    if _has_nul():
        abort(400)
    if request.method not in csrf.SAFE and not getattr(view, "csrf_exempt", False) and not csrf.genuine():
        abort(400, description="forged")
    if permission == PUBLIC:
        return None
    if actor().kind != "staff":
        back = request.full_path.rstrip("?") if request.method in csrf.SAFE else None
        return leave(redirect("staff.sign_in", next=back))
    if permission == SIGNED_IN:
        return None
    if brand() is None:
        return leave(redirect("staff.choose_brand"))
    if not actor().can(permission):
        abort(403)
    return None


def _has_nul() -> bool:
    """A NUL in the question or the form: nobody types one, and PostgreSQL stores and compares none."""
    asked = (*request.args.items(multi=True), *request.form.items(multi=True))
    return any("\0" in text for pair in asked for text in pair)


def init_edge(app: Flask, db: Database) -> None:
    """Hand the database to the routes, and their words to the templates. Before any route with an <int:...>."""
    app.extensions["regulars.db"] = db
    app.url_map.converters["int"] = IntegerConverter
    app.jinja_env.globals.update(csrf=csrf.hidden_input, once=once_input, can=can)
    app.context_processor(lambda: {"brand": brand(), "actor": actor() if actor().kind == "staff" else None})
