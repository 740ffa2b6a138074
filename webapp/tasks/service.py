"""Giving tasks, taking, doing and ending them. Every move is a row; every end is written once, whoever taps first."""

from __future__ import annotations

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
from webapp.tasks.queries import CHANNEL, MARKETING

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
    """A store's task becomes the actor's. Refused: task_taken (by whom), task_over. Raises NotFound."""
    task = queries.get(scope, task_id)
    if task.staff_id == scope.actor.id and task.state == "open":
        return None
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
    over = what
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
    _move(scope, task_id, what, note=note)
    if what == "declined" and task.member_id is not None:
        members.withdraw(scope, task.member_id, CHANNEL, f"task:{task_id}")
    if over != "open" and task.delivery_id is not None:
        outbox.receipt(scope, task.delivery_id, over, once=True)
    return over


def give(scope: Scope, task_id: int, staff_id: int | None) -> Refused | None:
    """A manager gives an open task to somebody; None: back to the store. Refused: staff_unknown, task_over."""
    queries.get(scope, task_id)
    if staff_id is not None and all(worker.id != staff_id for worker in queries.workers(scope)):
        return Refused("staff_unknown", {"field": "staff"})
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


def may_ask(scope: Scope, member_id: int) -> bool:
    """Has the member agreed that the shop's people contact them with offers?"""
    return bool(people.consents(scope, member_id).get((CHANNEL, MARKETING)))


def _change(scope: Scope, task_id: int, *where: Any, **values: Any) -> bool:
    """The one way a task changes: only while it is open, and the database says whether it did."""
    changed: Any = scope.session.execute(
        update(Task)
        .where(Task.brand_id == scope.brand.id, Task.id == task_id, Task.state == "open", *where)
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


def _move(scope: Scope, task_id: int, what: str, *, to: int | None = None, note: str = "") -> None:
    scope.session.add(
        TaskMove(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            task_id=task_id,
            what=what,
            staff_id=scope.actor.id if scope.actor.kind == "staff" else None,
            to_staff_id=to,
            note=note.strip()[:500],
            at=scope.now,
        )
    )
    scope.session.flush()
