"""The manager's board: who has what to do, and giving, taking back and cancelling."""

from __future__ import annotations

from flask import Response, abort, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext

from webapp.kernel import edge, filters, shell
from webapp.kernel.scope import Scope
from webapp.tasks import queries, service
from webapp.tasks.routes.base import bp, names, page, said

STATES = ("open", "overdue", "done", "unreached", "declined", "cancelled", "stopped")


@bp.get("/tasks/board", permission="tasks.give")
def show_board() -> Response:
    """By guide: open and overdue now, ended in the last 30 days."""
    with edge.read() as scope:
        return page("board.html", lines=queries.board(scope))


@shell.card(8, "tasks.give")
def today_card(scope: Scope) -> shell.Card | None:
    """What waits with everybody, for whoever gives tasks."""
    lines = queries.board(scope)
    waiting, late = sum(line.open for line in lines), sum(line.overdue for line in lines)
    free = sum(line.open for line in lines if line.staff_id is None)
    if not waiting:
        return None
    figures = (
        shell.Figure(filters.number(waiting), _l("to do"), url_for("tasks.show_board")),
        shell.Figure(filters.number(late), _l("overdue"), url_for("tasks.show_board")),
        shell.Figure(
            filters.number(free),
            lazy_pgettext("of tasks", "nobody yet"),
            url_for("tasks.of_worker", who="nobody", state="open"),
        ),
    )
    return shell.Card(_l("Tasks by guide"), figures, action=(_l("Early signs"), url_for("tasks.signs")))


@bp.get("/tasks/board/<who>/<state>", permission="tasks.give")
def of_worker(who: str, state: str) -> Response:
    """The tasks behind a figure. who: an account's id, or "nobody"."""
    if state not in STATES or not (who == "nobody" or who.isdecimal()):
        abort(404)
    staff_id, after = (None if who == "nobody" else int(who)), request.args.get("after", 0, type=int)
    with edge.read() as scope:
        found = queries.of_worker(scope, staff_id, state, after=after)
        known = names(scope)
        today = scope.today
    shown = found[: queries.PAGE]
    return page(
        "of_worker.html",
        rows=shown,
        state=state,
        who=who,
        name=known.get(staff_id or 0, ""),
        today=today,
        following=shown[-1].task.id if len(found) > queries.PAGE else None,
    )


@bp.post("/tasks/<int:task_id>/give", permission="tasks.give")
def give(task_id: int) -> Response:
    """To somebody else, or back to the store."""
    to = request.form.get("staff", type=int)
    refused = edge.write(lambda scope: service.give(scope, task_id, to))
    flash(*((said(refused), "warn") if refused else (_("Given."), "good")))
    return edge.redirect("tasks.show_one", task_id=task_id)


@bp.post("/tasks/<int:task_id>/cancel", permission="tasks.give")
def cancel(task_id: int) -> Response:
    """Not wanted any more."""
    refused = edge.write(lambda scope: service.cancel(scope, task_id, request.form.get("note", "")))
    flash(*((said(refused), "warn") if refused else (_("Cancelled."), "good")))
    return edge.redirect("tasks.show_board")
