"""What a plugin's `ctx.tasks.add` does here: whom it means, whether they agreed, and one task, whoever asks how often."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, or_, select

from webapp.groups.models import Group
from webapp.kernel.scope import Scope
from webapp.members.models import Member
from webapp.outbox import sources
from webapp.outbox.models import Attempt, Delivery, Dispatch
from webapp.plugin_api import TaskAnswer
from webapp.tasks import queries, service
from webapp.tasks.models import Task

_KINDS = {"reminders": "reminder", "tellings": "telling"}  # of a task's source, by that of its delivery
_TO = re.compile(r"(member|group|staff):([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Promise:
    """The delivery behind a message's key, and what was promised."""

    delivery_id: int
    to: str
    source: str
    purpose: str


def from_plugin(
    scope: Scope, plugin: str, key: str, *, to: str, title: str, text: str, link: str, due_on: date | None
) -> TaskAnswer:
    """webapp.plugin_api.Tasks.add, in this unit."""
    promise = _promise(scope, key)
    target = _TO.fullmatch(promise.to if promise else to)
    if target is None:
        return "nobody"
    kind, id_ = target[1], int(target[2])
    whole_key = f"{plugin[:38]}:{key[:40]}"
    same = Task.key == whole_key
    if promise is not None:
        same = or_(same, Task.delivery_id == promise.delivery_id)
    if scope.session.scalar(select(Task.id).where(Task.brand_id == scope.brand.id, same)) is not None:
        return "known"
    staff_id = store_id = member_id = group_id = None
    purpose = promise.purpose if promise else queries.MARKETING
    if kind == "member":
        member = scope.session.get(Member, (scope.brand.id, id_))
        if member is None:
            return "nobody"
        if not service.may_ask(scope, id_, purpose):
            return "no_consent"
        member_id = id_
    elif kind == "group":
        group = scope.session.get(Group, (scope.brand.id, id_))
        if group is None or group.closed_at is not None:
            return "nobody"
        group_id, store_id, purpose = id_, group.store_id, ""
        staff_id = group.owner_id if _can(scope, group.owner_id) else None
    else:
        if not _can(scope, id_):
            return "nobody"
        staff_id, purpose = id_, ""
    service.add(
        scope,
        key=whole_key,
        title=title,
        text=text,
        staff_id=staff_id,
        store_id=store_id,
        member_id=member_id,
        group_id=group_id,
        link=link if link.startswith(("https://", "http://")) else "",
        due_on=due_on,
        source=promise.source if promise else f"plugin:{plugin}",
        purpose=purpose,
        delivery_id=promise.delivery_id if promise else None,
    )
    return "added"


def _can(scope: Scope, staff_id: int | None) -> bool:
    return any(worker.id == staff_id for worker in queries.workers(scope))


def _promise(scope: Scope, key: str) -> _Promise | None:
    """A message's key is its attempt's id; whom it is for, the promise knows, not the plugin."""
    if not key.isascii() or not key.isdigit() or len(key) > 18:
        return None
    row = scope.session.execute(
        select(Delivery.id, Delivery.recipient_kind, Delivery.recipient_id, Delivery.campaign_id)
        .join(Dispatch, and_(Dispatch.brand_id == Delivery.brand_id, Dispatch.delivery_id == Delivery.id))
        .join(Attempt, and_(Attempt.brand_id == Dispatch.brand_id, Attempt.dispatch_id == Dispatch.id))
        .where(Attempt.brand_id == scope.brand.id, Attempt.id == int(key))
    ).one_or_none()
    if row is None:
        return None
    found = sources.of(scope, row.campaign_id)
    purpose = found[1].purpose if found else queries.MARKETING
    own = (kind for name, kind in _KINDS.items() if found and found[0] is sources.SOURCES.get(name))
    kind = next(own, "campaign")
    to = f"{row.recipient_kind}:{row.recipient_id}"
    return _Promise(row.id, to, f"{kind}:{row.campaign_id}", purpose)
