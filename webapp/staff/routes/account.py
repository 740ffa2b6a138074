"""One's own account: name and language, password, where one is signed in, the second factor."""

from __future__ import annotations

from functools import wraps
from typing import Any

from flask import Response, abort, flash, g, request
from flask_babel import gettext as _

from webapp.kernel import edge, i18n, qr, secrets, shell
from webapp.kernel.edge import SIGNED_IN
from webapp.kernel.errors import Refused
from webapp.kernel.limits import limit
from webapp.kernel.scope import Scope
from webapp.kernel.security import secure
from webapp.staff import agents, factor, queries, service
from webapp.staff.cookie import COOKIE
from webapp.staff.forms import LANGUAGE_NAMES, AccountForm, ChangePasswordForm, CodeForm, SureForm
from webapp.staff.models import Staff
from webapp.staff.routes.sign_in import may_try_code

bp = edge.blueprint("account", __name__)
KEY = 16  # letters of a session's digest that name it in an address


def own_sign_in(view: Any) -> Any:
    """Whoever came in by a manager's quick code works, and leaves the account as it is."""

    @wraps(view)
    def asked(*args: Any, **values: Any) -> Any:
        if g.get("quick_session"):
            abort(403)
        return view(*args, **values)

    return asked


def _me(scope: Scope) -> Staff:
    return scope.session.get_one(Staff, edge.actor().id)


@bp.get("/account", permission=SIGNED_IN)
def show() -> Response:
    """Everything about oneself on one page."""
    with edge.read() as scope:
        me = _me(scope)
        form = AccountForm(formdata=None, data={"name": me.name, "language": me.locale})
    return _page(form)


@bp.post("/account", permission=SIGNED_IN)
@own_sign_in
def save() -> Response:
    """Name and language."""
    form = AccountForm()
    if not form.validate():
        return _page(form, 422)

    def work(scope: Scope) -> None:
        me = _me(scope)
        me.name, me.locale = (form.name.data or "").strip(), form.language.data

    edge.write(work)
    flash(_("Saved."), "good")
    response = edge.redirect("account.show")
    if form.language.data in dict(LANGUAGE_NAMES) and form.language.data:
        response.set_cookie(
            i18n.COOKIE,
            form.language.data,
            max_age=shell.YEAR,
            samesite="Lax",
            httponly=True,
            secure=secure(),
        )
    else:
        response.delete_cookie(i18n.COOKIE)
    return response


def _page(form: AccountForm, status: int = 200) -> Response:
    here = secrets.digest(request.cookies.get(COOKIE, ""))
    quick = bool(g.get("quick_session"))
    with edge.read() as scope:
        me = _me(scope)
        sessions = [] if quick else queries.sessions(scope, me.id)
        held = queries.roles(scope, me.id)
        on, left = factor.is_on(scope, me.id), factor.recovery_left(scope, me.id)
    return edge.page(
        "pages/staff/account.html",
        status=status,
        form=form,
        me=me,
        quick=quick,
        sessions=[(one, one.digest[:KEY], one.digest == here, agents.name(one.agent)) for one in sessions],
        several=len(held) > 1,
        on=on,
        left=left,
    )


# -- password ----------------------------------------------------------------------------------------------------------


@bp.get("/account/password", permission=SIGNED_IN)
@own_sign_in
def password() -> Response:
    """The form."""
    return edge.page("pages/staff/password.html", form=ChangePasswordForm(formdata=None))


@bp.post("/account/password", permission=SIGNED_IN)
@own_sign_in
def change_password() -> Response:
    """The old one, then the new one; every other browser is signed out."""
    form = ChangePasswordForm()
    if not form.validate() or not sure(form):
        return edge.page("pages/staff/password.html", status=422, form=form)
    hashed = form.hashed()
    if hashed is None:
        return edge.page("pages/staff/password.html", status=422, form=form)
    token = request.cookies.get(COOKIE, "")
    edge.write(lambda scope: service.set_password(scope, _me(scope), hashed, keep=token))
    flash(_("Saved. All other browsers were signed out."), "good")
    return edge.redirect("account.show")


def sure(form: Any) -> bool:
    """Is `form.now` the account's password? The mistake is put beside the field."""
    if not limit("sure", str(edge.actor().id), 10, 300):
        form.now.errors = [_("Too many tries. Please wait five minutes and try again.")]
        return False
    with edge.read() as scope:
        answer = service.check_password(scope, _me(scope).email, str(form.now.data))
    if isinstance(answer, Refused):
        form.now.errors = [_("This is not your password.")]
        return False
    return True


