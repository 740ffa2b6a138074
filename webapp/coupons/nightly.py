"""The nightly look at what coupons promise: when it is due, and what came of it. Its beginning and its outcome are
entries of the audit; the local day stands in them as the subject's id, so that the newest is found at once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, select

from webapp.coupons import auditing
from webapp.coupons.models import Coupon
from webapp.kernel import halt
from webapp.kernel.audit import Audit
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef, Scope

log = logging.getLogger("regulars.coupons")

HOUR = 4  # of the brand's day, from which on it is due: after the backup, before the shop opens
LONG = timedelta(hours=1)  # after which one that has not ended was killed
VERB, SUBJECT = "coupon.audit", "coupons"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the newest look found. broken: promise -> how many rows; failed: it did not come to its end, the log says why."""

    at: datetime
    broken: dict[str, int]
    examples: dict[str, list[int]]
    failed: bool


def due(scope: Scope, brand: BrandRef) -> bool:
    """It is time, none has been made on this local day, and there is a coupon to look at."""
    local = scope.now.astimezone(ZoneInfo(brand.timezone))
    if local.hour < HOUR:
        return False
    made = exists().where(*_entries(brand.id), Audit.subject_id == day_number(local.date()))
    given = exists().where(Coupon.brand_id == brand.id)
    return bool(scope.session.scalar(select(given & ~made)))


def claim(scope: Scope) -> bool:
    """Take the turn of this local day, if it is due. One that is killed is not begun anew until the next."""
    if not due(scope, scope.brand):
        return False
    _keep(scope, [], done=False)
    return True


def run(db: Database, brand: BrandRef) -> list[auditing.Finding]:
    """Look, and keep what was found."""
    found = auditing.check(db, brand)
    if not halt.asked():
        db.write(lambda scope: _keep(scope, found, done=True), brand=brand)
    for one in found:
        if one.broken:
            log.error(
                "coupons of %s: %s: %d; %s", brand.code, one.promise.key, one.broken, list(one.examples)
            )
    return found


def last(scope: Scope) -> Outcome | None:
    """The newest outcome; None before the first. One that was begun long ago and never ended has failed."""
    entries = scope.session.scalars(
        select(Audit)
        .where(*_entries(scope.brand.id))
        .order_by(Audit.subject_id.desc(), Audit.at.desc(), Audit.id.desc())
        .limit(3)
    )
    for entry in entries:
        detail = entry.detail
        if detail["done"] or scope.now - entry.at > LONG:
            return Outcome(entry.at, detail["broken"], detail["examples"], failed=not detail["done"])
    return None


def _entries(brand_id: int) -> tuple[ColumnElement[bool], ...]:
    return Audit.brand_id == brand_id, Audit.subject == SUBJECT, Audit.verb == VERB


def _keep(scope: Scope, found: list[auditing.Finding], *, done: bool) -> None:
    broken = [one for one in found if one.broken]
    scope.audit(
        VERB,
        SUBJECT,
        day_number(scope.today),
        broken={one.promise.key: one.broken for one in broken},
        examples={one.promise.key: list(one.examples) for one in broken},
        done=done,
    )


def day_number(day: date) -> int:
    """A local day as the id of a subject."""
    return day.toordinal()
