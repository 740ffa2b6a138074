"""A worker's loop over a campaign: turn, speak, turn, speak. Jobs and benchmarks call `drain`; nothing else sends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.exc import DBAPIError

from webapp.kernel import halt
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope
from webapp.outbox import queries, service, sources
from webapp.outbox.turn import IN_FLIGHT, Flight, Hand, Landed, Lane, Turn, turn
from webapp.plugin_api import Message, Outcome
from webapp.plugin_runtime import calls

log = logging.getLogger("regulars.outbox")

LEASE_MARGIN = 10  # seconds that a lease holds beyond one call of the channel
PAUSES = (
    5.0,
    15.0,
    60.0,
)  # seconds for which this process leaves a campaign alone whose service takes nothing

Send = Callable[[Message], Outcome]


@dataclass(slots=True)
class Drained:
    """What a run did. outcomes: by state (sent, failed, retry, unknown; unsent: put back). more: there is more to do now."""

    outcomes: dict[str, int] = field(default_factory=dict)
    left_out: int = 0
    more: bool = False

    def add(self, landed: Sequence[Landed]) -> None:
        for one in landed:
            word = one.outcome.state if one.outcome else "unsent"
            self.outcomes[word] = self.outcomes.get(word, 0) + 1


@dataclass(slots=True)
class _Quiet:
    """Campaigns that this process leaves alone for a while, because their service was down or their source raised."""

    until: dict[tuple[int, int], tuple[float, int]] = field(default_factory=dict)

    def now(self, key: tuple[int, int]) -> bool:
        return time.monotonic() < self.until.get(key, (0.0, 0))[0]

    def begin(self, key: tuple[int, int]) -> None:
        times = self.until.get(key, (0.0, 0))[1]
        self.until[key] = (time.monotonic() + PAUSES[min(times, len(PAUSES) - 1)], times + 1)

    def end(self, key: tuple[int, int]) -> None:
        self.until.pop(key, None)


_quiet = _Quiet()


def drain(db: Database, brand: BrandRef, campaign_id: int, *, seconds: float = 30.0) -> Drained:
    """Send what is due of a campaign for at most so many seconds (and the sub-batch at hand). Any number of workers may
    do so at once: they share the rows. Returns early when the process is asked to end, or the service takes nothing.
    """
    done = Drained()
    until = time.monotonic() + seconds
    key = (brand.id, campaign_id)
    lost, back = db.write(lambda scope: service.recover(scope, campaign_id), brand=brand)
    if lost or back:
        log.warning(
            "campaign %s: %d in flight with a worker that is gone, %d put back", campaign_id, lost, back
        )
    with db.read(brand=brand) as scope:
        found = sources.of(scope, campaign_id)
        bound = calls.channel(scope, found[1].channel) if found else None
    if found is None or found[1].state == "held":
        return done
    if found[1].state == "cancelled":
        while db.write(lambda scope: service.cancel_some(scope, campaign_id), brand=brand):
            if halt.asked():
                return done
        _wind_up(db, brand, campaign_id)
        return done
    if bound is None:
        log.warning("campaign %s: channel %s is off or gone; its rows wait", campaign_id, found[1].channel)
        return done
    if _quiet.now(key):
        return done
    lane = Lane(
        campaign_id,
        token=db.write(lambda scope: scope.new_id(), brand=brand),
        lease=timedelta(seconds=bound.impl.call_seconds + LEASE_MARGIN),
        bound=bound,
        marketing=found[1].purpose == "marketing",
    )
    try:
        with calls.speaking(bound) as send:
            _run(db, brand, lane, send, until, done)
    except Exception:
        _quiet.begin(key)
        raise
    if not done.more:
        _wind_up(db, brand, campaign_id)
    return done


def _run(db: Database, brand: BrandRef, lane: Lane, send: Send, until: float, done: Drained) -> None:
    key = (brand.id, lane.campaign_id)
    landed: list[Landed] = []
    hand, stop, size = Hand(), False, IN_FLIGHT
    while True:
        asked = time.monotonic()
        now = _turn(db, brand, lane, landed, hand, size, stop)
        done.add(landed)
        done.left_out += now.left_out
        hand = now.hand
        if not now.flights:
            if now.going and (hand.rows or now.left_out):
                landed = []
                continue
            done.more = stop and not _quiet.now(key)
            return
        began = time.monotonic()
        landed = speak(send, now.flights, lane, asked)
        size = fitting(landed, time.monotonic() - began)
        if any(one.outcome and one.outcome.halt for one in landed):
            _quiet.begin(key)
            stop = True
        elif any(one.outcome and one.outcome.state == "sent" for one in landed):
            _quiet.end(key)
        stop = stop or halt.asked() or time.monotonic() >= until


def speak(send: Send, flights: Sequence[Flight], lane: Lane, asked: float) -> list[Landed]:
    """Say them one by one, each only if it can end before the lease does (asked: when the lease was asked for, on the
    monotonic clock). What is not said certainly did not arrive."""
    ends = asked + lane.lease.total_seconds()
    landed: list[Landed] = []
    silent = False
    for flight in flights:
        silent = silent or halt.asked() or time.monotonic() + lane.bound.impl.call_seconds > ends
        outcome = None if silent else send(flight.message)
        silent = silent or bool(outcome and outcome.halt)
        landed.append(Landed(flight, outcome))
    return landed


def fitting(landed: Sequence[Landed], seconds: float) -> int:
    """How many to take off with next, so that all of them can be said within the lease: fewer with a slow service."""
    said = sum(one.outcome is not None for one in landed)
    pace = seconds / max(said, 1)
    return max(1, min(IN_FLIGHT, int(LEASE_MARGIN / 2 / max(pace, 0.001))))


def _turn(
    db: Database,
    brand: BrandRef,
    lane: Lane,
    landed: Sequence[Landed],
    hand: Hand,
    size: int,
    stop: bool,
) -> Turn:
    """One transaction. When outcomes wait to be written, a database that is away is asked again for as long as the lease
    holds: what was sent should not end as `unknown` for a restart of the server."""
    until = time.monotonic() + lane.lease.total_seconds()

    def unit(scope: Scope) -> Turn:
        return turn(scope, lane, landed, hand, size=size, stop=stop)

    while True:
        try:
            return db.write(unit, brand=brand)
        except DBAPIError as fault:
            if not landed or not fault.connection_invalidated or time.monotonic() >= until:
                raise
            log.warning("the database is away while outcomes wait to be written")
            halt.wait(0.5)
            if halt.asked():
                raise


def _wind_up(db: Database, brand: BrandRef, campaign_id: int) -> None:
    """Tell the source when nothing is left."""

    def unit(scope: Scope) -> None:
        found = sources.of(scope, campaign_id)
        if found is not None and not queries.left(scope, campaign_id):
            found[0].finished(scope, campaign_id)

    with db.read(brand=brand) as scope:
        if queries.left(scope, campaign_id):
            return
    db.write(unit, brand=brand)
