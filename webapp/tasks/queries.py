"""Reading tasks: a guide's list in its order, the store's, one task with its moves, the manager's board."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select

from webapp.brands.models import Store
from webapp.kernel import clock, reach
from webapp.kernel.errors import NotFound
from webapp.kernel.scope import Scope
from webapp.members import guides
from webapp.members.models import ConsentNow, Member
from webapp.staff import queries as staff
from webapp.staff.permissions import ROLES
from webapp.tasks.models import Task, TaskMove

CHANNEL = "task"  # consent for being contacted by a person of the shop, and the channel that makes tasks
MARKETING, SERVICE = "marketing", "service"
ENDS = (
    "done",
    "unreached",
    "declined",
)  # what the person who has a task says of it; it can be undone until the day ends
PAGE = 50
MOST = 200  # people that one press of a button makes tasks for, at most


class Worker(NamedTuple):
    """Somebody to whom tasks can be given."""

    id: int
    name: str
    role: str
    stores: frozenset[int] | None  # None: the whole brand


class Whose(NamedTuple):
    """Whose a member's task is: the guide's, else the store's, else (both None) the shop's."""

    staff_id: int | None
    store_id: int | None


def workers(scope: Scope) -> list[Worker]:
    """Active accounts of the brand whose role does tasks, by name."""
    rows = [
        (person, role)
        for person, role in staff.of_brand(scope)
        if person.active and "tasks.do" in ROLES.get(role.role, frozenset())
    ]
    stores = staff.stores_of_all(scope, [role for _person, role in rows])
    found = [
        Worker(person.id, person.name or person.email, role.role, stores[role.id]) for person, role in rows
    ]
    return sorted(found, key=lambda one: one.name.lower())


def choosable(scope: Scope) -> list[Worker]:
    """Those of them whom the actor may choose: colleagues with a store in common, and themselves."""
    return [
        worker
        for worker in workers(scope)
        if worker.id == scope.actor.id or reach.shares(scope, worker.stores)
    ]


def whose(scope: Scope, member_ids: Collection[int]) -> dict[int, Whose]:
    """member id -> whose their tasks are. A guide who left, or may not do tasks any more, is none."""
    here = {worker.id for worker in workers(scope)}
    guide = guides.guide_of(scope, member_ids)
    rows = scope.session.execute(
        select(Member.id, Member.store_id).where(
            Member.brand_id == scope.brand.id, Member.id.in_(list(member_ids))
        )
    )
    return {
        id_: Whose(guide.get(id_) if guide.get(id_) in here else None, store_id) for id_, store_id in rows
    }


# --- who sees what ----------------------------------------------------------------------------------------------------


def agreed() -> ColumnElement[bool]:
    """May the Task's member still be contacted for it? What a member withdrew a moment ago counts.

    An offer needs their yes to offers, whoever asks for it. A campaign about service was sent to those who had agreed to
    that, so it needs their yes to service. A colleague's own task of service (an order, a repair) needs none.
    """
    yes = exists().where(
        ConsentNow.brand_id == Task.brand_id,
        ConsentNow.member_id == Task.member_id,
        ConsentNow.channel == CHANNEL,
        ConsentNow.purpose == Task.purpose,
        ConsentNow.granted.is_(True),
    )
    asks = or_(Task.purpose == MARKETING, and_(Task.purpose == SERVICE, Task.delivery_id.is_not(None)))
    return or_(~asks, Task.member_id.is_(None), yes)


def mine(scope: Scope) -> ColumnElement[bool]:
    """Tasks that were given to the actor, or taken."""
    return and_(Task.brand_id == scope.brand.id, Task.staff_id == scope.actor.id)


def free(scope: Scope) -> ColumnElement[bool]:
    """Tasks of the actor's stores (or of the whole shop) that nobody has taken."""
    return and_(Task.brand_id == scope.brand.id, Task.staff_id.is_(None), reach.within(scope, Task.store_id))


