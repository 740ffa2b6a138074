"""My tasks, one task, and what came of it. The list's place is in the address, so that back and next lead where one was."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import ColumnElement

from webapp.groups.models import Group
from webapp.kernel import edge, filters, i18n, reach, shell
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.idempotency import once
from webapp.kernel.scope import Scope
from webapp.lifecycle import explaining
from webapp.lifecycle.words import stage_name
from webapp.members import guides, panels
from webapp.members import queries as members
from webapp.members.models import Member
from webapp.tasks import queries, service, words
from webapp.tasks.models import Task
from webapp.tasks.routes.base import bp, names, page, said


def _show() -> str:
    asked = request.values.get("show", "today")
    return asked if asked in queries.SHOWN else "today"


@bp.get("/tasks", permission="tasks.do")
def index() -> Response:
    """Today's first, overdue ones marked; later, the store's, and those that are over."""
    show, skip = _show(), max(0, min(request.args.get("skip", 0, type=int), 100_000))
    with edge.read() as scope:
        found = queries.tasks(scope, show, skip=skip)
        counts = queries.waiting(scope)
        today, slip = scope.today, _slip(scope)
    return page(
        "index.html",
        rows=found[: queries.PAGE],
        show=show,
        skip=skip,
        following=skip + queries.PAGE if len(found) > queries.PAGE else None,
        counts=counts,
        today=today,
        slip=slip,
    )


@bp.get("/tasks/<int:task_id>", permission="tasks.do")
def show_one(task_id: int) -> Response:
    """Who, why, what to say, and the buttons."""
    return _task_page(task_id)


def _task_page(task_id: int, status: int = 200) -> Response:
    show, skip = _show(), request.args.get("skip", 0, type=int)
    with edge.read() as scope:
        task = queries.get(scope, task_id)
        slip = _slip(scope)
        last = None if slip is not None and slip.task_id == task_id else queries.undoable(scope, task_id)
        agreed = queries.still_agreed(scope, task)
        member = phone = why = None
        if task.member_id is not None:
            member = members.get(scope, task.member_id)
            phone = members.phones_and_emails(scope, [member.id])[0].get(member.id)
            found = explaining.explain(scope, member.person_id, i18n.pick_locale())
            why = None if isinstance(found, Refused) else found
        return page(
            "show.html",
            status=status,
            task=task,
            agreed=agreed,
            member=member,
            phone=phone,
            # the number is for whoever has the task, while it is to be done and the member agrees
            call=phone if task.state == "open" and task.staff_id == scope.actor.id and agreed else None,
            reveal=edge.can("members.reveal"),
            profile=member is not None and reach.reaches(scope, member.store_id),
            why=why,
            stage_name=stage_name,
            moves=queries.moves(scope, task_id),
            names=names(scope),
            group=scope.session.get(Group, (scope.brand.id, task.group_id)) if task.group_id else None,
            store=queries.store_name(scope, task.store_id),
            mine=task.staff_id == scope.actor.id,
            workers=queries.choosable(scope) if edge.can("tasks.give") else [],
            most=service.MOST_TRIES,
            show=show,
            skip=skip,
            slip=slip,
            undoable=last,
            following=queries.following(scope, show, task) if show != "ended" else None,
            today=scope.today,
        )


@bp.post("/tasks/<int:task_id>/take", permission="tasks.do")
def take(task_id: int) -> Response:
    """A store's task becomes mine, if nobody was faster."""
    refused = edge.write(lambda scope: service.take(scope, task_id))
    if refused is not None:
        flash(said(refused), "warn")
        return edge.redirect("tasks.index", show="store")
    flash(_("It is yours."), "good")
    return edge.redirect("tasks.show_one", task_id=task_id, show="today")


@bp.post("/tasks/<int:task_id>/end", permission="tasks.do")
def end(task_id: int) -> Response:
    """Done, not reached, or asked not to be; then the next one."""
    what, note = request.form.get("what", ""), request.form.get("note", "")
    tries, show, key = request.form.get("tries", type=int), _show(), edge.once_key()
    if what not in queries.ENDS:
        flash(_("Say what came of it."), "warn")
        return edge.redirect("tasks.show_one", task_id=task_id, show=show)

    def work(scope: Scope) -> Any:
        task = queries.get(scope, task_id)
        ahead = queries.following(scope, show, task)

        def do() -> Any:
            answer = service.end(scope, task_id, what, note, tries)
            if isinstance(answer, Refused):
                return {"refused": answer.code, "facts": answer.facts}
            return {"state": answer, "next": ahead}

        return once(scope, key, "task.end", do)

    answer = edge.write(work)
    if "refused" in answer:
        flash(said(Refused(answer["refused"], answer["facts"])), "warn")
        return edge.redirect("tasks.index", show=show)
    if answer["next"] is None:
        return edge.redirect("tasks.index", show=show, said=task_id)
    return edge.redirect("tasks.show_one", task_id=answer["next"], show=show, said=task_id)