# -- sessions ----------------------------------------------------------------------------------------------------------


@bp.post("/account/sessions/<key>/end", permission=SIGNED_IN)
@own_sign_in
def end_session(key: str) -> Response:
    """Sign one browser out."""
    if len(key) != KEY:
        abort(404)
    edge.write(lambda scope: service.end_sessions(scope, edge.actor().id, only=key))
    flash(_("Signed out there."), "good")
    return edge.redirect("account.show")


@bp.post("/account/sessions/end-others", permission=SIGNED_IN)
@own_sign_in
def end_others() -> Response:
    """Every browser but this one."""
    here = secrets.digest(request.cookies.get(COOKIE, ""))
    edge.write(lambda scope: service.end_sessions(scope, edge.actor().id, but=here))
    flash(_("All other browsers were signed out."), "good")
    return edge.redirect("account.show")


# -- second factor -----------------------------------------------------------------------------------------------------


@bp.get("/account/second-factor", permission=SIGNED_IN)
@own_sign_in
def second_factor() -> Response:
    """What it is and whether it is on; while it is begun, the code to scan."""
    return _factor_page()


def _factor_page(status: int = 200, **forms: Any) -> Response:
    with edge.read() as scope:
        me = _me(scope)
        found = factor.of(scope, me.id)
        context: dict[str, Any] = {"on": found is not None and found.confirmed_at is not None}
        if found is not None and found.confirmed_at is None:
            issuer = f"Regulars {g.brand.name}" if g.get("brand") else "Regulars"
            context |= {
                "secret": factor.secret_of(found),
                "drawing": qr.svg(factor.address(found, me, issuer)),
            }
        context["left"] = factor.recovery_left(scope, me.id)
    context |= {"sure": SureForm(formdata=None), "code": CodeForm(formdata=None)} | forms
    return edge.page("pages/staff/second_factor.html", status=status, **context)


@bp.post("/account/second-factor/begin", permission=SIGNED_IN)
@own_sign_in
def begin_factor() -> Response:
    """The password once more, then a new secret."""
    form = SureForm()
    if not form.validate() or not sure(form):
        return _factor_page(422, sure=form)
    edge.write(lambda scope: factor.begin(scope, edge.actor().id))
    return edge.redirect("account.second_factor")


@bp.post("/account/second-factor/confirm", permission=SIGNED_IN)
@own_sign_in
def confirm_factor() -> Response:
    """The app shows the right code: on. The recovery codes are shown this once."""
    form, me = CodeForm(), edge.actor().id
    if not form.validate():
        return _factor_page(422, code=form)
    if not may_try_code(me):
        form.code.errors = [_("Too many tries. Please wait a quarter of an hour and try again.")]
        return _factor_page(429, code=form)
    typed = str(form.code.data)
    answer = edge.write(lambda scope: factor.confirm(scope, me, typed))
    if isinstance(answer, Refused):
        form.code.errors = [_("This code is not right. Is the clock of the phone right? Try the next one.")]
        return _factor_page(422, code=form)
    return edge.page("pages/staff/recovery.html", codes=answer)


@bp.post("/account/second-factor/recovery", permission=SIGNED_IN)
@own_sign_in
def new_recovery() -> Response:
    """Fresh recovery codes; the old ones are worth nothing from now on."""
    form, me = SureForm(), edge.actor().id
    if not form.validate() or not sure(form):
        return _factor_page(422, sure=form)

    def work(scope: Scope) -> list[str] | None:
        return factor.new_recovery(scope, me) if factor.is_on(scope, me) else None

    codes = edge.write(work)
    if codes is None:
        return edge.redirect("account.second_factor")
    return edge.page("pages/staff/recovery.html", codes=codes)


@bp.post("/account/second-factor/off", permission=SIGNED_IN)
@own_sign_in
def end_factor() -> Response:
    """Off: the password once more."""
    form = SureForm()
    if not form.validate() or not sure(form):
        return _factor_page(422, sure=form)
    edge.write(lambda scope: factor.clear(scope, edge.actor().id))
    flash(_("The second factor is off."), "good")
    return edge.redirect("account.second_factor")
