"""By which channel a member may be written to, and where: what everybody asks who writes to members one by one (reminders,
tellings), before a message is laid and once more on its way out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, select

from webapp.kernel.i18n import LANGUAGES
from webapp.kernel.scope import Scope
from webapp.members.models import ConsentNow, Member, MemberIdentity
from webapp.outbox.sources import Leased, LeftOut, Run
from webapp.plugin_api import Address, Channel
from webapp.plugin_runtime import calls
from webapp.plugin_runtime.calls import Bound

CHANNELS = ("email", "task")  # the first that is ready: a message of their own, or a guide who says it
TOLD = "recipient"  # the identity of a channel that is told who is meant: "member:17"


@dataclass(frozen=True, slots=True)
class Reached:
    """Somebody who may be written to. locale: their own language, else the brand's. told: a person of the shop is told, and
    says it."""

    to: Address
    locale: str
    told: bool


def ready(scope: Scope) -> Iterator[Bound[Channel]]:
    """Those of CHANNELS that can speak for the brand, in this order."""
    for key in CHANNELS:
        bound = calls.channel(scope, key)
        if bound is not None and calls.decide(bound.plugin, lambda: bound.impl.ready(bound.ctx)) is None:  # noqa: B023
            yield bound


def people(scope: Scope, identity: str, ids: Sequence[int]) -> dict[int, Any]:
    """member id -> id, name, locale, value (the address)."""
    rows = scope.session.execute(
        select(Member.id, Member.name, Member.locale, MemberIdentity.value)
        .outerjoin(
            MemberIdentity,
            and_(
                MemberIdentity.brand_id == Member.brand_id,
                MemberIdentity.member_id == Member.id,
                MemberIdentity.kind == identity,
            ),
        )
        .where(Member.brand_id == scope.brand.id, Member.id.in_(ids))
    )
    return {row.id: row for row in rows}


def look(scope: Scope, run: Run | None, batch: Sequence[Leased]) -> dict[int, Reached | LeftOut]:
    """By delivery id: where to, or why not after all; nobody where the run or its channel is not there. For the unit that
    marks a batch in flight: their answers are held until it ends, so that a withdrawal comes before it and is seen, or after
    it."""
    bound = calls.channel(scope, run.channel) if run else None
    if run is None or bound is None:
        return {}
    identity = bound.impl.identity
    members = [row.recipient_id for row in batch]
    agreed = _agreed(scope, run, members)  # first: what is read after it stands
    found = people(scope, identity, members)
    told = identity == TOLD
    answers: dict[int, Reached | LeftOut] = {}
    for row in batch:
        who = found.get(row.recipient_id)
        if who is None:
            answers[row.id] = LeftOut("gone")
        elif not told and not who.value:
            answers[row.id] = LeftOut("no_address")
        elif row.recipient_id not in agreed:
            answers[row.id] = LeftOut("no_consent")
        else:
            to = Address(f"member:{who.id}" if told else who.value, who.name)
            locale = who.locale if who.locale in LANGUAGES else scope.brand.locale
            answers[row.id] = Reached(to, locale, told)
    return answers


def _agreed(scope: Scope, run: Run, ids: Sequence[int]) -> set[int]:
    """Those who agree, held until this unit ends."""
    return set(
        scope.session.scalars(
            select(ConsentNow.member_id)
            .where(
                ConsentNow.brand_id == scope.brand.id,
                ConsentNow.member_id.in_(ids),
                ConsentNow.channel == run.channel,
                ConsentNow.purpose == run.purpose,
                ConsentNow.granted.is_(True),
            )
            .order_by(ConsentNow.member_id)
            .with_for_update(read=True)
        )
    )
