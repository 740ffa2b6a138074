"""Giving tasks, taking, doing and ending them. Every move is a row; every end is written once, whoever taps first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import or_, select, update

from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import Scope
from webapp.members import queries as people
from webapp.members import service as members
from webapp.outbox import service as outbox
from webapp.tasks import queries
from webapp.tasks.models import Task, TaskMove
from webapp.tasks.queries import CHANNEL, MARKETING, SERVICE

MOST_TRIES = 3  # days on which nobody was reached; then the task ends
_task: Any = Task.__table__


def add(
    scope: Scope,
    *,
    key: str,
    title: str,
    text: str,
    staff_id: int | None = None,
    store_id: int | None = None,
    member_id: int | None = None,
    group_id: int | None = None,
    link: str = "",
    due_on: date | None = None,
    source: str = "",
    purpose: str = "",
    delivery_id: int | None = None,
) -> int:
    """Ask for something once: the task of a `key` (at most 80 characters) that is there already is answered as it is.

    Without staff and store a member's task goes to the guide who serves them, else to their store. due_on: today, unless
    given. purpose marketing: shown only while the member agrees to be contacted by the shop's people.
    """
    if member_id is not None and (staff_id is None or store_id is None):
        owner = queries.whose(scope, [member_id]).get(member_id)
        if owner is not None:
            staff_id = owner.staff_id if staff_id is None and store_id is None else staff_id
            store_id = owner.store_id if store_id is None else store_id
    id_ = scope.new_id()
    laid: Any = scope.session.execute(
        insert_or_ignore(scope, _task).values(
            brand_id=scope.brand.id,
            id=id_,
            key=key,
            title=" ".join(title.split())[:200],
            text=text,
            purpose=purpose,
            link=link[:500],
            source=source[:60],
            member_id=member_id,
            group_id=group_id,
            store_id=store_id,
            staff_id=staff_id,
            delivery_id=delivery_id,
            state="open",
            tries=0,
            due_on=due_on or scope.today,
            made_at=scope.now,
        )
    )
    if laid.rowcount:
        _move(scope, id_, "made", to=staff_id)
        return id_
    kept = Task.key == key if delivery_id is None else or_(Task.key == key, Task.delivery_id == delivery_id)
    return scope.session.scalars(select(Task.id).where(Task.brand_id == scope.brand.id, kept)).one()


def take(scope: Scope, task_id: int) -> Refused | None:
    """A store's task becomes the actor's. Refused: task_taken (by whom), task_over, task_stopped (the member does not agree
    any more). Raises NotFound."""
    task = queries.get(scope, task_id)
    if task.staff_id == scope.actor.id and task.state == "open":
        return None
    if task.state == "open" and not queries.still_agreed(scope, task):
        return Refused("task_stopped")
    if not _change(scope, task_id, Task.staff_id.is_(None), staff_id=scope.actor.id):
        return _why_not(scope, task_id)
    _move(scope, task_id, "taken", to=scope.actor.id)
    return None


def end(scope: Scope, task_id: int, what: str, note: str = "", tries: int | None = None) -> str | Refused:
    """The actor did it (done), nobody answered (unreached), or the member asked not to be contacted (declined).

    unreached: again tomorrow, and over after MOST_TRIES; `tries` is what the page showed, so that two taps count once.
    declined: consent to be contacted by the shop's people ends with it. Returns the task's state, open for "again
    tomorrow". Refused: task_taken, task_over. Raises NotFound.
    """
    task = queries.get(scope, task_id)
    to: dict[str, Any] = {"staff_id": scope.actor.id}
    over, was_due_on = what, task.due_on
    still = or_(Task.staff_id.is_(None), Task.staff_id == scope.actor.id)
    if what == "unreached":
        seen = task.tries if tries is None else tries
        over = "unreached" if seen + 1 >= MOST_TRIES else "open"
        to |= {"tries": seen + 1}
        if over == "open":
            to |= {"due_on": scope.today + timedelta(days=1)}
        still = still & (Task.tries == seen)
    elif what not in ("done", "declined"):
        raise ValueError(f"no such end: {what!r}")
    if over != "open":
        to |= {"state": over, "ended_at": scope.now}
    if not _change(scope, task_id, still, **to):
        return _why_not(scope, task_id)
    _move(scope, task_id, what, note=note, was_due_on=was_due_on if over == "open" else None)
    if what == "declined" and task.member_id is not None:
        for purpose in _withdrawn_by(task):
            members.withdraw(scope, task.member_id, CHANNEL, _said_by(task_id), purpose)
    if over != "open" and task.delivery_id is not None:
        outbox.receipt(scope, task.delivery_id, over, once=True)
    return over


def undo(scope: Scope, task_id: int, move_id: int) -> Refused | None:
    """What was said of a task last was a slip: the task is as it was before, and so is the consent that it took away.

    Until the day ends, by whoever said it or who gives tasks; a second tap changes nothing. Refused: undo_late,
    undo_theirs, undo_moved (something was done since). Raises NotFound.
    """
    task = queries.get(scope, task_id)
    done = queries.moves(scope, task_id)
    move = next((one for one in done if one.id == move_id), None)
    if move is None or move.what not in queries.ENDS:
        raise NotFound(f"move {move_id}")
    if _undone(done, move_id):
        return None
    if done[-1].id != move_id:
        return Refused("undo_moved")
    if move.staff_id != scope.actor.id and not scope.actor.can("tasks.give"):
        return Refused("undo_theirs")
    if queries.undoable(scope, task_id) is None:
        return Refused("undo_late")
    what, ended = move.what, task.state
    to: dict[str, Any] = {"state": "open", "ended_at": None}
    if what == "unreached":
        to |= {"tries": task.tries - 1, "due_on": move.was_due_on or task.due_on}
    at = Task.ended_at.is_(None) if task.ended_at is None else Task.ended_at == task.ended_at
    as_read = (at, Task.tries == task.tries, Task.due_on == task.due_on)  # else somebody was faster
    if not _change(scope, task_id, *as_read, was=ended, **to):
        return None if _undone(queries.moves(scope, task_id), move_id) else Refused("undo_moved")
    _move(scope, task_id, "undone")
    given_back = []
    if what == "declined" and task.member_id is not None:
        said = _said_by(task_id)
        given_back = [
            purpose
            for purpose in _withdrawn_by(task)
            if members.unsay(scope, task.member_id, CHANNEL, said, purpose)
        ]
    if ended != "open" and task.delivery_id is not None:
        outbox.take_back(scope, task.delivery_id, ended)
    scope.audit("task.undone", "task", task_id, what=what, consent=given_back)
    return None


def _undone(done: Sequence[TaskMove], move_id: int) -> bool:
    return len(done) > 1 and done[-1].what == "undone" and done[-2].id == move_id


def _said_by(task_id: int) -> str:
    """What the consent's row says of where it was said: in a talk, noted with this task."""
    return f"{members.SLIP}{task_id}"


