"""Signing in and out, one-time links, choosing a brand; and, before every request, who asks."""

from __future__ import annotations

from flask import Response, g, request
from flask_babel import gettext as _

from webapp.kernel import edge
from webapp.kernel.edge import PUBLIC, SIGNED_IN
from webapp.kernel.errors import Refused
from webapp.kernel.limits import limit
from webapp.kernel.security import secure
from webapp.kernel.shell import own_path
from webapp.staff import queries, service
from webapp.staff.forms import PasswordForm, SignInForm

bp = edge.blueprint("staff", __name__)
COOKIE = "rg_session"


def recognise() -> None:
    """Before every request: the session's account, role and brand."""
    token = request.cookies.get(COOKIE, "")
    if not token or request.endpoint == "static_asset":
        return
    with edge.read() as scope:
        found = queries.signed_in(scope, token)
        stale = found is not None and scope.now - found.session.seen_at > service.SEEN_EVERY
    if found is None:
        return
    g.actor, g.brand, g.locale, g.store_id = found.actor, found.brand, found.locale, found.store_id
    if stale:
        edge.write(lambda scope: service.touch_session(scope, token))


def _set_cookie(response: Response, token: str) -> Response:
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(service.SESSION_LIVES.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=secure(),
    )
    return response


def _enter(staff_id: int, back: str) -> Response:
    agent = request.headers.get("User-Agent", "")
    token = edge.write(lambda scope: service.open_session(scope, staff_id, agent=agent))
    return _set_cookie(edge.go(own_path(back)), token)


@bp.get("/sign-in", permission=PUBLIC)
def sign_in() -> Response:
    """The form; whoever is signed in already goes on."""
    if edge.actor().kind == "staff":
        return edge.go(own_path(request.args.get("next", "/")))
    return edge.page(
        "pages/staff/sign_in.html", form=SignInForm(formdata=None), next=request.args.get("next", "/")
    )


@bp.post("/sign-in", permission=PUBLIC)
def sign_in_post() -> Response:
    """Check, then a session. Limited by address and by account."""
    form, back = SignInForm(), request.form.get("next", "/")
    status = 422
    if form.validate():
        email = str(form.email.data).strip().lower()
        if not limit("sign-in", request.remote_addr or "", 20, 300) or not limit("sign-in", email, 10, 300):
            form.form_errors.append(_("Too many tries. Please wait five minutes and try again."))
            status = 429
        else:
            with edge.read() as scope:
                answer = service.check_password(scope, email, str(form.password.data))
            if not isinstance(answer, Refused):
                return _enter(answer.id, back)
            form.form_errors.append(
                _("This e-mail and password do not fit together. Nothing else is wrong: try again.")
            )
    return edge.page("pages/staff/sign_in.html", status=status, form=form, next=back)


@bp.post("/sign-out", permission=SIGNED_IN)
def sign_out() -> Response:
    """End this session."""
    token = request.cookies.get(COOKIE, "")
    edge.write(lambda scope: service.close_session(scope, token))
    response = edge.redirect("staff.sign_in")
    response.delete_cookie(COOKIE)
    return response


@bp.get("/welcome/<token>", permission=PUBLIC)
def welcome(token: str) -> Response:
    """A one-time link: choose a password."""
    return _welcome(token, PasswordForm(formdata=None))


@bp.post("/welcome/<token>", permission=PUBLIC)
def welcome_post(token: str) -> Response:
    """Store the password, spend the link, sign in."""
    form = PasswordForm()
    if not limit("welcome", request.remote_addr or "", 20, 300):
        form.form_errors.append(_("Too many tries. Please wait five minutes and try again."))
        return _welcome(token, form, 429)
    if form.validate():
        hashed = service.hash_password(str(form.password.data))
        if isinstance(hashed, Refused):
            form.password.errors = [_("Use at least %(minimum)s characters.", **hashed.facts)]
            return _welcome(token, form, 422)
        answer = edge.write(lambda scope: service.use_link(scope, token, hashed))
        if not isinstance(answer, Refused):
            return _enter(answer.id, "/")
    return _welcome(token, form, 422)


def _welcome(token: str, form: PasswordForm, status: int = 200) -> Response:
    with edge.read() as scope:
        found = queries.open_link(scope, token)
        email = found[1].email if found else ""
    if not found:
        return edge.page("pages/staff/link_spent.html", status=410)
    return edge.page("pages/staff/welcome.html", status=status, form=form, email=email, token=token)


@bp.get("/brands", permission=SIGNED_IN)
def choose_brand() -> Response:
    """Several brands: which one now?"""
    with edge.read() as scope:
        held = queries.roles(scope, edge.actor().id)
    return edge.page("pages/staff/brands.html", held=held)


@bp.post("/brands", permission=SIGNED_IN)
def choose_brand_post() -> Response:
    """Work in this brand from now on."""
    token, me = request.cookies.get(COOKIE, ""), edge.actor().id
    wanted = request.form.get("brand", type=int) or 0
    edge.write(lambda scope: service.choose_brand(scope, token, me, wanted))
    return edge.go("/")
