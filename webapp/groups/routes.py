"""Groups on the phone: the list, one group, who is in it, its types."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, abort, flash, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup

from webapp.brands import queries as brands
from webapp.groups import queries, sections, service, words
from webapp.groups.forms import GroupForm, ListForm, TypeForm, group_form
from webapp.groups.models import Group
from webapp.kernel import edge, shell
from webapp.kernel.errors import Refused
from webapp.kernel.pictures import MOST_BYTES, BadPicture, Picture, read
from webapp.kernel.reach import reaches
from webapp.kernel.scope import Scope
from webapp.members import panels
from webapp.members import queries as members
from webapp.members.models import Member
from webapp.staff import queries as staff

bp = edge.blueprint("groups", __name__)
SOON = 2  # days before the QR code's last day on which it is said


@bp.get("/groups", permission="groups.view")
def index() -> Response:
    """By name, with how many are in them, and what wants doing."""
    text, closed = request.args.get("q", "")[:80], request.args.get("show") == "closed"
    with edge.read() as scope:
        found = queries.groups(scope, text=text, closed=closed, after=request.args.get("after"))
        shown = found[: queries.PAGE]
        context: dict[str, Any] = {
            "types": {one.id: one.name for one in queries.types(scope)},
            "stores": {one.id: one.name for one in brands.stores(scope)},
            "staff": _people(scope),
            "left": {one.id: queries.days_left(scope, one) for one in shown},
        }
    return edge.page(
        "pages/groups/index.html",
        block="results",
        groups=shown,
        text=text,
        closed=closed,
        soon=SOON,
        following=shown[-1].name if len(found) > queries.PAGE else None,
        **context,
    )


def _people(scope: Scope) -> dict[int, str]:
    return {one.id: one.name or one.email for one, _role in staff.of_brand(scope)}


# -- one group ---------------------------------------------------------------------------------------------------------


@bp.get("/groups/<int:group_id>", permission="groups.view")
def show(group_id: int) -> Response:
    """What it is, how one gets in, and its figures; each opens to its rows."""
    with edge.read() as scope:
        group = queries.get(scope, group_id)
        made = [
            found
            for permission, build in sections.SECTIONS
            if edge.can(permission) and (found := build(scope, group)) is not None
        ]
        html = [Markup(render_template(one.template, group=group, **one.context)) for one in made]
        context: dict[str, Any] = {
            "counted": queries.figures(scope, group_id),
            "type": next((one.name for one in queries.types(scope) if one.id == group.group_type_id), None),
            "store": next((one.name for one in brands.stores(scope) if one.id == group.store_id), None),
            "owner": _people(scope).get(group.owner_id or 0),
            "picture": queries.picture(scope, group_id),
            "left": queries.days_left(scope, group),
        }
    return edge.page(
        "pages/groups/show.html", group=group, sections=html, window=queries.WINDOW, soon=SOON, **context
    )


@bp.get("/groups/<int:group_id>/picture", permission="groups.view")
def picture(group_id: int) -> Response:
    """The QR code's picture."""
    with edge.read() as scope:
        queries.get(scope, group_id)
        found = queries.picture(scope, group_id)
    if found is None:
        abort(404)
    return edge.picture(found.data, found.mimetype)


def _form(scope: Scope, group: Group | None = None) -> GroupForm:
    stores = [(one.id, one.name) for one in brands.stores(scope) if reaches(scope, one.id)]
    if scope.actor.stores is None or (group is not None and group.store_id is None):
        stores = [(0, str(_("all of the brand"))), *stores]
    elif group is not None and group.store_id not in dict(stores):
        stores += [(one.id, one.name) for one in brands.stores(scope) if one.id == group.store_id]
    people = [(one.id, one.name or one.email) for one in staff.colleagues(scope)]
    types = [one.name for one in queries.types(scope)] or [str(one) for one in words.DEFAULT_TYPES]
    values: dict[str, Any] = {}
    if group is not None:
        kinds = {one.id: one.name for one in queries.types(scope)}
        if group.owner_id and group.owner_id not in dict(people):
            people.append((group.owner_id, _people(scope).get(group.owner_id, str(group.owner_id))))
        values = {
            "name": group.name,
            "kind": kinds.get(group.group_type_id or 0, ""),
            "store": group.store_id or 0,
            "owner": group.owner_id or 0,
            "capacity": group.capacity,
            "link": group.link,
            "until": group.until_on,
        }
    elif scope.actor.id in dict(people):
        values = {"owner": scope.actor.id}
    return group_form(types, stores, people, **values)


