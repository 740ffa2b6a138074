"""The door: password, second factor, one-time links, choosing a brand; and, before every request, who asks."""

from __future__ import annotations

from typing import Any

from flask import Response, g, request, session
from flask_babel import gettext as _

from webapp.kernel import clock, edge
from webapp.kernel.edge import PUBLIC, SIGNED_IN
from webapp.kernel.errors import Refused
from webapp.kernel.limits import left, limit
from webapp.kernel.secrets import digest
from webapp.kernel.shell import own_path
from webapp.staff import cookie, factor, queries, service
from webapp.staff.cookie import COOKIE
from webapp.staff.forms import CodeForm, PasswordForm, SignInForm
from webapp.staff.models import Staff

bp = edge.blueprint("staff", __name__)
HALF = "half"  # in the signed cookie: whose password was right, and since when
HALF_LIVES = 300  # seconds to type the code in


def recognise() -> None:
    """Before every request: the session's account, role, stores and brand."""
    token = request.cookies.get(COOKIE, "")
    if not token or request.endpoint == "static_asset":
        return
    with edge.read() as scope:
        found = queries.signed_in(scope, token)
        stale = found is not None and scope.now - found.session.seen_at > service.SEEN_EVERY
    if found is None:
        return
    g.actor, g.brand, g.locale, g.store_id = found.actor, found.brand, found.locale, found.store_id
    g.quick_session = found.session.how == queries.QUICK
    if stale:
        edge.write(lambda scope: service.touch_session(scope, token))


def who_asks() -> dict[str, Any]:
    """What a session remembers of the browser."""
    return {"agent": request.headers.get("User-Agent", ""), "address": request.remote_addr or ""}


def enter(staff_id: int, back: str) -> Response:
    """Password or link were good: a session, or first the code of the app where the account asks for one."""
    with edge.read() as scope:
        asked = factor.is_on(scope, staff_id)
        mark = _mark(scope.session.get_one(Staff, staff_id))
    if asked:
        session[HALF] = [staff_id, int(clock.now().timestamp()), mark]
        return edge.redirect("staff.second", next=own_path(back))
    return _let_in(staff_id, back)


def _let_in(staff_id: int, back: str) -> Response:
    token = edge.write(lambda scope: service.open_session(scope, staff_id, **who_asks()))
    return cookie.put(edge.go(own_path(back)), token)


def _mark(staff: Staff) -> str:
    """Changes with the password: what was begun under an old one is not ended under a new one."""
    return digest(staff.password or "")[:16]


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
    """Check, then a session. Failures are limited by address and by account; a whole shop may come in by one router."""
    form, back = SignInForm(), request.form.get("next", "/")
    status = 422
    if form.validate():
        email = str(form.email.data).strip().lower()
        limits = ((request.remote_addr or "", 20, 300), (email, 10, 300))
        if not all(left("sign-in", *one) for one in limits):
            form.form_errors.append(_("Too many tries. Please wait five minutes and try again."))
            status = 429
        else:
            with edge.read() as scope:
                answer = service.check_password(scope, email, str(form.password.data))
            if not isinstance(answer, Refused):
                return enter(answer.id, back)
            for one in limits:
                limit("sign-in", *one)
            form.form_errors.append(
                _("This e-mail and password do not fit together. Nothing else is wrong: try again.")
            )
    return edge.page("pages/staff/sign_in.html", status=status, form=form, next=back)


@bp.get("/sign-in/code", permission=PUBLIC)
def second() -> Response:
    """The password was right: now the code."""
    if _half() is None:
        return edge.redirect("staff.sign_in")
    return _second_page(CodeForm(formdata=None), request.args.get("next", "/"))


@bp.post("/sign-in/code", permission=PUBLIC)
def second_post() -> Response:
    """The app's code or a recovery code, few tries."""
    form, back, staff_id = CodeForm(), request.form.get("next", "/"), _half()
    if staff_id is None:
        return edge.redirect("staff.sign_in", next=own_path(back))
    if not form.validate():
        return _second_page(form, back, 422)
    if not may_try_code(staff_id):
        form.code.errors = [_("Too many tries. Please wait a quarter of an hour and try again.")]
        return _second_page(form, back, 429)
    typed = str(form.code.data)
    if edge.write(lambda scope: factor.check(scope, staff_id, typed)):
        session.pop(HALF, None)
        return _let_in(staff_id, back)
    form.code.errors = [_("This code is not right, or it was used already. Wait for the next one.")]
    return _second_page(form, back, 422)


def may_try_code(staff_id: int) -> bool:
    """Six digits are few: so are the tries."""
    return limit("second-factor", str(staff_id), 6, 900) and limit(
        "second-factor-day", str(staff_id), 40, 86400
    )


def _half() -> int | None:
    """Whose password was right in this browser a moment ago."""
    kept = session.get(HALF)
    if not isinstance(kept, list) or len(kept) != 3:
        return None
    staff_id, since, mark = kept
    if clock.now().timestamp() - since > HALF_LIVES:
        return None
    with edge.read() as scope:
        staff = scope.session.get(Staff, staff_id)
        good = staff is not None and staff.active and _mark(staff) == mark and factor.is_on(scope, staff_id)
    return staff_id if good else None


def _second_page(form: CodeForm, back: str, status: int = 200) -> Response:
    return edge.page("pages/staff/second.html", status=status, form=form, next=own_path(back))


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
        hashed = form.hashed()
        if hashed is None:
            return _welcome(token, form, 422)
        answer = edge.write(lambda scope: service.use_link(scope, token, hashed))
        if not isinstance(answer, Refused):
            return enter(answer.id, "/")
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
    if g.get("quick_session"):
        held = [pair for pair in held if g.brand and pair[0].id == g.brand.id]
    return edge.page("pages/staff/brands.html", held=held)


@bp.post("/brands", permission=SIGNED_IN)
def choose_brand_post() -> Response:
    """Work in this brand from now on."""
    token, me = request.cookies.get(COOKIE, ""), edge.actor().id
    wanted = request.form.get("brand", type=int) or 0
    edge.write(lambda scope: service.choose_brand(scope, token, me, wanted))
    return edge.go("/")