@bp.post("/tasks/<int:task_id>/undo", permission="tasks.do")
def undo(task_id: int) -> Response:
    """What was said of it was a slip: the task as it was, to say it anew."""
    move_id, show, key = request.form.get("move", 0, type=int), _show(), edge.once_key()

    def work(scope: Scope) -> Any:
        refused = service.undo(scope, task_id, move_id)
        return {"refused": refused.code} if refused is not None else {}

    answer = edge.write(lambda scope: once(scope, key, "task.undo", lambda: work(scope)))
    if "refused" in answer:
        flash(said(Refused(answer["refused"])), "warn")
    else:
        flash(_("Undone: everything is as it was before."), "good")
    return edge.redirect("tasks.show_one", task_id=task_id, show=show)


class Slip(NamedTuple):
    """What was said a moment ago, while it can still be undone."""

    task_id: int
    move_id: int
    title: str
    text: str


def _slip(scope: Scope) -> Slip | None:
    """The confirmation of the last tap, which the address names. It is gone once it cannot be undone any more."""
    task_id = request.args.get("said", 0, type=int)
    try:
        task = queries.get(scope, task_id)
    except NotFound:
        return None
    move = queries.undoable(scope, task_id)
    return Slip(task_id, move.id, task.title, _noted(move.what, task.state)) if move is not None else None


def _noted(what: str, state: str) -> str:
    if what == "declined":
        return str(_("Noted. Nobody of the shop contacts them with offers any more."))
    if what == "unreached":
        return str(
            _("Noted. It comes again tomorrow.")
            if state == "open"
            else _("Noted. It was tried often enough.")
        )
    return str(_("Done."))


# -- what other pages show of it -----------------------------------------------------------------------------------------


@shell.card(5, "tasks.do")
def today_card(scope: Scope) -> shell.Card | None:
    """What waits for whoever looks; overdue first said."""
    counts = queries.waiting(scope)
    if not (counts.today or counts.store or counts.later):
        return None
    figures = [shell.Figure(filters.number(counts.today), _l("today"), url_for("tasks.index"))]
    if counts.store:
        figures.append(
            shell.Figure(
                filters.number(counts.store),
                _l("for anybody of the store"),
                url_for("tasks.index", show="store"),
            )
        )
    text = ""
    if counts.overdue:
        text = ngettext(
            "One should have been done before today.",
            "%(num)s should have been done before today.",
            counts.overdue,
        )
    return shell.Card(_l("My tasks"), tuple(figures), text=text, action=(_l("Begin"), url_for("tasks.index")))


@panels.panel(35, "tasks.do")
def of_member(scope: Scope, member: Member) -> panels.Panel | None:
    """A member's newest tasks, and the way to a new one."""
    found = queries.of_member(scope, member.id)
    if not found and not edge.can("tasks.give"):
        return None
    seen: list[tuple[Task, bool]] = [(task, queries.sees(scope, task)) for task in found]
    stopped = queries.stopped(scope, [task for task in found if task.state == "open"])
    return panels.Panel(
        "fragments/tasks/_of_member.html",
        {
            "tasks": seen,
            "stopped": stopped,
            "states": words.STATES,
            "stopped_called": words.STOPPED,
            "names": names(scope),
            "source_of": words.source,
        },
    )


def _guides(scope: Scope) -> list[tuple[str, Any]]:
    here = [
        (str(worker.id), worker.name) for worker in queries.choosable(scope) if worker.id != scope.actor.id
    ]
    return [("me", _l("served by me")), *here]


def _served(scope: Scope, value: str) -> ColumnElement[bool]:
    staff_id = scope.actor.id if value == "me" else int(value)
    return Member.id.in_(guides.members_of(scope, staff_id))


panels.add_filter(panels.Filter("guide", _l("Guide"), _guides, _served))
