"""Undoing a whole import, while nothing has been built on it; in steps that can be taken up again.

What may have been built on a member or an order is every row of any room that refers to it: a room that is added needs no
word here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, func, not_, or_, select, update

from webapp.catalogue.models import MemberHabit
from webapp.imports.models import Import, ImportBefore, ImportMade
from webapp.kernel import bulk
from webapp.kernel.errors import NotFound, Refused
from webapp.kernel.model import Base
from webapp.kernel.scope import Scope
from webapp.kernel.steps import Done, Next
from webapp.lifecycle.models import MemberStage, StageChange
from webapp.members import undo as members
from webapp.members.models import Consent, Member
from webapp.orders import undo as orders
from webapp.orders.models import Order

DAYS = timedelta(days=30)  # for so long what stood before is kept, and an import can be undone
# Worked out from facts; goes with the member.
DERIVED: tuple[type[Base], ...] = (MemberStage, StageChange, MemberHabit)
_OURS = {"member", "orders", "order_line", "import_made", "import_before"}
_OURS |= {model.__tablename__ for model in (*members.OWN, *DERIVED)}
START = {"first": 0, "after": 0, "removed": 0, "restored": 0, "kept": 0}
BATCH = {"members": 80, "orders": 250}


def ask(scope: Scope, import_id: int) -> Refused | None:
    """Begin to undo; if somebody else has begun, it goes on. Raises NotFound. Refusals: not_done, too_late."""
    row = scope.session.get(Import, (scope.brand.id, import_id))
    if row is None:
        raise NotFound(f"import {import_id}")
    if row.state in ("undoing", "undone"):
        return None
    if not possible(row, scope.now):
        return Refused("too_late" if row.state == "done" else "not_done")
    moved: Any = scope.session.execute(
        update(Import)
        .where(Import.brand_id == scope.brand.id, Import.id == import_id, Import.state == "done")
        .values(
            state="undoing",
            told={**(row.told or {}), "undo": None, "undo_begun": False},
            progress={"at": scope.now.isoformat()},
        )
    )
    if not moved.rowcount:  # in the same moment
        return None
    scope.audit("import.undo", "import", import_id)
    # what was checked beside what goes now is to be checked again
    checked = (Import.brand_id == scope.brand.id, Import.state == "checked")
    scope.session.execute(update(Import).where(*checked).values(state="uploaded", stage=""))
    scope.ring("imports.undo", brand_id=scope.brand.id, import_id=import_id)
    return None


def possible(row: Import, now: datetime) -> bool:
    """May it be tried?"""
    return row.state == "done" and row.finished_at is not None and now - row.finished_at < DAYS


# --- what has been built on it --------------------------------------------------------------------------------------


def built(scope: Scope, row: Import) -> dict[str, int]:
    """What stands in the way: name of a table (or "corrected", "consent") -> how many rows."""
    found: dict[str, int] = {}

    def add(name: str, count: int | None) -> None:
        if count:
            found[name] = found.get(name, 0) + count

    made = scope.session.execute(
        select(ImportMade.first_id, ImportMade.last_id)
        .where(ImportMade.brand_id == scope.brand.id, ImportMade.import_id == row.id)
        .order_by(ImportMade.first_id)
    ).all()
    for first, last in made:
        for table, condition in _builders(scope, row, first, last):
            add(table.name, scope.session.scalar(select(func.count()).select_from(table).where(condition)))
        if row.kind == "members":
            these = (Member.brand_id == scope.brand.id, Member.id.between(first, last))
            corrected = select(func.count()).where(*these, Member.updated_at != Member.created_at)
            add("corrected", scope.session.scalar(corrected))
            add("consent", scope.session.scalar(select(func.count()).where(_answered(scope, first, last))))
    for kind, before in _before(scope, row.id):
        if kind == "member":
            add("corrected", len(members.changed_since(scope, before)))
            add("delivery", _written_to(scope, before))
        elif kind == "order":
            now = scope.session.scalars(
                select(Order).where(Order.brand_id == scope.brand.id, bulk.among(Order.id, list(before)))
            )
            add("corrected_orders", sum(not orders.unchanged(order, before[order.id]) for order in now))
    return found


def _answered(scope: Scope, first: int, last: int) -> ColumnElement[bool]:
    """Members who have answered about consent by other ways than files."""
    own = or_(Consent.source.startswith("import:"), Consent.source.startswith("declared:"))
    return and_(Consent.brand_id == scope.brand.id, Consent.member_id.between(first, last), not_(own))


def _builders(
    scope: Scope, row: Import, first: int, last: int
) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """(table, condition) of everything that refers to what was made between two ids."""
    target = "member" if row.kind == "members" else "orders"
    for table in Base.metadata.sorted_tables:
        if "brand_id" not in table.c or (
            table.name in _OURS and (target, table.name) != ("member", "orders")
        ):
            continue
        if columns := _referring(table, target):
            either = or_(*(table.c[name].between(first, last) for name in columns))
            condition = and_(table.c.brand_id == scope.brand.id, either)
            if table.name == "orders":
                condition = and_(condition, Order.id.not_in(_waited(scope, row.id)))
            yield table, condition


def _referring(table: Table, target: str) -> list[str]:
    found = {
        key.column_keys[-1] for key in table.foreign_key_constraints if key.referred_table.name == target
    }
    named = ("member_id", "person_id") if target == "member" else ("order_id",)
    found |= {name for name in named if name in table.c}
    if table.name == "delivery" and target == "member":
        found.add("recipient_id")
    return sorted(found)


def _waited(scope: Scope, import_id: int) -> Any:
    return select(ImportBefore.row_id).where(
        ImportBefore.brand_id == scope.brand.id,
        ImportBefore.import_id == import_id,
        ImportBefore.kind == "waited",
    )


def _written_to(scope: Scope, before: dict[int, dict[str, Any]]) -> int:
    """How many were written to since the file said that they agree."""
    agreed = {id_: datetime.fromisoformat(was["at"]) for id_, was in before.items() if was["said"]}
    delivery = Base.metadata.tables.get("delivery")
    if not agreed or delivery is None:
        return 0
    rows = scope.session.execute(
        select(delivery.c.recipient_id, delivery.c.id).where(
            delivery.c.brand_id == scope.brand.id,
            delivery.c.recipient_kind == "member",
            bulk.among(delivery.c.recipient_id, list(agreed)),
        )
    )
    # ids rise with time: what is newer than the answers of the file came after it
    last = {id_: max(was["said"]) for id_, was in before.items() if was["said"]}
    return len({recipient for recipient, id_ in rows if id_ > last[recipient]})


def _before(scope: Scope, import_id: int) -> Iterator[tuple[str, dict[int, dict[str, Any]]]]:
    """(kind, row -> what it was), a batch at a time."""
    for kind in ("member", "order"):
        after = 0
        while True:
            rows = scope.session.execute(
                select(ImportBefore.row_id, ImportBefore.before)
                .where(
                    ImportBefore.brand_id == scope.brand.id,
                    ImportBefore.import_id == import_id,
                    ImportBefore.kind == kind,
                    ImportBefore.row_id > after,
                )
                .order_by(ImportBefore.row_id)
                .limit(500)
            ).all()
            if not rows:
                break
            yield kind, dict(rows)
            after = rows[-1][0]


# --- the steps ------------------------------------------------------------------------------------------------------


class UndoStep:
    """Takes back what was changed, then what was made. Cursor: how far the removing has come, and counts."""

    def __init__(self, import_id: int) -> None:
        self._import_id = import_id

    def __call__(self, scope: Scope, cursor: Any) -> Next | Done:
        """One unit."""
        row = scope.session.get_one(Import, (scope.brand.id, self._import_id))
        if (changed := self._restore(scope, row)) is not None:
            restored, kept = changed
            return Next(cursor | {"restored": cursor["restored"] + restored, "kept": cursor["kept"] + kept})
        made = scope.session.scalars(
            select(ImportMade)
            .where(ImportMade.brand_id == scope.brand.id, ImportMade.import_id == row.id)
            .order_by(ImportMade.first_id)
            .limit(1)
        ).one_or_none()
        if made is None:
            return self._finish(scope, row, cursor)
        after = cursor["after"] if cursor["first"] == made.first_id else made.first_id - 1
        model: Any = Member if row.kind == "members" else Order
        ids = scope.session.scalars(
            select(model.id)
            .where(model.brand_id == scope.brand.id, model.id > after, model.id <= made.last_id)
            .order_by(model.id)
            .limit(BATCH[row.kind])
        ).all()
        if not ids:
            scope.session.delete(made)
            return Next(cursor)
        blocked = self._blocked(scope, row, ids)
        free = [id_ for id_ in ids if id_ not in blocked]
        gone = members.remove(scope, free, DERIVED) if row.kind == "members" else orders.remove(scope, free)
        return Next(
            cursor
            | {"first": made.first_id, "after": ids[-1]}
            | {"removed": cursor["removed"] + gone, "kept": cursor["kept"] + len(blocked)}
        )

    def _blocked(self, scope: Scope, row: Import, ids: Sequence[int]) -> set[int]:
        """What somebody has begun to build on in the same moment stays."""
        found: set[int] = set()
        target = "member" if row.kind == "members" else "orders"
        for table, condition in _builders(scope, row, ids[0], ids[-1]):
            names = _referring(table, target)
            for values in scope.session.execute(select(*(table.c[name] for name in names)).where(condition)):
                found.update(values)
        return found.intersection(ids)

    def _restore(self, scope: Scope, row: Import) -> tuple[int, int] | None:
        """A batch of what was changed, back as it was: (restored, left as they are); None when all is."""
        rows = scope.session.scalars(
            select(ImportBefore)
            .where(ImportBefore.brand_id == scope.brand.id, ImportBefore.import_id == row.id)
            .order_by(ImportBefore.kind.desc(), ImportBefore.row_id)
            .limit(BATCH[row.kind])
        ).all()
        if not rows:
            return None
        kind = rows[0].kind
        before = {one.row_id: one.before for one in rows if one.kind == kind}
        if kind == "waited":
            orders.wait_again(scope, {order_id: was["phone"] for order_id, was in before.items()})
            done = len(before)
        elif kind == "member":
            done = members.restore(scope, before)
        else:
            done = orders.restore(scope, before)
        scope.session.execute(
            delete(ImportBefore)
            .where(
                ImportBefore.brand_id == scope.brand.id,
                ImportBefore.import_id == row.id,
                ImportBefore.kind == kind,
                bulk.among(ImportBefore.row_id, list(before)),
            )
            .execution_options(synchronize_session=False)
        )
        return (0, 0) if kind == "waited" else (done, len(before) - done)

    def _finish(self, scope: Scope, row: Import, cursor: Any) -> Done:
        counts = {name: cursor[name] for name in ("removed", "restored", "kept")}
        row.state, row.told = "undone", {**(row.told or {}), "undone": counts}
        scope.audit("import.undone", "import", row.id, **counts)
        return Done(counts)
