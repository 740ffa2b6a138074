"""Laying a day's reminders: one delivery a person, and a row for each coupon that it names.

A unit's rows come and go together, and both have unique keys: laying that is killed, or done twice, or by two at a time,
names each coupon once. Whether they may be written to is looked at when the message goes out (source.py), in one place.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update

from webapp.kernel import halt
from webapp.kernel.bulk import among
from webapp.kernel.db import Database
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import BrandRef, Scope
from webapp.outbox import reaching
from webapp.outbox import service as outbox
from webapp.outbox.models import Delivery
from webapp.outbox.service import Promise
from webapp.reminders import queries
from webapp.reminders.models import RemindedCoupon, ReminderRun

CHUNK = 100  # people a unit


def lay(db: Database, brand: BrandRef) -> int | None:
    """Lay this day's reminders, as far as they are not laid. Returns how many people are new; None: nothing is owed now.
    Safe to call at any time, by anyone, as often as they like."""
    run_id = db.write(begin, brand=brand)
    if run_id is None:
        return None
    after, laid = 0, 0
    while not halt.asked():
        with db.read(brand=brand) as scope:
            some = queries.people(scope, after, CHUNK)
        if not some:
            db.write(lambda scope: _laid(scope, run_id), brand=brand)
            break
        laid += db.write(lambda scope, some=some: lay_some(scope, run_id, some), brand=brand)  # type: ignore[misc]
        after = some[-1]
    return laid


def begin(scope: Scope) -> int | None:
    """This day's run, made if need be; None where nothing is owed, it is not the hour, or nothing can be written with."""
    if not queries.is_time(scope, scope.brand) or not queries.owed(scope, scope.brand, scope.today):
        return None
    # What a day before was laid and never finished goes out now; the rest of it is found anew (queries.LATE).
    scope.session.execute(
        update(ReminderRun)
        .where(
            ReminderRun.brand_id == scope.brand.id,
            ReminderRun.state == "laying",
            ReminderRun.made_on < scope.today,
        )
        .values(state="sending")
        .execution_options(synchronize_session=False)
    )
    over = next((bound.impl.key for bound in reaching.ready(scope)), "")
    scope.session.execute(
        insert_or_ignore(scope, ReminderRun).values(
            brand_id=scope.brand.id,
            id=scope.new_id(),
            made_on=scope.today,
            channel=over,
            state="laying" if over else "done",
            begun_at=scope.now,
        )
    )
    found = queries.run_of(scope, scope.today)
    return None if found is None or found.state != "laying" else found.id


def lay_some(scope: Scope, run_id: int, person_ids: Sequence[int]) -> int:
    """One chunk. The run's row is held, so that two who lay at a time do so one after the other. Returns how many people
    are new."""
    run = queries.run(scope, run_id, hold=True)
    if run is None or run.state != "laying":
        return 0
    due = queries.due(scope, person_ids)
    people = list(dict.fromkeys(one.person_id for one in due))
    new = outbox.lay(scope, run_id, [Promise(person_id, person_id) for person_id in people])
    laid = scope.session.execute(
        select(Delivery.recipient_id, Delivery.id).where(
            Delivery.brand_id == scope.brand.id,
            Delivery.campaign_id == run_id,
            Delivery.recipient_kind == "member",
            among(Delivery.recipient_id, people),
            Delivery.state == "queued",  # nobody sends before all is laid
        )
    )
    delivery = {row.recipient_id: row.id for row in laid}
    rows = [
        {"brand_id": scope.brand.id, "coupon_id": one.id, "delivery_id": delivery[one.person_id]}
        for one in due
        if one.person_id in delivery
    ]
    if rows:
        scope.session.execute(insert_or_ignore(scope, RemindedCoupon), rows)
    return new


def _laid(scope: Scope, run_id: int) -> None:
    """All are laid: they go out from now on."""
    scope.session.execute(
        update(ReminderRun)
        .where(
            ReminderRun.brand_id == scope.brand.id, ReminderRun.id == run_id, ReminderRun.state == "laying"
        )
        .values(state="sending")
        .execution_options(synchronize_session=False)
    )
    scope.ring("outbox.drain", brand_id=scope.brand.id, campaign_id=run_id)
