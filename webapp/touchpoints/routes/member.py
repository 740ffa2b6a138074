"""On a member's profile: who looks after them, who brought them, and a phone that waits to be confirmed."""

from __future__ import annotations

from flask import Response, flash
from flask_babel import gettext as _
from wtforms import SelectChoice

from webapp.kernel import edge
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.reach import reaches
from webapp.kernel.scope import Scope
from webapp.members import confirming, panels
from webapp.members import guides as members_guides
from webapp.members import queries as members
from webapp.members.models import Member
from webapp.touchpoints import guides, queries
from webapp.touchpoints.forms import GuidesForm

bp = edge.blueprint("member_guides", __name__)


@panels.panel(5, "members.view")
def panel(scope: Scope, member: Member) -> panels.Panel:
    """Always there: an empty one says that nobody looks after them yet."""
    served, brought = _now(scope, member.id)
    joined = queries.join_of(scope, member.id)
    return panels.Panel(
        "fragments/touchpoints/_of_member.html",
        {
            "names": guides.names(scope, [served, brought]),
            "served": served,
            "brought": brought,
            "joined": joined,
            "unconfirmed": confirming.unconfirmed_phone(scope, member.id),
        },
    )


@bp.get("/members/<int:member_id>/guides", permission="touchpoints.edit")
def edit(member_id: int) -> Response:
    """Two lists of colleagues."""
    with edge.read() as scope:
        member = _reached(scope, member_id)
        served, brought = _now(scope, member_id)
        form = _form(scope, (served, brought), serves=served or 0, brought_by=brought or 0)
    return edge.page("pages/touchpoints/member.html", member=member, form=form)


@bp.post("/members/<int:member_id>/guides", permission="touchpoints.edit")
def change(member_id: int) -> Response:
    """Hand the member over; it is in the audit trail."""
    with edge.read() as scope:
        member = _reached(scope, member_id)
        form = _form(scope, _now(scope, member_id))
    if not form.validate():
        return edge.page("pages/touchpoints/member.html", status=422, member=member, form=form)

    def unit(scope: Scope) -> Refused | None:
        for kind in members_guides.KINDS:
            answer = members_guides.assign(scope, member_id, form[kind].data or None, kind)
            if isinstance(answer, Refused):
                return answer
        return None

    if edge.write(unit) is not None:
        form.serves.errors = [_("This person does not work here any more: choose another one.")]
        return edge.page("pages/touchpoints/member.html", status=422, member=member, form=form)
    flash(_("Saved."), "good")
    return edge.redirect("members.profile", member_id=member_id)


@bp.post("/members/<int:member_id>/confirm-phone", permission="members.edit")
def confirm(member_id: int) -> Response:
    """A clerk has seen that it is their phone."""
    with edge.read() as scope:
        _reached(scope, member_id)
    answer = edge.write(lambda scope: confirming.confirm_phone(scope, member_id))
    if not isinstance(answer, Refused):
        flash(_("Confirmed: they hold this phone now."), "good")
    elif answer.code == "phone_taken":
        flash(
            _(
                "Another member holds this phone: number %(number)s. Nothing was changed; ask which of the two it is.",
                number=answer.facts.get("number", ""),
            ),
            "warn",
        )
    else:
        flash(_("There is no phone to confirm."), "warn")
    return edge.redirect("members.profile", member_id=member_id)


def _reached(scope: Scope, member_id: int) -> Member:
    member = members.get(scope, member_id)
    if not reaches(scope, member.store_id):
        raise NotFound(f"member {member_id}")
    return member


def _now(scope: Scope, member_id: int) -> tuple[int | None, int | None]:
    """Who looks after them, who brought them."""
    served = members_guides.guide_of(scope, [member_id]).get(member_id)
    brought = members_guides.guide_of(scope, [member_id], members_guides.BROUGHT_BY).get(member_id)
    return served, brought


def _form(scope: Scope, chosen: tuple[int | None, int | None], **values: int) -> GuidesForm:
    """Colleagues whom the actor may choose, beside those who are chosen now (who looks after them, who brought them)."""
    form = GuidesForm(data=values or None)
    served, brought = chosen
    for field, people in (
        (form.serves, guides.pick(scope, [served], serve=True)),
        (form.brought_by, guides.pick(scope, [brought])),
    ):
        field.choices = [SelectChoice(0, _("nobody")), *(SelectChoice(*one) for one in people)]
    return form
