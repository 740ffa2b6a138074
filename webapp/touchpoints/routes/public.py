"""The joining page behind a printed code: no sign-in, no JavaScript, and nothing on it about anybody else."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, abort, current_app, flash, g, request
from flask_babel import gettext as _

from webapp.brands import queries as brands
from webapp.groups import queries as group_queries
from webapp.groups.service import Invitation, invitation
from webapp.kernel import browser, edge, shell
from webapp.kernel.edge import PUBLIC
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.limits import limit
from webapp.kernel.scope import BrandRef
from webapp.plugin_runtime import calls
from webapp.plugin_runtime.words import consent_label
from webapp.touchpoints import joining, queries, service
from webapp.touchpoints.forms import JoinForm, consents, join_form
from webapp.touchpoints.models import Touchpoint

bp = edge.blueprint("join", __name__)

FROM_ADDRESS = (60, 600)  # joins from one address in so many seconds: a shop's wifi is one address
FROM_CODE = (600, 600)  # joins by one code
FROM_CONTACT = (3, 86_400)  # one phone typed again and again


@bp.get("/t/<code>", permission=PUBLIC)
def show(code: str) -> Response:
    """The form; whoever joined in this browser sees their coupon again, unless they say it is somebody else (?new=1)."""
    browser.door()
    touchpoint, brand = _found(code)
    word, fresh = browser.seen()
    if not browser.is_robot() and request.method == "GET":
        edge.write(lambda scope: joining.scanned(scope, touchpoint, word))
    known = None if request.args.get("new") else _known(brand)
    if known is not None:
        response = edge.page(
            "pages/join/known.html", touchpoint=touchpoint, known=known, group=_group(touchpoint)
        )
    elif not touchpoint.active:
        response = edge.page("pages/join/resting.html", status=410)
    else:
        response = _form_page(touchpoint, _form(touchpoint))
    if fresh:
        browser.keep_seen(response, word)
    return response


@bp.post("/t/<code>", permission=PUBLIC)
def join(code: str) -> Response:
    """Join once, however often it is tapped. What is answered does not depend on who has this phone already."""
    touchpoint, brand = _found(code)
    if not request.args.get("new") and _known(brand) is not None:
        return edge.redirect("join.show", code=code)
    if not touchpoint.active:
        return edge.page("pages/join/resting.html", status=410)
    browser.door("join", FROM_ADDRESS)
    if not limit("join.code", f"{touchpoint.brand_id}:{touchpoint.id}", *FROM_CODE):
        abort(429)
    form = _form(touchpoint)
    if form.website.data:
        return edge.redirect("join.done", code=code)
    if not form.validate():
        return _form_page(touchpoint, form, 422)
    typed = joining.Joining(
        phone=_typed(form, "phone"),
        email=_typed(form, "email"),
        name=_typed(form, "name"),
        birthday=(form.birthday.data or "") if "birthday" in form else "",
        consents=consents(form),
    )
    with edge.read() as scope:
        contact = joining.contact_of(scope, typed)
    if isinstance(contact, str) and not limit("join.contact", contact, *FROM_CONTACT):
        abort(429)
    key = edge.once_key()
    answer = (
        contact
        if isinstance(contact, Refused)
        else edge.write(lambda scope: joining.join(scope, touchpoint, typed, key))
    )
    if isinstance(answer, Refused):
        edge.spend_once()
        form.refuse(answer)
        return _form_page(touchpoint, form, 422)
    flash(touchpoint.welcome or _("Welcome! You are a member now."), "good")
    response = (
        edge.go(then)
        if (then := _then())
        else edge.redirect("coupon_page.show", token=answer.token)
        if answer.token and _group(touchpoint) is None
        else edge.redirect("join.done", code=code, coupon=answer.token)
    )
    browser.keep_member(response, brand, answer.member_id)
    return response


@bp.get("/t/<code>/in", permission=PUBLIC)
def done(code: str) -> Response:
    """Where there is no coupon to show, or a chat group beside it."""
    browser.door()
    touchpoint, _brand = _found(code)
    token = request.args.get("coupon", "")
    return edge.page(
        "pages/join/done.html",
        touchpoint=touchpoint,
        token=token if re.fullmatch(r"[\w-]{8,60}", token, re.ASCII) else None,
        group=_group(touchpoint),
    )


@bp.get("/t/<code>/group", permission=PUBLIC)
def group_picture(code: str) -> Response:
    """The QR code of the chat group, as its owner uploaded it."""
    browser.door()
    touchpoint, _brand = _found(code)
    invited = _group(touchpoint)
    if invited is None or not invited.picture:
        raise NotFound("picture")
    with edge.read() as scope:
        found = group_queries.picture(scope, invited.group_id)
    if found is None:
        raise NotFound("picture")
    response = current_app.make_response((found.data, {"Content-Type": found.mimetype}))
    response.headers["Cache-Control"] = "private, no-store"
    return response


@bp.get("/join/<brand_code>", permission=PUBLIC)
@bp.get("/join/<brand_code>/<store_code>", permission=PUBLIC)
def default(brand_code: str, store_code: str | None = None) -> Response:
    """The joining page that a brand and each of its stores has without anybody making a code."""
    browser.door()
    with edge.database().read() as scope:
        g.brand = brands.by_code(scope.session, brand_code)
    if g.brand is None:
        raise NotFound("brand")
    with edge.read() as scope:
        store = next((one for one in brands.stores(scope) if one.code == store_code), None)
        if store_code is not None and (store is None or not store.open):
            raise NotFound("store")
        found = queries.by_slot(scope, f"store:{store.id}" if store is not None else "brand")
    code = found.code if found else edge.write(lambda scope: service.default(scope, store).code)
    return edge.redirect("join.show", code=code, new=request.args.get("new"), then=_then() or None)


def _then() -> str:
    """The page of a plugin from which somebody came to join, and to which they go back; blank: none."""
    path = request.args.get("then", "")
    return path if path.startswith("/x/") and shell.own_path(path) == path else ""


def _found(code: str) -> tuple[Touchpoint, BrandRef]:
    """The touchpoint; from here on the request is its brand's."""
    with edge.database().read() as scope:
        touchpoint = queries.by_code(scope.session, code)
        if touchpoint is None:
            raise NotFound("touchpoint")
        g.brand = brands.load(scope.session, touchpoint.brand_id)
    return touchpoint, g.brand


def _known(brand: BrandRef) -> queries.Known | None:
    member_id = browser.member(brand)
    if member_id is None:
        return None
    with edge.read() as scope:
        return queries.known(scope, member_id)


def _group(touchpoint: Touchpoint) -> Invitation | None:
    """The chat group that whoever joins here is asked into, while it lets people in."""
    if not touchpoint.group_id:
        return None
    with edge.read() as scope:
        found = invitation(scope, touchpoint.group_id)
    return found if found is not None and (found.link or found.picture) else None


def _form(touchpoint: Touchpoint) -> JoinForm:
    with edge.read() as scope:
        channels = [
            (one.impl.key, consent_label(one.plugin, one.impl), one.impl.identity)
            for one in calls.channels(scope)
        ]
    return join_form(touchpoint, channels)


def _typed(form: JoinForm, name: str) -> str:
    """Blank too for what this code does not ask for."""
    return str(form[name].data or "").strip() if name in form else ""


def _form_page(touchpoint: Touchpoint, form: JoinForm, status: int = 200) -> Response:
    context: dict[str, Any] = {"touchpoint": touchpoint, "form": form, "anew": bool(request.args.get("new"))}
    context["then"] = _then()
    return edge.page("pages/join/form.html", status=status, **context)
