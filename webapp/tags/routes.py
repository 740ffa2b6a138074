"""Tags and notes on a member's profile, the filter of the list, and the page that defines tags."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement

from webapp.kernel import edge, shell
from webapp.kernel.errors import Refused
from webapp.kernel.idempotency import once
from webapp.kernel.scope import Scope
from webapp.members import panels
from webapp.members import queries as members
from webapp.members.models import Member
from webapp.tags import queries, service
from webapp.tags.forms import REFUSALS, NoteForm, TagForm, put_form

bp = edge.blueprint("tags", __name__)
DEFINE = "tags.define"


# -- defining ------------------------------------------------------------------------------------------------------------


@bp.get("/tags", permission="tags.edit")
def index() -> Response:
    """Groups with their tags, and how many members have each."""
    return _page(TagForm())


def _page(form: TagForm, status: int = 200) -> Response:
    with edge.read() as scope:
        groups = queries.groups(scope)
    return edge.page(
        "pages/tags/index.html", status=status, form=form, groups=groups, define=edge.can(DEFINE)
    )


@bp.post("/tags", permission=DEFINE)
def add() -> Response:
    """A tag, in a group that is there or that is made with it."""
    form = TagForm()

    def work(scope: Scope) -> int | Refused:
        name = (form.group.data or "").strip()
        known = {group.name.casefold(): group.id for group in queries.groups(scope)}
        group_id: int | Refused = known.get(" ".join(name.split()).casefold()) or service.add_group(
            scope, name
        )
        if isinstance(group_id, Refused):
            return group_id
        return service.add_tag(scope, group_id, form.tag.data or "")

    answer: int | Refused = edge.write(work) if form.validate() else Refused("name_length", {"field": "tag"})
    if isinstance(answer, Refused):
        form.refuse(answer)
        return _page(form, 422)
    flash(_("Added."), "good")
    return edge.redirect("tags.index")


@bp.post("/tags/<int:tag_id>/drop", permission=DEFINE)
def drop(tag_id: int) -> Response:
    """Off the list, if nobody has it."""
    refused = edge.write(lambda scope: service.drop_tag(scope, tag_id))
    if refused is not None:
        said = _("%(n)s members have this tag. Take it off them first.", n=refused.facts["members"])
        flash(said, "warn")
    else:
        flash(_("Taken off the list."), "good")
    return edge.redirect("tags.index")


# -- on a member ---------------------------------------------------------------------------------------------------------


@bp.post("/members/<int:member_id>/tags", permission="tags.edit")
def put(member_id: int) -> Response:
    """Put a tag on."""
    with edge.read() as scope:
        members.in_reach(scope, member_id)
        form = put_form(queries.choices(scope))
    chosen = form.tag.data if form.validate() else None
    if not chosen:
        flash(_("Choose one of the list."), "warn")
        return edge.redirect("members.profile", member_id=member_id)
    refused = edge.write(lambda scope: service.put(scope, member_id, int(chosen), until=form.until.data))
    if refused is not None:
        flash(str(REFUSALS[refused.code]), "warn")
    return edge.redirect("members.profile", member_id=member_id, _anchor="tags")


@bp.post("/members/<int:member_id>/tags/<int:tag_id>/off", permission="tags.edit")
def take_off(member_id: int, tag_id: int) -> Response:
    """Take it off."""
    edge.write(lambda scope: service.take_off(scope, member_id, tag_id))
    return edge.redirect("members.profile", member_id=member_id, _anchor="tags")


@bp.post("/members/<int:member_id>/notes", permission="members.edit")
def write_note(member_id: int) -> Response:
    """A note, once."""
    form, key = NoteForm(), edge.once_key()

    def work(scope: Scope) -> Any:
        answer = service.write_note(scope, member_id, form.note.data or "")
        return {"refused": answer.code} if isinstance(answer, Refused) else {"id": answer}

    answer = edge.write(lambda scope: once(scope, key, "member.note", lambda: work(scope)))
    if "refused" in answer:
        flash(str(REFUSALS[answer["refused"]]), "warn")
    return edge.redirect("members.profile", member_id=member_id, _anchor="notes")


@bp.post("/members/<int:member_id>/notes/<int:note_id>/drop", permission="members.edit")
def drop_note(member_id: int, note_id: int) -> Response:
    """Who wrote it takes it back."""
    if not edge.write(lambda scope: service.drop_note(scope, member_id, note_id)):
        flash(_("Only who wrote a note can take it back."), "warn")
    return edge.redirect("members.profile", member_id=member_id, _anchor="notes")


@panels.panel(20, "members.view")
def tags_and_notes(scope: Scope, member: Member) -> panels.Panel:
    """What staff put on this member by hand."""
    worn = queries.of_member(scope, member.id)
    has = {str(one.tag_id) for one in worn}
    return panels.Panel(
        "fragments/tags/_of_member.html",
        {
            "worn": worn,
            "notes": queries.notes(scope, member.id),
            "form": put_form([pair for pair in queries.choices(scope) if pair[0] not in has], formdata=None),
            "me": scope.actor.id,
            "most": service.NOTE,
        },
    )


def _having(scope: Scope, value: str) -> ColumnElement[bool]:
    return queries.has(scope, [int(value)])


panels.add_filter(panels.Filter("tag", _l("Tag"), queries.choices, _having))


def init_app(app: Flask) -> None:
    """Register."""
    app.register_blueprint(bp)
    shell.more(
        "tags.index", _l("Tags"), "tags.edit", _l("What staff may say about a member in a word"), "tag"
    )
