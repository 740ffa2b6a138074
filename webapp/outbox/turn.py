"""One turn of a worker: write what became of the last sub-batch, take the next into flight. One transaction each.

The order is law 7: the rows are committed as in flight before the world is spoken to, at most IN_FLIGHT of them, and
what became of them is written after. Whoever dies in between leaves rows that are `unknown` once the lease has run out.
Every write is fenced by the lease's token, so that a worker that slept through its lease changes nothing of others'.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, update

from webapp.kernel import bulk
from webapp.kernel.scope import Scope
from webapp.members import pages
from webapp.outbox import service, sources, tokens
from webapp.outbox.models import Attempt, Delivery, Dispatch
from webapp.outbox.sources import Leased, LeftOut, Parts
from webapp.plugin_api import Channel, Message, Outcome
from webapp.plugin_runtime.calls import Bound

log = logging.getLogger("regulars.outbox")

BATCH = 500  # rows leased at once
IN_FLIGHT = 20  # rows that a worker may be speaking about
BACKOFF = (60, 300, 1800, 7200)  # seconds before the next try of one message
HALT_ASIDE = 60  # seconds for which the message at which the service stopped stands behind the others
WORDS = 30  # characters of a reason
FOR_EVER = datetime.max.replace(tzinfo=UTC)  # an empty hand never needs renewing

_delivery: Any = Delivery.__table__
_dispatch: Any = Dispatch.__table__
_attempt: Any = Attempt.__table__
_brand: Any = bindparam("b")
_ids: Any = bindparam("ids", expanding=True)
_CALL = ("brand_id", "id", "delivery_id", "channel", "state", "attempt_id", "started_at")
_KEY = ("brand_id", "id", "dispatch_id", "outcome", "started_at")

# Built once: the statements of a turn are the same for each.
_MINE = (_delivery.c.brand_id == _brand, _delivery.c.id.in_(_ids), _delivery.c.lease == bindparam("token"))
_TAKE_OFF = (
    update(_delivery)
    .where(*_MINE, _delivery.c.state == "leased")
    .values(state="in_flight", lease_until=bindparam("until"))
    .returning(_delivery.c.id)
)
_LEAVE_OUT = (
    update(_delivery)
    .where(*_MINE, _delivery.c.state == "leased")
    .values(state="left_out", reason=bindparam("why"), lease=None, lease_until=None)
)
_LAND = (
    update(_delivery)
    .where(*_MINE, _delivery.c.state == "in_flight")
    .values(
        state=bindparam("to"),
        reason=bindparam("why"),
        tries=bindparam("n"),
        due_at=bindparam("due"),
        lease=None,
        lease_until=None,
    )
    .returning(_delivery.c.id)
)
_END_DISPATCH = (
    update(_dispatch)
    .where(_dispatch.c.brand_id == _brand, _dispatch.c.id.in_(_ids))
    .values(state=bindparam("to"), ended_at=bindparam("at"), detail=bindparam("words"))
)
_END_ATTEMPT = (
    update(_attempt)
    .where(_attempt.c.brand_id == _brand, _attempt.c.id.in_(_ids))
    .values(outcome=bindparam("to"), ended_at=bindparam("at"), reason=bindparam("why"))
)


@dataclass(frozen=True, slots=True)
class Lane:
    """A worker's run over a campaign. token: the lease's, new for each run; lease: how long each renewal holds."""

    campaign_id: int
    token: int
    lease: timedelta
    bound: Bound[Channel]
    marketing: bool


@dataclass(frozen=True, slots=True)
class Flight:
    """A delivery that is in flight, committed."""

    delivery: Leased
    dispatch_id: int
    attempt_id: int
    message: Message


@dataclass(frozen=True, slots=True)
class Landed:
    """What became of it. outcome None: it was never spoken about."""

    flight: Flight
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Hand:
    """Rows that are leased and wait for a later turn. until: when their lease ends."""

    rows: tuple[Leased, ...] = ()
    until: datetime = FOR_EVER


@dataclass(frozen=True, slots=True)
class Turn:
    """flights: to be spoken about now. left_out: how many were, in this turn.

    going False: the campaign is not to be sent on just now; nothing is in hand.
    """

    flights: list[Flight]
    hand: Hand
    left_out: int = 0
    going: bool = True


def turn(
    scope: Scope,
    lane: Lane,
    landed: Sequence[Landed],
    hand: Hand,
    *,
    size: int = IN_FLIGHT,
    stop: bool = False,
) -> Turn:
    """Write `landed`; unless `stop`, or the campaign is held, lease if the hand is empty and take off with the next
    `size` (at most IN_FLIGHT)."""
    if landed:
        record(scope, lane, landed)
    found = sources.of(scope, lane.campaign_id)
    if stop or found is None or found[1].state != "sending" or found[1].channel != lane.bound.impl.key:
        if hand.rows:
            service.put_back(scope, lane.campaign_id, lane.token)
        return Turn([], Hand(), going=False)
    size = min(size, IN_FLIGHT)
    until = scope.now + lane.lease
    if not hand.rows:
        hand = Hand(tuple(service.lease(scope, lane.campaign_id, lane.token, until, BATCH)), until)
        if not hand.rows:
            return Turn([], hand)
    elif hand.until < scope.now + lane.lease / 2:
        still = service.renew(scope, lane.campaign_id, lane.token, until)
        hand = Hand(tuple(row for row in hand.rows if row.id in still), until)
    now_up, later = hand.rows[:size], Hand(hand.rows[size:], hand.until)
    rendered = found[0].render(scope, lane.campaign_id, now_up)
    going: dict[int, tuple[Leased, Parts]] = {}
    out: dict[str, list[int]] = defaultdict(list)
    for row in now_up:
        what = rendered.get(row.id, LeftOut("nothing_to_say"))
        if isinstance(what, LeftOut):
            out[what.reason[:WORDS]].append(row.id)
        else:
            going[row.id] = (row, what)
    mine = {"b": scope.brand.id, "token": lane.token}
    for why, ids in out.items():
        scope.session.execute(_LEAVE_OUT, {**mine, "ids": ids, "why": why})
    if not going:
        return Turn([], later, left_out=len(now_up))
    ours = set(scope.session.scalars(_TAKE_OFF, {**mine, "ids": list(going), "until": until}))
    flights = _dispatched(scope, lane, [pair for id_, pair in going.items() if id_ in ours])
    return Turn(flights, later, left_out=sum(map(len, out.values())))


def _dispatched(scope: Scope, lane: Lane, going: Sequence[tuple[Leased, Parts]]) -> list[Flight]:
    """Rows of the call and of its key, and the messages themselves."""
    if not going:
        return []
    brand_id, ids = scope.brand.id, iter(scope.new_ids(2 * len(going)))
    flights = []
    for row, parts in going:
        dispatch_id, attempt_id = next(ids), next(ids)
        message = message_of(
            lane.bound.impl,
            str(attempt_id),
            parts,
            brand_id,
            row.id,
            marketing=lane.marketing and row.recipient_kind == "member",
            member_id=row.recipient_id,
        )
        flights.append(Flight(row, dispatch_id, attempt_id, message))
    now, channel = scope.now, lane.bound.impl.key
    calls = [
        (brand_id, f.dispatch_id, f.delivery.id, channel, "in_flight", f.attempt_id, now) for f in flights
    ]
    bulk.insert(scope, Dispatch, _CALL, calls)
    keys = [(brand_id, f.attempt_id, f.dispatch_id, "in_flight", now) for f in flights]
    bulk.insert(scope, Attempt, _KEY, keys)
    return flights


def message_of(
    channel: Channel,
    key: str,
    parts: Parts,
    brand_id: int,
    delivery_id: int,
    *,
    marketing: bool,
    member_id: int | None = None,
) -> Message:
    """What the channel is handed: marketing carries the way out, the member's own page, and, where there is HTML, the
    picture that tells of an opening."""
    if not marketing:
        return Message(key, parts.to, parts.content)
    content = dict(parts.content)
    for field in channel.fields:
        if field.kind == "html" and content.get(field.key):
            picture = tokens.url("open", brand_id, delivery_id)
            content[field.key] += f'<img src="{picture}" width="1" height="1" alt="">'
    page = None if member_id is None else pages.url(brand_id, member_id)
    return Message(key, parts.to, content, tokens.url("unsubscribe", brand_id, delivery_id), page)


# -- what became of them -----------------------------------------------------------------------------------------------


def record(scope: Scope, lane: Lane, landed: Sequence[Landed]) -> None:
    """Write outcomes. Rows that are no longer ours (the lease ran out) go the way of late news: service.late."""
    groups: dict[tuple[Outcome | None, int], list[Flight]] = defaultdict(list)
    for one in landed:
        groups[one.outcome, one.flight.delivery.tries].append(one.flight)
    for (outcome, tries), flights in groups.items():
        end = ending(scope, outcome, tries)
        ids = [flight.delivery.id for flight in flights]
        values = {"b": scope.brand.id, "ids": ids, "token": lane.token, **end.row}
        ours = set(scope.session.scalars(_LAND, values))
        for flight in flights:
            if flight.delivery.id not in ours:
                log.warning("delivery %s was no longer ours when it came back", flight.delivery.id)
                service.late(
                    scope, lane.campaign_id, flight.delivery.id, flight.dispatch_id, end.row, end.attempt
                )
        _end_calls(scope, flights, end)


def _end_calls(scope: Scope, flights: Iterable[Flight], end: Ending) -> None:
    flights = list(flights)
    at = {"b": scope.brand.id, "at": scope.now}
    scope.session.execute(
        _END_DISPATCH,
        {**at, "ids": [f.dispatch_id for f in flights], "to": end.dispatch, "words": end.detail},
    )
    scope.session.execute(
        _END_ATTEMPT, {**at, "ids": [f.attempt_id for f in flights], "to": end.attempt, "why": end.reason}
    )


@dataclass(frozen=True, slots=True)
class Ending:
    """An outcome in the words of the three tables. row: the delivery's columns, as _LAND names them."""

    row: dict[str, Any]
    dispatch: str
    attempt: str
    reason: str | None
    detail: str | None


def ending(scope: Scope, outcome: Outcome | None, tries: int) -> Ending:
    """What an outcome means for a delivery that has been tried `tries` times before."""
    if outcome is None:
        return Ending(_row("queued", None, tries, scope.now), "waiting", "unsent", None, None)
    reason, detail = outcome.reason[:WORDS] or None, outcome.detail[:200] or None
    if outcome.state != "retry":
        return Ending(_row(outcome.state, reason if outcome.state != "sent" else None, tries + 1, None),
                      outcome.state, outcome.state, reason, detail)  # fmt: skip
    if outcome.halt:
        due = scope.now + timedelta(seconds=HALT_ASIDE)
        return Ending(_row("queued", reason, tries, due), "waiting", "halted", reason, detail)
    if tries >= len(BACKOFF):
        return Ending(_row("failed", reason, tries + 1, None), "failed", "retry", reason, detail)
    due = scope.now + timedelta(seconds=BACKOFF[tries])
    return Ending(_row("queued", reason, tries + 1, due), "waiting", "retry", reason, detail)


def _row(state: str, reason: str | None, tries: int, due: Any) -> dict[str, Any]:
    return {"to": state, "why": reason, "n": tries, "due": due}