def _uploaded(form: GroupForm) -> Picture | None:
    """What came along, if it is a picture; else the form says why not."""
    file = request.files.get("picture")
    if file is None or not file.filename:
        return None
    try:
        return read(file.stream.read(MOST_BYTES + 1))
    except BadPicture as why:
        form.picture.errors = [words.refusal(why.code)]
        return None


def _page(form: GroupForm, group: Group | None, there: bool = False, status: int = 200) -> Response:
    return edge.page("pages/groups/form.html", status=status, form=form, group=group, there=there)


@bp.get("/groups/new", permission="groups.edit")
def new() -> Response:
    """An empty form."""
    with edge.read() as scope:
        return _page(_form(scope), None)


@bp.post("/groups/new", permission="groups.edit")
def create() -> Response:
    """A group, once."""
    with edge.read() as scope:
        form = _form(scope)
    valid, found = form.validate(), _uploaded(form)
    if not valid or form.picture.errors:
        return _page(form, None, status=422)

    def make(scope: Scope) -> Group | Refused:
        made = service.add(scope, form.details())
        if found is not None and not isinstance(made, Refused):
            service.set_picture(scope, made.id, found)
        return made

    answer = edge.add_once("group.new", make)
    if isinstance(answer, int):
        flash(_("Made. Now say who is in it."), "good")
        return edge.redirect("groups.show", group_id=answer)
    form.refuse(answer)
    return _page(form, None, status=422)


@bp.get("/groups/<int:group_id>/edit", permission="groups.edit")
def edit(group_id: int) -> Response:
    """The form with what is stored."""
    with edge.read() as scope:
        group = queries.get(scope, group_id)
        return _page(_form(scope, group), group, queries.has_picture(scope, group_id))


@bp.post("/groups/<int:group_id>/edit", permission="groups.edit")
def save(group_id: int) -> Response:
    """Store it."""
    with edge.read() as scope:
        group = queries.get(scope, group_id)
        form, there = _form(scope, group), queries.has_picture(scope, group_id)
    valid, found = form.validate(), _uploaded(form)
    if not valid or form.picture.errors:
        return _page(form, group, there, 422)

    def work(scope: Scope) -> Group | Refused:
        answer = service.change(scope, group_id, form.details())
        if not isinstance(answer, Refused) and (found is not None or form.drop_picture.data):
            service.set_picture(scope, group_id, found)
        return answer

    answer = edge.write(work)
    if isinstance(answer, Refused):
        form.refuse(answer)
        return _page(form, group, there, 422)
    flash(_("Saved."), "good")
    return edge.redirect("groups.show", group_id=group_id)


@bp.post("/groups/<int:group_id>/close", permission="groups.edit")
def close(group_id: int) -> Response:
    """It is over, or goes on after all (open=1)."""
    again = bool(request.form.get("open"))
    edge.write(lambda scope: service.close(scope, group_id, closed=not again))
    flash(_("It is open again.") if again else _("Closed. It can be opened again."), "good")
    return edge.redirect("groups.show", group_id=group_id)


# -- who is in it ------------------------------------------------------------------------------------------------------


@bp.get("/groups/<int:group_id>/members", permission="groups.view")
def members_of(group_id: int) -> Response:
    """The rows behind a figure; above them, a search for whom to add."""
    which = request.args.get("show", "now")
    which = which if which in queries.SHOW else "now"
    text = request.args.get("q", "")[:80]
    return _members_page(group_id, which, text)


def _members_page(group_id: int, which: str, text: str, status: int = 200) -> Response:
    with edge.read() as scope:
        group = queries.get(scope, group_id)
        rows = queries.rows(scope, group_id, which, after=request.args.get("after", 0, type=int))
        found = service.candidates(scope, group_id, text) if edge.can("groups.edit") else []
        ids = [row.member.id for row in rows] + [one.id for one, _inside in found]
        phones, _emails = members.phones_and_emails(scope, ids)
        mine = {row.member.id for row in rows if reaches(scope, row.member.store_id)}
    shown = rows[: queries.PAGE]
    last = shown[-1] if len(rows) > queries.PAGE else None
    return edge.page(
        "pages/groups/members.html",
        status=status,
        group=group,
        which=which,
        rows=shown,
        text=text,
        found=found,
        phones=phones,
        mine=mine,
        source=words.source,
        window=queries.WINDOW,
        following=(last.stay.id if last.stay else last.member.id) if last else None,
    )


@bp.post("/groups/<int:group_id>/members", permission="groups.edit")
def add_member(group_id: int) -> Response:
    """One member, by hand."""
    member_id = request.form.get("member", type=int)
    if member_id is None:
        abort(400)

    def work(scope: Scope) -> str | Refused:
        queries.get(scope, group_id)
        return service.join(scope, group_id, member_id, "staff")

    answer = edge.write(work)
    if isinstance(answer, Refused):
        flash(words.refusal(answer), "warn")
    else:
        flash(
            _("They are in the group now.") if answer == "joined" else _("They were in it already."), "good"
        )
    return edge.redirect("groups.members_of", group_id=group_id)


