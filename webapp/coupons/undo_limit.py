"""Until when the use of a coupon can be undone, as the brand says: by a clerk, and by whoever oversees the counter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, cast

from sqlalchemy import update

from webapp.coupons.models_counter import UndoLimit
from webapp.kernel import clock
from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.scope import Scope

MOST_HOURS = 720
MOST_DAYS = 3650

Clerk = Literal["day", "hours", "never"]


@dataclass(frozen=True, slots=True)
class Limit:
    """As UndoLimit."""

    clerk: Clerk = "day"
    hours: int | None = None
    manager_days: int | None = None

    def clerk_until(self, used_at: datetime, used_on: date, zone: str) -> datetime:
        """The first moment at which a clerk cannot undo it any more. Hours are hours, whatever the clocks do meanwhile; a
        day ends at the brand's midnight."""
        if self.clerk == "day":
            return clock.day_starts(used_on + timedelta(days=1), zone)
        return used_at + timedelta(hours=self.hours or 0 if self.clerk == "hours" else 0)

    def manager_until(self, used_on: date, zone: str) -> datetime | None:
        """The same for whoever oversees the counter; None: there is no such moment."""
        if self.manager_days is None:
            return None
        return clock.day_starts(used_on + timedelta(days=self.manager_days + 1), zone)


USUAL = Limit()


def of(scope: Scope) -> Limit:
    """What the brand says."""
    row = scope.session.get(UndoLimit, scope.brand.id)
    return USUAL if row is None else Limit(cast(Clerk, row.clerk), row.hours, row.manager_days)


def keep(scope: Scope, limit: Limit) -> None:
    """It holds from now on, for what was used before too. Raises ValueError for one that cannot be."""
    hours = 1 <= (limit.hours or 0) <= MOST_HOURS if limit.clerk == "hours" else limit.hours is None
    days = limit.manager_days is None or 0 <= limit.manager_days <= MOST_DAYS
    if limit.clerk not in ("day", "hours", "never") or not hours or not days:
        raise ValueError(f"no such limit: {limit}")
    said: dict[str, Any] = {"clerk": limit.clerk, "hours": limit.hours, "manager_days": limit.manager_days}
    scope.session.execute(insert_or_ignore(scope, UndoLimit).values(brand_id=scope.brand.id, **said))
    scope.session.execute(update(UndoLimit).where(UndoLimit.brand_id == scope.brand.id).values(**said))
    scope.audit("counter.undo_limit", "brand", scope.brand.id, clerk=limit.clerk, hours=limit.hours, days=limit.manager_days)  # fmt: skip
