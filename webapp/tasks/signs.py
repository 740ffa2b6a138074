"""Early signs: who is about to go quiet or be lost, if nothing happens, and tasks for them at one press."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, null, select

from webapp.kernel import bulk, reach
from webapp.kernel.errors import Refused
from webapp.kernel.scope import Scope
from webapp.lifecycle.models import MemberStage
from webapp.members.models import ConsentNow, Member
from webapp.tasks import queries
from webapp.tasks.models import Task, TaskMove

GOING = ("dormancy", "churn")  # stages that one would rather not see come
AHEAD = (7, 14, 30)  # days to look ahead
REST = 30  # days after a task of this kind in which the same member is left alone
NO_CONSENT, HAS_TASK, ASKED = "no_consent", "has_task", "asked"

_TASK = (
    *("brand_id", "id", "key", "title", "text", "purpose", "link", "source", "member_id", "store_id"),
    *("staff_id", "state", "tries", "due_on", "made_at"),
)
_MOVE = ("brand_id", "id", "task_id", "what", "staff_id", "to_staff_id", "note", "at")


class Sign(NamedTuple):
    """A member about to turn. reason: why there will be no task, None: there can be one."""

    member_id: int
    name: str
    number: str
    stage: str
    next_stage: str
    on: date
    reason: str | None


@dataclass(frozen=True, slots=True)
class Signs:
    """total = reached + everyone in left_out. rows: some of them, those who turn soonest first."""

    total: int = 0
    reached: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    rows: list[Sign] = field(default_factory=list)

    @property
    def now(self) -> int:
        """For how many one press makes tasks."""
        return min(self.reached, queries.MOST)


def _turning(scope: Scope, days: int) -> list[ColumnElement[bool]]:
    return [
        MemberStage.brand_id == scope.brand.id,
        MemberStage.next_stage.in_(GOING),
        MemberStage.next_stage != MemberStage.stage,
        MemberStage.recheck_on > scope.today,
        MemberStage.recheck_on <= scope.today + timedelta(days=days),
        Member.person_id == Member.id,
        reach.within(scope, Member.store_id),
    ]


def _reason(scope: Scope) -> ColumnElement[str | None]:
    theirs = (Task.brand_id == Member.brand_id, Task.member_id == Member.id)
    lately = scope.now - timedelta(days=REST)
    agreed = exists().where(
        ConsentNow.brand_id == Member.brand_id,
        ConsentNow.member_id == Member.id,
        ConsentNow.channel == queries.CHANNEL,
        ConsentNow.purpose == queries.MARKETING,
        ConsentNow.granted.is_(True),
    )
    has = exists().where(*theirs, Task.state == "open")
    asked = exists().where(*theirs, Task.source.like("sign:%"), Task.made_at >= lately)
    return case(
        (~agreed, literal(NO_CONSENT)),
        (has, literal(HAS_TASK)),
        (asked, literal(ASKED)),
        else_=null(),
    )


_JOIN = and_(Member.brand_id == MemberStage.brand_id, Member.id == MemberStage.member_id)


def signs(scope: Scope, days: int, *, limit: int = queries.PAGE) -> Signs:
    """Who turns within so many days, counted now, within the actor's stores."""
    each = (
        select(_reason(scope).label("reason"))
        .select_from(MemberStage)
        .join(Member, _JOIN)
        .where(*_turning(scope, days))
        .subquery()
    )
    rows = scope.session.execute(select(each.c.reason, func.count()).group_by(each.c.reason)).all()
    counts: dict[str | None, int] = dict(tuple(row) for row in rows)
    reached = counts.pop(None, 0)
    left_out = {why: counts[why] for why in (NO_CONSENT, HAS_TASK, ASKED) if counts.get(why)}
    return Signs(reached + sum(left_out.values()), reached, left_out, _rows(scope, days, limit))


def _rows(scope: Scope, days: int, limit: int, *, reached: bool = False) -> list[Sign]:
    why = _reason(scope)
    found: Any = scope.session.execute(
        select(
            Member.id,
            Member.name,
            Member.number,
            MemberStage.stage,
            MemberStage.next_stage,
            MemberStage.recheck_on,
            why,
        )
        .select_from(MemberStage)
        .join(Member, _JOIN)
        .where(*_turning(scope, days), *([why.is_(None)] if reached else []))
        .order_by(MemberStage.recheck_on, Member.id)
        .limit(limit)
    )
    return [Sign(*row) for row in found]


def make(scope: Scope, days: int, expected: int, title: str, text: str) -> int | Refused:
    """Tasks for all who can have one (at most MOST, those who turn soonest), due today. Returns how many.

    text: `{name}` becomes the member's name. Refused: changed (now), when it is no longer `expected` who would get one.
    """
    chosen = _rows(scope, days, queries.MOST, reached=True)
    if len(chosen) != expected:
        return Refused("changed", {"now": len(chosen)})
    owners = queries.whose(scope, [one.member_id for one in chosen])
    ids = iter(scope.new_ids(2 * len(chosen))) if chosen else iter(())
    tasks: list[tuple[Any, ...]] = []
    moves: list[tuple[Any, ...]] = []
    who = scope.actor.id if scope.actor.kind == "staff" else None
    for one in chosen:
        id_, owner = next(ids), owners[one.member_id]
        key = f"sign:{one.next_stage}:{one.on.isoformat()}:{one.member_id}"
        said = text.replace("{name}", one.name or one.number)
        tasks.append(
            (
                *(scope.brand.id, id_, key, title[:200], said, queries.MARKETING, ""),
                *(f"sign:{one.next_stage}", one.member_id, owner.store_id, owner.staff_id, "open", 0),
                *(scope.today, scope.now),
            )
        )
        moves.append((scope.brand.id, next(ids), id_, "made", who, owner.staff_id, "", scope.now))
    bulk.insert(scope, Task, _TASK, tasks)
    bulk.insert(scope, TaskMove, _MOVE, moves)
    scope.audit("task.signs", "task", None, days=days, made=len(tasks))
    return len(tasks)
