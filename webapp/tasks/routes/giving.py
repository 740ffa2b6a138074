"""A task by hand, and tasks for all who are about to go."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.brands import queries as brands
from webapp.kernel import edge, reach
from webapp.kernel.errors import Refused
from webapp.kernel.idempotency import once
from webapp.kernel.scope import Scope
from webapp.lifecycle.words import stage_name
from webapp.members import queries as members
from webapp.tasks import queries, service, words
from webapp.tasks import signs as early
from webapp.tasks.forms import SignsForm, TaskForm, task_form
from webapp.tasks.routes.base import bp, page


def _form(scope: Scope, **values: Any) -> TaskForm:
    people = [(worker.id, worker.name) for worker in queries.choosable(scope)]
    stores = [(store.id, store.name) for store in brands.stores(scope) if reach.reaches(scope, store.id)]
    return task_form(people, stores, **values)


@bp.get("/tasks/new", permission="tasks.give")
def new() -> Response:
    """An empty form, or one about a member."""
    with edge.read() as scope:
        member_id = request.args.get("member", type=int)
        about = members.in_reach(scope, member_id).number if member_id else ""
        form = _form(scope, member=about, due=scope.today, about="service", whose="")
    return page("new.html", form=form)


@bp.post("/tasks/new", permission="tasks.give")
def add() -> Response:
    """One task, however often it is tapped."""
    with edge.read() as scope:
        form = _form(scope)
    key = edge.form_key()
    if not form.validate():
        return page("new.html", form=form, status=422)
    answer = edge.write(lambda scope: once(scope, key, "task.new", lambda: _give(scope, form, key)))
    if "id" in answer:
        flash(_("Given."), "good")
        return edge.redirect("tasks.show_board")
    edge.spend_once()
    form.refuse(Refused(answer["refused"], answer["facts"]))
    return page("new.html", form=form, status=422)


def _give(scope: Scope, form: TaskForm, key: str) -> Any:
    member_id = staff_id = store_id = None
    typed = (form.member.data or "").strip()
    if typed:
        member = members.find(scope, typed)
        if member is None or not reach.reaches(scope, member.store_id):
            return {"refused": "member_unknown", "facts": {"field": "member"}}
        member_id = member.id
    kind, _colon, number = (form.whose.data or "").partition(":")
    if kind == "staff":
        staff_id = int(number)
    elif kind == "store":
        store_id = int(number)
    elif member_id is None:
        return {"refused": "who", "facts": {"field": "whose"}}
    purpose = form.about.data if member_id is not None else ""
    if purpose == queries.MARKETING and member_id is not None and not service.may_ask(scope, member_id):
        return {"refused": "no_consent", "facts": {"field": "about"}}
    id_ = service.add(
        scope,
        key=f"hand:{key}",
        title=form.title.data,
        text=form.text.data or "",
        member_id=member_id,
        staff_id=staff_id,
        store_id=store_id,
        due_on=form.due.data,
        source="manager",
        purpose=purpose,
    )
    scope.audit("task.new", "task", id_)
    return {"id": id_}


def _days() -> int:
    asked = request.values.get("days", early.AHEAD[0], type=int)
    return asked if asked in early.AHEAD else early.AHEAD[0]


@bp.get("/tasks/signs", permission="tasks.give")
def signs() -> Response:
    """Who turns within some days, who of them could be asked for, and who is left out and why."""
    form = SignsForm(
        data={
            "title": _("Say hello: not seen for a while"),
            "text": _("Hello {name}, we have not seen you for a while. May I keep something for you?"),
        }
    )
    return _signs_page(form)


def _signs_page(form: SignsForm, status: int = 200) -> Response:
    days = _days()
    with edge.read() as scope:
        found = early.signs(scope, days)
    return page(
        "signs.html",
        status=status,
        form=form,
        found=found,
        days=days,
        ahead=early.AHEAD,
        why=words.LEFT_OUT,
        stage_name=stage_name,
    )


@bp.post("/tasks/signs", permission="tasks.give")
def make_signs() -> Response:
    """Exactly as many as the page said."""
    form, key, days = SignsForm(), edge.once_key(), _days()
    expected = request.form.get("expected", 0, type=int)
    if not form.validate():
        return _signs_page(form, 422)

    def work(scope: Scope) -> Any:
        made = early.make(scope, days, expected, form.title.data, form.text.data or "")
        return {"refused": made.code, "facts": made.facts} if isinstance(made, Refused) else {"made": made}

    answer = edge.write(lambda scope: once(scope, key, "task.signs", lambda: work(scope)))
    if "refused" in answer:
        edge.spend_once()
        flash(words.refusal(Refused(answer["refused"])), "warn")
        return _signs_page(form, 422)
    flash(ngettext("One task was made.", "%(num)s tasks were made.", answer["made"]), "good")
    return edge.redirect("tasks.show_board")