def sees(scope: Scope, task: Task) -> bool:
    """Is it the actor's, or of their stores? A colleague's is seen too: who taps second is told who was first."""
    return task.staff_id == scope.actor.id or reach.reaches(scope, task.store_id)


def get(scope: Scope, task_id: int) -> Task:
    """By id, for whom it concerns. Raises NotFound."""
    task = scope.session.get(Task, (scope.brand.id, task_id))
    if task is None or not sees(scope, task):
        raise NotFound(f"task {task_id}")
    return task


def still_agreed(scope: Scope, task: Task) -> bool:
    """`agreed` for one task that is at hand."""
    return task.id not in stopped(scope, [task])


def stopped(scope: Scope, found: Collection[Task]) -> set[int]:
    """The ids of those of some tasks at hand whose member does not agree (any more)."""
    return set(
        scope.session.scalars(
            select(Task.id).where(
                Task.brand_id == scope.brand.id, Task.id.in_([task.id for task in found]), ~agreed()
            )
        )
    )


def moves(scope: Scope, task_id: int) -> Sequence[TaskMove]:
    """What was done to a task, oldest first."""
    return scope.session.scalars(
        select(TaskMove)
        .where(TaskMove.brand_id == scope.brand.id, TaskMove.task_id == task_id)
        .order_by(TaskMove.at, TaskMove.id)
    ).all()


def undoable(scope: Scope, task_id: int) -> TaskMove | None:
    """What the actor may undo of a task: what was said of it last, today, by themselves or (for who gives tasks) by anybody."""
    done = moves(scope, task_id)
    last = done[-1] if done else None
    if last is None or last.what not in ENDS:
        return None
    if last.staff_id != scope.actor.id and not scope.actor.can("tasks.give"):
        return None
    return last if clock.local_day(last.at, scope.brand.timezone) == scope.today else None


# --- the list ---------------------------------------------------------------------------------------------------------

SHOWN = ("today", "later", "store", "ended")


@dataclass(frozen=True, slots=True)
class Row:
    """A task in a list, with the member's name and number."""

    task: Task
    name: str
    number: str


def _which(scope: Scope, show: str) -> list[ColumnElement[bool]]:
    if show == "ended":
        return [mine(scope), Task.state != "open"]
    owner = free(scope) if show == "store" else mine(scope)
    when = {"today": Task.due_on <= scope.today, "later": Task.due_on > scope.today}.get(show)
    return [owner, Task.state == "open", agreed(), *([when] if when is not None else [])]


def tasks(scope: Scope, show: str, *, skip: int = 0, limit: int = PAGE) -> list[Row]:
    """today: due and overdue, the oldest day first; later; store: free ones; ended: newest first. One more than `limit`
    tells that there are more."""
    order: tuple[Any, ...] = (Task.due_on, Task.id)
    if show == "ended":
        order = (Task.ended_at.desc(), Task.id.desc())
    found = scope.session.execute(
        select(Task, Member.name, Member.number)
        .outerjoin(Member, and_(Member.brand_id == Task.brand_id, Member.id == Task.member_id))
        .where(*_which(scope, show))
        .order_by(*order)
        .offset(skip)
        .limit(limit + 1)
    )
    return [Row(task, name or "", number or "") for task, name, number in found]


