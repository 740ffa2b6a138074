"""Who works here: the list, inviting by link, role and stores, letting go; and the invitation's own page."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash, g, request, url_for
from flask_babel import gettext as _

from webapp.api import keys
from webapp.brands import queries as brands
from webapp.kernel import edge, links, qr, secrets
from webapp.kernel.edge import PUBLIC
from webapp.kernel.errors import NotFound, Refused, UserError
from webapp.kernel.limits import limit
from webapp.kernel.scope import BrandRef, Scope
from webapp.plugin_api import Address, Outcome
from webapp.plugin_runtime import probe
from webapp.staff import invites, people, service
from webapp.staff.forms import InvitedForm, InviteForm, RoleForm
from webapp.staff.permissions import ROLE_NAMES
from webapp.staff.routes.sign_in import enter

bp = edge.blueprint("people", __name__)


@bp.get("/settings/staff", permission="staff.edit")
def index() -> Response:
    """Who works here, who is invited, who has left."""
    with edge.read() as scope:
        context: dict[str, Any] = {
            "people": people.people(scope),
            "gone": people.people(scope, gone=True),
            "waiting": invites.waiting(scope),
        }
    return edge.page("pages/staff/people.html", roles=ROLE_NAMES, me=edge.actor().id, **context)


# -- inviting ----------------------------------------------------------------------------------------------------------


@bp.get("/settings/staff/invite", permission="staff.edit")
def ask() -> Response:
    """Whom, as what."""
    form = InviteForm(formdata=None, data={"role": "clerk"})
    form.offer(_stores())
    return edge.page("pages/staff/invite.html", form=form)


@bp.post("/settings/staff/invite", permission="staff.edit")
def invite() -> Response:
    """Make the link, show it, and send it where mail works."""
    key, form = edge.once_key(), InviteForm()
    form.offer(_stores())
    if not form.validate():
        return edge.page("pages/staff/invite.html", status=422, form=form)

    def work(scope: Scope) -> Any:
        try:
            return invites.invite(
                scope,
                email=str(form.email.data),
                role=str(form.role.data),
                stores=form.stores.data or [],
                key=key,
            )
        except UserError:
            return Refused("email_bad")

    answer = edge.write(work)
    if isinstance(answer, Refused):
        form.refuse(answer)
        return edge.page("pages/staff/invite.html", status=422, form=form)
    made, token = answer
    address = links.absolute(None, url_for("people.invited", token=token))
    mail = "" if made.mailed else _mail(made.email, address)
    if not mail:
        edge.write(lambda scope: invites.mailed(scope, made.id))
    return edge.page(
        "pages/staff/link.html",
        title=_("Invited"),
        who=made.email,
        address=address,
        drawing=qr.svg(address),
        days=invites.LIVES.days,
        mailed=not mail,
        why=mail,
    )


def _mail(email: str, address: str) -> str:
    """Send the link; "" when it went out, else why not, in a sentence."""
    brand = edge.brand()
    assert brand is not None  # the guard has seen to it
    seen = links.state()
    if seen is None or not seen.checked:
        return str(_("It was not sent by e-mail: nobody has checked yet that the shop's address works."))
    text = _(
        "You are invited to work with %(brand)s.\n\nOpen this link within %(days)s days, choose your name and a password:\n%(link)s\n\nIf you do not expect it, leave it.",
        brand=brand.name,
        days=invites.LIVES.days,
        link=address,
    )
    content = {"subject": str(_("Come in: %(brand)s", brand=brand.name)), "text": str(text)}
    answer = probe.send_one(edge.database(), brand, "email", Address(email), content)
    if isinstance(answer, Outcome) and answer.state == "sent":
        return ""
    if isinstance(answer, Refused):
        return str(_("It was not sent by e-mail: no mail server is set."))
    return str(_("It was not sent by e-mail: the mail server did not take it."))


@bp.post("/settings/staff/invites/<int:invite_id>/withdraw", permission="staff.edit")
def withdraw(invite_id: int) -> Response:
    """The link leads nowhere from now on."""
    if edge.write(lambda scope: invites.withdraw(scope, invite_id)):
        flash(_("Withdrawn. The link no longer works."), "good")
    else:
        flash(_("This invitation had ended already."), "warn")
    return edge.redirect("people.index")


# -- one person --------------------------------------------------------------------------------------------------------


@bp.get("/settings/staff/<int:staff_id>", permission="staff.edit")
def show(staff_id: int) -> Response:
    """Role and stores of one colleague."""
    with edge.read() as scope:
        _staff, role = people.held(scope, staff_id)
        stores = people.kept_stores(scope, role)
    form = RoleForm(formdata=None, data={"role": role.role, "stores": stores})
    return _person_page(staff_id, form)


@bp.post("/settings/staff/<int:staff_id>", permission="staff.edit")
def change(staff_id: int) -> Response:
    """Another role, other stores: from their next click."""
    form = RoleForm()
    form.offer(_stores())
    if not form.validate():
        return _person_page(staff_id, form, 422)
    answer = edge.write(
        lambda scope: people.change(scope, staff_id, role=str(form.role.data), stores=form.stores.data or [])
    )
    if isinstance(answer, Refused):
        form.refuse(answer)
        return _person_page(staff_id, form, 422)
    flash(_("Saved."), "good")
    return edge.redirect("people.index")


def _person_page(staff_id: int, form: RoleForm, status: int = 200) -> Response:
    form.offer(_stores())
    with edge.read() as scope:
        staff, role = people.held(scope, staff_id)
        made = keys.at_work(scope, staff_id)
    return edge.page("pages/staff/person.html", status=status, form=form, staff=staff, role=role, keys=made)


@bp.post("/settings/staff/<int:staff_id>/off", permission="staff.edit")
def let_go(staff_id: int) -> Response:
    """No longer here: signed out at once."""
    answer = edge.write(lambda scope: people.let_go(scope, staff_id))
    if isinstance(answer, Refused):
        flash(_("This is the only owner. Make somebody else an owner first."), "warn")
        return edge.redirect("people.show", staff_id=staff_id)
    flash(_("They are signed out and cannot come in any more."), "good")
    with edge.read() as scope:
        made = keys.at_work(scope, staff_id)
    if made:  # the page says which of their keys go on working
        return edge.redirect("people.show", staff_id=staff_id)
    return edge.redirect("people.index")


@bp.post("/settings/staff/<int:staff_id>/on", permission="staff.edit")
def let_back(staff_id: int) -> Response:
    """Here again, in the role they had."""
    edge.write(lambda scope: people.let_back(scope, staff_id))
    flash(_("They can sign in again."), "good")
    return edge.redirect("people.index")


@bp.post("/settings/staff/<int:staff_id>/link", permission="staff.edit")
def link(staff_id: int) -> Response:
    """A one-time link for who has forgotten the password."""
    with edge.read() as scope:
        staff, _role = people.held(scope, staff_id)
    answer = edge.write(lambda scope: people.new_password_link(scope, staff_id))
    if isinstance(answer, Refused):
        flash(
            _(
                "This account also works in another shop, so only its bearer, or whoever runs the server, can give it a new password (regulars staff reset)."
            ),
            "warn",
        )
        return edge.redirect("people.show", staff_id=staff_id)
    address = links.absolute(None, url_for("staff.welcome", token=answer))
    return edge.page(
        "pages/staff/link.html",
        title=_("A new password"),
        who=staff.email,
        address=address,
        drawing=qr.svg(address),
        days=service.LINK_LIVES.days,
        mailed=False,
        why="",
    )


def _stores() -> list[tuple[int, str]]:
    with edge.read() as scope:
        return [(store.id, store.name) for store in brands.stores(scope)]


# -- the invitation's own page -----------------------------------------------------------------------------------------


def _brand_of(token: str) -> BrandRef:
    """Whose link it is; 410 where it names nobody."""
    brand_id = secrets.brand_of(token) if len(token) <= 60 else None
    if brand_id is None:
        raise NotFound("brand")
    return edge.database().brand(brand_id)


@bp.get("/invited/<token>", permission=PUBLIC)
def invited(token: str) -> Response:
    """Come in: a new colleague chooses name and password; who has an account signs in with it."""
    return _invited_page(token, InvitedForm(formdata=None))


@bp.post("/invited/<token>", permission=PUBLIC)
def accept(token: str) -> Response:
    """Once. Whoever is signed in with the invited address joins; somebody new chooses name and password."""
    form = InvitedForm()
    if not limit("welcome", request.remote_addr or "", 20, 300):
        form.form_errors.append(_("Too many tries. Please wait five minutes and try again."))
        return _invited_page(token, form, 429)
    try:
        brand = _brand_of(token)
    except NotFound:
        return _spent()
    if edge.actor().kind == "staff":
        if g.get("quick_session"):
            abort(403)
        known = edge.write(lambda scope: invites.accept_known(scope, token, edge.actor().id), within=brand)
        if isinstance(known, Refused):
            return _invited_page(token, form, 422)
        flash(_("Welcome to %(brand)s.", brand=brand.name), "good")
        return edge.redirect("staff.choose_brand")
    if not form.validate():
        return _invited_page(token, form, 422)
    hashed = form.hashed()
    if hashed is None:
        return _invited_page(token, form, 422)
    name = str(form.name.data)
    answer = edge.write(
        lambda scope: invites.accept_new(scope, token, name=name, hashed=hashed), within=brand
    )
    if isinstance(answer, Refused):
        return _invited_page(token, form, 422)
    return enter(answer.id, "/")


def _invited_page(token: str, form: InvitedForm, status: int = 200) -> Response:
    try:
        brand = _brand_of(token)
    except NotFound:
        return _spent()
    with edge.read(within=brand) as scope:
        found = invites.find(scope, token)
        known = found is not None and invites.needs_sign_in(scope, found)
        me = people.email_of(scope, edge.actor().id) if edge.actor().kind == "staff" else ""
    if found is None:
        return _spent()
    return edge.page(
        "pages/staff/invited.html",
        status=status,
        form=form,
        token=token,
        email=found.email,
        shop=brand.name,
        role=ROLE_NAMES.get(found.role, found.role),
        known=known,
        me=me,
    )


def _spent() -> Response:
    return edge.page("pages/staff/invite_spent.html", status=410)