@bp.post("/groups/<int:group_id>/members/<int:member_id>/leave", permission="groups.edit")
def take_out(group_id: int, member_id: int) -> Response:
    """They left the chat."""

    def work(scope: Scope) -> bool:
        queries.get(scope, group_id)
        return service.leave(scope, group_id, member_id, "staff")

    if edge.write(work):
        flash(_("Noted: they left. Search for them to take them in again."), "good")
    return edge.redirect("groups.members_of", group_id=group_id)


@bp.get("/groups/<int:group_id>/list", permission="groups.edit")
def list_page(group_id: int) -> Response:
    """Where a list is pasted."""
    with edge.read() as scope:
        group = queries.get(scope, group_id)
    return edge.page("pages/groups/list.html", group=group, form=ListForm(formdata=None), told=None)


@bp.post("/groups/<int:group_id>/list", permission="groups.edit")
def join_list(group_id: int) -> Response:
    """Each line is told; sent again it changes nothing more."""
    form = ListForm()
    text = form.list.data or ""
    answer = edge.write(lambda scope: service.join_list(scope, group_id, text))
    with edge.read() as scope:
        group = queries.get(scope, group_id)
        ids = [] if isinstance(answer, Refused) else [one.member_id for one in answer if one.member_id]
        people = [members.get(scope, id_) for id_ in ids]
        names = {one.id: one.name or one.number for one in people if reaches(scope, one.store_id)}
    if isinstance(answer, Refused):
        form.list.errors = [words.refusal(answer)]
        return edge.page("pages/groups/list.html", status=422, group=group, form=form, told=None)
    count = sum(one.found == "joined" for one in answer)
    said = ngettext("%(num)s member is in the group now.", "%(num)s members are in the group now.", count)
    return edge.page(
        "pages/groups/list.html",
        group=group,
        form=form,
        told=answer,
        names=names,
        said=said,
        lines=words.LINES,
    )


# -- types -------------------------------------------------------------------------------------------------------------


def _types_page(form: TypeForm, status: int = 200) -> Response:
    with edge.read() as scope:
        own, used = queries.types(scope), queries.types_in_use(scope)
    listed = [(one.name, used.get(one.id, 0)) for one in own] or [(str(x), 0) for x in words.DEFAULT_TYPES]
    return edge.page("pages/groups/types.html", status=status, form=form, types=listed)


@bp.get("/groups/types", permission="groups.edit")
def types() -> Response:
    """The brand's own list."""
    return _types_page(TypeForm(formdata=None))


@bp.post("/groups/types", permission="groups.edit")
def change_types() -> Response:
    """One more, or one less (drop)."""
    form = TypeForm()
    drop = request.form.get("drop")
    answer = edge.write(
        lambda scope: (
            service.drop_type(scope, drop) if drop else service.add_type(scope, form.name.data or "")
        )
    )
    if isinstance(answer, Refused):
        form.name.errors = [words.refusal(answer)]
        return _types_page(form, 422)
    flash(_("Saved."), "good")
    return edge.redirect("groups.types")


@shell.card(70, "groups.view")
def today_card(scope: Scope) -> shell.Card | None:
    """Groups whose QR code is over, or soon will be."""
    found = queries.ending(scope, SOON)
    if not found:
        return None
    names = _("; ").join(one.name for one in found[:3])
    return shell.Card(
        _l("Groups"),
        (shell.Figure(str(len(found)), _l("QR codes to be replaced"), "/groups"),),
        text=_("They let nobody in, or soon will not: %(names)s.", names=names),
        action=(_l("Look at it"), f"/groups/{found[0].id}"),
    )


@panels.panel(60, "groups.view")
def of_member(scope: Scope, member: Member) -> panels.Panel | None:
    """The groups in which a member is or was."""
    found = queries.of_member(scope, member.id)
    if not found:
        return None
    seen = {group.id for group, _stay in found if _reached(scope, group)}
    return panels.Panel(
        "fragments/groups/_of_member.html", {"found": found, "seen": seen, "source": words.source}
    )


def _reached(scope: Scope, group: Group) -> bool:
    return reaches(scope, group.store_id) or group.owner_id == scope.actor.id


def init_app(app: Flask) -> None:
    """Register."""
    app.register_blueprint(bp)
    shell.more(
        "groups.index",
        _l("Groups"),
        "groups.view",
        _l("Chat groups, who is in them, what they buy"),
        "members",
    )
