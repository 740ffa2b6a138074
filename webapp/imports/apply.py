"""From the stage into the shop, a small unit of work at a time. Resumable: the cursor is saved with each unit."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from webapp.brands import queries as brands
from webapp.brands.models import Store
from webapp.imports import cells
from webapp.imports.models import Import, ImportBefore, ImportMade
from webapp.imports.stage import Stage
from webapp.kernel import bulk
from webapp.kernel.model import Base
from webapp.kernel.scope import Scope
from webapp.kernel.steps import Done, Next
from webapp.members import attributes
from webapp.members import bulk as members
from webapp.members.bulk import Declared, MemberIn, Value
from webapp.members.models import ConsentNow, Member, MemberAttribute, MemberIdentity
from webapp.orders.waiting import join_waiting

if TYPE_CHECKING:
    from webapp.kernel.db import Database

START = {"row": 0, "created": 0, "updated": 0, "unchanged": 0}


class Pace:
    """How much goes into a unit, learnt from how long the last one took: a unit aims at AIM seconds of a quarter."""

    AIM = 0.1

    def __init__(self, least: int = 1500, most: int = 40_000) -> None:
        """In rows (orders and lines, or members). least: less would be all overhead; the first unit's size."""
        self.size, self._least, self._most = least, least, most

    def unit(self, scope: Scope) -> None:
        """A unit has begun (its lock is held); what it took is learnt when it has been committed."""
        began = time.perf_counter()
        scope.committed.append(lambda: self._took(max(time.perf_counter() - began, 0.001)))

    def _took(self, seconds: float) -> None:
        self.size = int(
            min(self._most, max(self._least, self.size * min(1.4, max(0.25, self.AIM / seconds))))
        )


class Census:
    """PostgreSQL: has what is `read` counted first if it never was, since every foreign key is looked up there, and what
    is written once there is as much new of it as was known: at a thousand rows, at thirty thousand, and so on."""

    def __init__(self, db: Database, read: Sequence[type[Base]], written: Sequence[type[Base]]) -> None:
        self._db, self._models = db, written
        bulk.analyse_unknown(db, *read)
        self._next = max(1000, bulk.believed(db, written[0]))
        self.taken = self._next > 1000
        """Is what is written known well enough for two units at once? One that reads all of a table is told in time."""

    def look(self, cursor: Any) -> None:
        """After a unit, with its cursor."""
        if cursor["created"] >= self._next:
            self._next, self.taken = cursor["created"] * 30, True
            bulk.analyse(self._db, *self._models)


class MembersStep:
    """Applies staged members. Cursor: the last row applied, and counts."""

    reads: tuple[type[Base], ...] = (Store,)
    writes: tuple[type[Base], ...] = (Member, MemberIdentity, ConsentNow, MemberAttribute)

    QUERY = (
        "SELECT row, number, name, phone, email, birthday, gender, joined, store, consents, attributes "
        "FROM member WHERE row > ? ORDER BY row LIMIT ?"
    )

    def __init__(
        self,
        stage: Stage,
        source: str,
        import_id: int,
        kinds: dict[str, str],
        declared: Declared | None = None,
    ) -> None:
        self._stage, self._import_id, self._kinds, self._declared = stage, import_id, kinds, declared
        self._said_by = f"import:{source}"
        self.pace = Pace(least=60)
        self._stores: dict[str, int] | None = None
        self._attributes: dict[str, tuple[int, str]] = {}

    def __call__(self, scope: Scope, cursor: Any) -> Next | Done:
        """One unit."""
        self.pace.unit(scope)
        if self._stores is None:
            self._attributes = attributes.define_attributes(scope, self._kinds)
            self._stores = {store.code: store.id for store in brands.stores(scope)}
        rows = list(self._stage.ask(self.QUERY, (cursor["row"], self.pace.size)))
        if not rows:
            return finish(scope, self._import_id, cursor)
        done = members.record(scope, self._said_by, [self._member(row) for row in rows], self._declared)
        waited: dict[int, str] = {}
        join_waiting(scope, done.phone_holders, waited)
        remember(scope, self._import_id, "member", done.first_id, done.last_id, done.before)
        remember(
            *(scope, self._import_id, "waited", 0, 0),
            {order_id: {"phone": phone} for order_id, phone in waited.items()},
        )
        return Next(
            {
                "row": rows[-1][0],
                "created": cursor["created"] + done.created,
                "updated": cursor["updated"] + done.updated,
                "unchanged": cursor["unchanged"] + done.unchanged,
                "kept_withdrawn": cursor.get("kept_withdrawn", 0) + done.kept_withdrawn,
                "phones_taken": (cursor.get("phones_taken", []) + done.phones_taken)[:100],
            }
        )

    def again(self) -> None:
        """The last unit failed because somebody wrote the same: what is stored is looked up in every unit anyway."""

    def close(self) -> None:
        """No unit follows."""

    def _member(self, row: tuple[Any, ...]) -> MemberIn:
        _, number, name, phone, email, birthday, gender, joined, store, consents, owned = row
        assert self._stores is not None
        own: dict[int, Value] = {}
        for key, text in json.loads(owned).items():
            id_, kind = self._attributes[key]
            own[id_] = Value(
                text,
                cells.number_of(text) if kind == "number" else None,
                cells.day_of(text) if kind == "date" else None,
            )
        return MemberIn(
            number,
            name or None,
            phone,
            email,
            date.fromisoformat(birthday) if birthday else None,
            gender,
            date.fromisoformat(joined) if joined else None,
            self._stores[store] if store else None,
            json.loads(consents),
            own,
        )


def remember(
    scope: Scope,
    import_id: int,
    kind: str,
    first_id: int,
    last_id: int,
    before: Mapping[int, dict[str, Any]],
) -> None:
    """In the unit that makes and changes rows: what is needed to undo it (undo.py)."""
    if first_id:
        scope.session.add(
            ImportMade(brand_id=scope.brand.id, import_id=import_id, first_id=first_id, last_id=last_id)
        )
    columns = ("brand_id", "import_id", "kind", "row_id", "before")
    rows = [(scope.brand.id, import_id, kind, row_id, was) for row_id, was in before.items()]
    bulk.insert(scope, ImportBefore, columns, rows)


def finish(scope: Scope, import_id: int, cursor: dict[str, Any]) -> Done:
    """All of it is in: say so in the import's row."""
    counts = {name: value for name, value in cursor.items() if name != "row"}
    row = scope.session.get_one(Import, (scope.brand.id, import_id))
    told = {name: value for name, value in counts.items() if isinstance(value, int)}
    scope.audit(f"import.{row.kind}", "import", import_id, **row.counts, **told)
    row.state, row.finished_at, row.counts = "done", scope.now, {**row.counts, **counts}
    return Done(counts)
