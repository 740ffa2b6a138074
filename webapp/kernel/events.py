"""Events as rows: one for each subscriber, in the transaction of the change; delivered at least once, then parked.

Nobody subscribed, no row. Bulk work emits one event a chunk, with ids in its payload.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Index, Integer, String, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel import clock, halt
from webapp.kernel.doorbell import job, sweep
from webapp.kernel.model import Base, BrandRow
from webapp.kernel.scope import Ring, Scope
from webapp.kernel.types import JsonValue, UtcDateTime

if TYPE_CHECKING:
    from webapp.kernel.db import Database

log = logging.getLogger("regulars.events")
Subscriber = Callable[[Scope, dict[str, Any]], None]
SUBSCRIBERS: dict[str, dict[str, Subscriber]] = {}
PARK_AFTER = 6


class Event(BrandRow, Base):
    """One event for one subscriber; the row goes when it was delivered. Parked: shown to the operator, not retried."""

    __tablename__ = "event"
    __table_args__ = (Index(None, "next_at"),)

    subscriber: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(60))
    payload: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # None: parked
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    error: Mapped[str | None] = mapped_column(String(300))


def on(name: str, subscriber: str) -> Callable[[Subscriber], Subscriber]:
    """Subscribe `fn(scope, payload)` under a unique subscriber name. It runs in a unit of its own, at least once."""

    def register(fn: Subscriber) -> Subscriber:
        if SUBSCRIBERS.setdefault(name, {}).setdefault(subscriber, fn) is not fn:
            raise RuntimeError(f"two subscribers are called {subscriber!r}")
        return fn

    return register


def emit(scope: Scope, name: str, payload: dict[str, Any]) -> None:
    """Write one row for each subscriber of `name` and ring for their delivery."""
    for subscriber in SUBSCRIBERS.get(name, {}):
        scope.session.add(
            Event(
                brand_id=scope.brand.id,
                id=scope.new_id(),
                subscriber=subscriber,
                name=name,
                payload=payload,
                created_at=scope.now,
                next_at=scope.now,
                attempts=0,
            )
        )
        scope.ring("events.deliver", brand_id=scope.brand.id)


@job("events.deliver")
def deliver(db: Database, brand_id: int) -> int:
    """Deliver what is due for a brand, oldest first, each in its own unit. Returns how many were delivered."""
    brand, done = db.brand(brand_id), 0
    while True:
        with db.read(brand=brand) as scope:
            ids = scope.session.scalars(
                select(Event.id)
                .where(Event.brand_id == brand_id, Event.next_at <= scope.now)
                .order_by(Event.next_at, Event.id)
                .limit(100)
            ).all()
        for event_id in ids:
            if halt.asked():
                return done
            done += _deliver_one(db, brand_id, event_id)
        if len(ids) < 100:
            return done


def _deliver_one(db: Database, brand_id: int, event_id: int) -> int:
    brand = db.brand(brand_id)
    where = (Event.brand_id == brand_id, Event.id == event_id)

    def unit(scope: Scope) -> int:
        taken = scope.session.execute(
            delete(Event)
            .where(*where, Event.next_at <= scope.now)
            .returning(Event.name, Event.subscriber, Event.payload)
        ).one_or_none()
        if taken is None:  # another worker was first
            return 0
        SUBSCRIBERS[taken.name][taken.subscriber](scope, taken.payload)
        return 1

    try:
        return db.write(unit, brand=brand)
    except Exception as fault:
        log.exception("event %s of brand %s failed", event_id, brand_id)
        why = type(fault).__name__

        def later(scope: Scope) -> None:
            row = scope.session.get(Event, (brand_id, event_id))
            if row is None:
                return
            attempts = row.attempts + 1
            pause = None if attempts >= PARK_AFTER else scope.now + timedelta(seconds=5 * 4**attempts)
            scope.session.execute(
                update(Event).where(*where).values(attempts=attempts, next_at=pause, error=why[:300])
            )

        db.write(later, brand=brand)
        return 0


@sweep("events")
def due(db: Database) -> list[Ring]:
    """Brands with events that nobody has delivered."""
    with db.read() as scope:
        rows = scope.session.scalars(
            select(Event.brand_id).where(Event.next_at <= clock.now()).distinct()
        ).all()
    return [Ring("events.deliver", {"brand_id": brand_id}) for brand_id in rows]