def _withdrawn_by(task: Task) -> list[str]:
    """What a member does not want any more who says so in a talk: offers; and what the campaign was about."""
    return [MARKETING, SERVICE] if task.purpose == SERVICE and task.delivery_id is not None else [MARKETING]


def give(scope: Scope, task_id: int, staff_id: int | None) -> Refused | None:
    """A manager gives an open task to somebody; None: back to the store. Refused: staff_unknown (not among those whom the
    manager may choose), task_over, task_stopped."""
    task = queries.get(scope, task_id)
    if staff_id not in (None, task.staff_id) and staff_id not in {one.id for one in queries.choosable(scope)}:
        return Refused("staff_unknown", {"field": "staff"})
    if task.state == "open" and not queries.still_agreed(scope, task):
        return Refused("task_stopped")
    if not _change(scope, task_id, staff_id=staff_id):
        return _why_not(scope, task_id)
    _move(scope, task_id, "given", to=staff_id)
    scope.audit("task.given", "task", task_id, staff=staff_id)
    return None


def cancel(scope: Scope, task_id: int, note: str = "") -> Refused | None:
    """A manager ends an open task that is not wanted any more. Refused: task_over."""
    task = queries.get(scope, task_id)
    if not _change(scope, task_id, state="cancelled", ended_at=scope.now):
        return _why_not(scope, task_id)
    _move(scope, task_id, "cancelled", note=note)
    if task.delivery_id is not None:
        outbox.receipt(scope, task.delivery_id, "cancelled", once=True)
    scope.audit("task.cancelled", "task", task_id)
    return None


def may_ask(scope: Scope, member_id: int, purpose: str = MARKETING) -> bool:
    """Has the member agreed that the shop's people contact them about this?"""
    return bool(people.consents(scope, member_id).get((CHANNEL, purpose)))


def _change(scope: Scope, task_id: int, *where: Any, was: str = "open", **values: Any) -> bool:
    """The one way a task changes: only while it is in the state that it was in, and the database says whether it did."""
    changed: Any = scope.session.execute(
        update(Task)
        .where(Task.brand_id == scope.brand.id, Task.id == task_id, Task.state == was, *where)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    scope.session.expire_all()
    return bool(changed.rowcount)


def _why_not(scope: Scope, task_id: int) -> Refused:
    task = scope.session.get(Task, (scope.brand.id, task_id), populate_existing=True)
    if task is None:
        raise NotFound(f"task {task_id}")
    facts = {"state": task.state, "staff_id": task.staff_id}
    if task.state != "open":
        return Refused("task_over", facts)
    if task.staff_id not in (None, scope.actor.id):
        return Refused("task_taken", facts)
    return Refused("task_noted", facts)  # the same tap came before


def _move(
    scope: Scope,
    task_id: int,
    what: str,
    *,
    to: int | None = None,
    note: str = "",
    was_due_on: date | None = None,
) -> None:
    scope.session.add(
        TaskMove(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            task_id=task_id,
            what=what,
            staff_id=scope.actor.id if scope.actor.kind == "staff" else None,
            to_staff_id=to,
            note=note.strip()[:500],
            was_due_on=was_due_on,
            at=scope.now,
        )
    )
    scope.session.flush()
