"""Who gets a new member: one guide or the store's in turn, within their limits, else the stand-in, else nobody.

Limits are kept by the database: a conditional upsert of the guide's day. A unit that has counted a guide waits for no other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from webapp.kernel import reach
from webapp.kernel.bulk import is_sqlite
from webapp.kernel.scope import Scope
from webapp.staff import queries as staff
from webapp.staff.permissions import ROLES
from webapp.touchpoints.models import GuideDay, GuideDuty, Touchpoint

SERVING = ("none", "one", "turn")
IN_TURN = "guide"  # the role whose people take new members in turn
MOST_A_DAY = 1000


@dataclass(frozen=True, slots=True)
class Guide:
    """A colleague: may bring members in, and, with a role that does tasks, look after them. stores: None for all; per_day:
    None for any number."""

    staff_id: int
    name: str
    role: str
    stores: frozenset[int] | None
    per_day: int | None
    away_until: date | None
    taken: int = 0

    @property
    def serves(self) -> bool:
        """May they be given members? Who does no tasks has nothing to do for them."""
        return "tasks.do" in ROLES.get(self.role, frozenset())

    def here(self, today: date) -> bool:
        """Not away today."""
        return self.away_until is None or self.away_until < today

    def in_store(self, store_id: int | None) -> bool:
        """Does their work reach this store?"""
        return self.stores is None or store_id in self.stores


def everybody(scope: Scope) -> dict[int, Guide]:
    """Who works for the brand now and could be assigned, by account, those with the role of a guide first."""
    duties = {
        row.staff_id: row
        for row in scope.session.scalars(select(GuideDuty).where(GuideDuty.brand_id == scope.brand.id))
    }
    today = select(GuideDay.staff_id, GuideDay.taken).where(
        GuideDay.brand_id == scope.brand.id, GuideDay.day == scope.today
    )
    taken = {row.staff_id: row.taken for row in scope.session.execute(today)}
    found: dict[int, Guide] = {}
    rows = [(one, role) for one, role in staff.of_brand(scope) if one.active]
    stores = staff.stores_of_all(scope, [role for _one, role in rows])
    for one, role in sorted(rows, key=lambda pair: (pair[1].role != IN_TURN, pair[0].name, pair[0].id)):
        duty = duties.get(one.id)
        found[one.id] = Guide(
            one.id,
            one.name or one.email,
            role.role,
            stores[role.id],
            duty.per_day if duty else None,
            duty.away_until if duty else None,
            taken.get(one.id, 0),
        )
    return found


def choosable(scope: Scope) -> dict[int, Guide]:
    """Those of them whom the actor may choose: colleagues with a store in common, and themselves."""
    return {
        id_: one
        for id_, one in everybody(scope).items()
        if id_ == scope.actor.id or reach.shares(scope, one.stores)
    }


def pick(scope: Scope, chosen: Collection[int | None], *, serve: bool = False) -> list[tuple[int, str]]:
    """(account, name) to choose from, and who is chosen now, whoever that is. serve: only those who may be given members."""
    there = {id_: one.name for id_, one in choosable(scope).items() if one.serves or not serve}
    return list(
        (there | {id_: name for id_, name in names(scope, chosen).items() if id_ not in there}).items()
    )


def on_duty(scope: Scope) -> list[Guide]:
    """Whose limits and absence count, within the actor's stores: the guides, who take new members in turn, and whoever of the
    others a code names, if they may serve at all."""
    named = set[int | None]()
    for row in scope.session.execute(
        select(Touchpoint.serves_id, Touchpoint.standin_id).where(
            Touchpoint.brand_id == scope.brand.id, Touchpoint.active.is_(True)
        )
    ):
        named.update(row)
    return [
        one
        for one in everybody(scope).values()
        if one.serves and reach.shares(scope, one.stores) and (one.role == IN_TURN or one.staff_id in named)
    ]


def set_duty(scope: Scope, staff_id: int, per_day: int | None, away_until: date | None) -> bool:
    """Store a guide's limit and absence. True when it changed."""
    duty = scope.session.get(GuideDuty, (scope.brand.id, staff_id))
    if duty is None:
        if per_day is None and away_until is None:
            return False
        duty = GuideDuty(brand_id=scope.brand.id, staff_id=staff_id)
        scope.session.add(duty)
    elif (duty.per_day, duty.away_until) == (per_day, away_until):
        return False
    duty.per_day, duty.away_until = per_day, away_until
    scope.session.flush()
    scope.audit(
        "guide.duty",
        "staff",
        staff_id,
        per_day=per_day,
        away_until=away_until.isoformat() if away_until else None,
    )
    return True


def choose(scope: Scope, touchpoint: Touchpoint) -> int | None:
    """The account that gets the next member of this code, counted for today; None: nobody."""
    if touchpoint.serving == "none":
        return None
    there = everybody(scope)
    if touchpoint.serving == "one":
        first = [touchpoint.serves_id] if touchpoint.serves_id else []
    else:
        first = _in_turn(scope, touchpoint, there)
    for staff_id in [*first, *([touchpoint.standin_id] if touchpoint.standin_id else [])]:
        guide = there.get(staff_id)
        if guide is not None and guide.serves and guide.here(scope.today) and _take(scope, guide):
            return staff_id
    return None


def _in_turn(scope: Scope, touchpoint: Touchpoint, there: dict[int, Guide]) -> list[int]:
    """The store's guides who are here, beginning with the one whose turn it is. Holds the code's row until the unit ends."""
    turn = scope.session.scalar(
        update(Touchpoint)
        .where(Touchpoint.brand_id == scope.brand.id, Touchpoint.id == touchpoint.id)
        .values(turn=Touchpoint.turn + 1)
        .returning(Touchpoint.turn)
        .execution_options(synchronize_session=False)
    )
    ids = sorted(
        guide.staff_id
        for guide in there.values()
        if guide.role == IN_TURN and guide.in_store(touchpoint.store_id) and guide.here(scope.today)
    )
    if not ids:
        return []
    start = (int(turn or 1) - 1) % len(ids)
    return ids[start:] + ids[:start]


def _take(scope: Scope, guide: Guide) -> bool:
    """Count one more today, if the limit allows it."""
    if guide.per_day is not None and guide.per_day < 1:
        return False
    insert: Any = sqlite.insert if is_sqlite(scope) else postgresql.insert
    statement = insert(GuideDay).values(
        brand_id=scope.brand.id, staff_id=guide.staff_id, day=scope.today, taken=1
    )
    counted = scope.session.scalar(
        statement.on_conflict_do_update(
            index_elements=["brand_id", "staff_id", "day"],
            set_={"taken": GuideDay.taken + 1},
            where=None if guide.per_day is None else GuideDay.taken < guide.per_day,
        )
        .returning(GuideDay.taken)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return counted is not None


def names(scope: Scope, staff_ids: Collection[int | None]) -> dict[int, str]:
    """Account -> name, also of those who have left."""
    from webapp.staff.models import Staff

    wanted = sorted({id_ for id_ in staff_ids if id_})
    rows = scope.session.execute(select(Staff.id, Staff.name, Staff.email).where(Staff.id.in_(wanted)))
    return {id_: name or email for id_, name, email in rows}