def following(scope: Scope, show: str, task: Task) -> int | None:
    """The task after this one in the list, else the first of the list; None when nothing else is left."""
    others = select(Task.id).where(*_which(scope, show), Task.id != task.id).order_by(Task.due_on, Task.id)
    behind = or_(Task.due_on > task.due_on, and_(Task.due_on == task.due_on, Task.id > task.id))
    return scope.session.scalar(others.where(behind).limit(1)) or scope.session.scalar(others.limit(1))


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for the actor. today includes overdue."""

    today: int
    overdue: int
    later: int
    store: int


def waiting(scope: Scope) -> Waiting:
    """Counted now."""
    owned = scope.session.execute(
        select(
            func.coalesce(func.sum(case((Task.due_on <= scope.today, 1), else_=0)), 0),
            func.coalesce(func.sum(case((Task.due_on < scope.today, 1), else_=0)), 0),
            func.count(),
        ).where(mine(scope), Task.state == "open", agreed())
    ).one()
    store = scope.session.scalar(
        select(func.count()).select_from(Task).where(free(scope), Task.state == "open", agreed())
    )
    return Waiting(int(owned[0]), int(owned[1]), owned[2] - int(owned[0]), store or 0)


# --- the board --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One guide's (or, with staff_id None, nobody's yet) tasks: open ones now, ended ones of the last `days` days.

    stopped: open, but the member does not agree any more; they are in neither open nor overdue.
    """

    staff_id: int | None
    name: str
    open: int = 0
    overdue: int = 0
    done: int = 0
    unreached: int = 0
    declined: int = 0
    cancelled: int = 0
    stopped: int = 0


def board(scope: Scope, days: int = 30) -> list[Line]:
    """By guide, within the actor's stores; those with most overdue first, then by name."""
    since = scope.now - timedelta(days=days)

    def number(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    rows = scope.session.execute(
        select(
            Task.staff_id,
            number(and_(Task.state == "open", agreed())),
            number(and_(Task.state == "open", Task.due_on < scope.today, agreed())),
            *(number(Task.state == state) for state in ("done", "unreached", "declined", "cancelled")),
            number(and_(Task.state == "open", ~agreed())),
        )
        .where(
            Task.brand_id == scope.brand.id,
            reach.within(scope, Task.store_id),
            or_(Task.state == "open", Task.ended_at >= since),
        )
        .group_by(Task.staff_id)
    ).all()
    names = {person.id: person.name or person.email for person, _ in staff.of_brand(scope)}
    lines = [
        Line(row[0], names.get(row[0], "") if row[0] else "", *(int(n) for n in row[1:])) for row in rows
    ]
    return sorted(lines, key=lambda line: (line.staff_id is not None, -line.overdue, line.name.lower()))


def of_worker(scope: Scope, staff_id: int | None, state: str, *, after: int = 0) -> list[Row]:
    """The tasks behind a figure of the board (state: also overdue, stopped), by id from the one after `after`."""
    which = {
        "open": [Task.state == "open", agreed()],
        "overdue": [Task.state == "open", agreed(), Task.due_on < scope.today],
        "stopped": [Task.state == "open", ~agreed()],
    }.get(state, [Task.state == state])
    found = scope.session.execute(
        select(Task, Member.name, Member.number)
        .outerjoin(Member, and_(Member.brand_id == Task.brand_id, Member.id == Task.member_id))
        .where(
            Task.brand_id == scope.brand.id,
            reach.within(scope, Task.store_id),
            Task.staff_id.is_(None) if staff_id is None else Task.staff_id == staff_id,
            *which,
            Task.id > after,
        )
        .order_by(Task.id)
        .limit(PAGE + 1)
    )
    return [Row(task, name or "", number or "") for task, name, number in found]


def of_member(scope: Scope, member_id: int, limit: int = 5) -> Sequence[Task]:
    """A member's newest tasks."""
    return scope.session.scalars(
        select(Task)
        .where(Task.brand_id == scope.brand.id, Task.member_id == member_id)
        .order_by(Task.id.desc())
        .limit(limit)
    ).all()


def store_name(scope: Scope, store_id: int | None) -> str:
    """What a store is called; blank for none."""
    if store_id is None:
        return ""
    return (
        scope.session.scalar(select(Store.name).where(Store.brand_id == scope.brand.id, Store.id == store_id))
        or ""
    )


def overdue(task: Task, today: date) -> bool:
    """Should it have been done on an earlier day?"""
    return task.state == "open" and task.due_on < today
