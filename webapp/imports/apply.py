"""From the stage into the shop, a small unit of work at a time. Resumable: the cursor is saved with each unit."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from webapp.brands import queries as brands
from webapp.imports import cells
from webapp.imports.models import Import
from webapp.imports.stage import Stage
from webapp.kernel.scope import Scope
from webapp.kernel.steps import Done, Next
from webapp.members import bulk as members
from webapp.members.bulk import MemberIn, Value
from webapp.orders import service as orders
from webapp.orders.service import OrderIn

START = {"row": 0, "created": 0, "updated": 0, "unchanged": 0}


class Pace:
    """How much goes into a unit, learnt from how long the last one took: a unit aims at AIM seconds of a quarter."""

    AIM = 0.09
    LEAST, MOST = 1_500, 20_000  # orders and lines; fewer would be all overhead

    def __init__(self, start: int = LEAST) -> None:
        self.size = start
        self._began = time.perf_counter()

    def begin(self) -> None:
        """A unit has begun (its lock is held)."""
        self._began = time.perf_counter()

    def ended(self, _cursor: Any = None) -> None:
        """It has been committed."""
        took = max(time.perf_counter() - self._began, 0.001)
        self.size = int(min(self.MOST, max(self.LEAST, self.size * min(1.6, max(0.25, self.AIM / took)))))


class OrdersStep:
    """Applies staged orders. Cursor: the last row applied, and counts."""

    QUERY = (
        "SELECT o.row, o.number, o.member, o.phone, o.store, o.at, o.day, o.gross, o.discount, o.paid, o.digest, "
        "l.body, coalesce(l.count, 0) FROM orders o LEFT JOIN line l ON l.number = o.number "
        "WHERE o.row > ? ORDER BY o.row, l.seq"
    )

    def __init__(self, stage: Stage, source: str, import_id: int) -> None:
        self._stage, self._source, self._import_id = stage, source, import_id
        self.pace = Pace()
        self._stores: dict[str, int] | None = None
        self._rows: Iterator[tuple[Any, ...]] = iter(())
        self._ahead: tuple[Any, ...] | None = None
        self._given: tuple[int, list[OrderIn], int] | None = None

    def __call__(self, scope: Scope, cursor: Any) -> Next | Done:
        """One unit."""
        self.pace.begin()
        if self._stores is None:
            self._stores = {store.code: store.id for store in brands.stores(scope)}
        batch, last = self._batch(cursor["row"])
        if not batch:
            return finish(scope, self._import_id, cursor)
        done = orders.record(scope, self._source, batch)
        return Next(
            {
                "row": last,
                "created": cursor["created"] + done.created,
                "updated": cursor["updated"] + done.updated,
                "unchanged": cursor["unchanged"] + done.unchanged,
                "lines": cursor.get("lines", 0) + done.lines,
            }
        )

    def _batch(self, after: int) -> tuple[list[OrderIn], int]:
        """Orders after a row, about pace.size orders and lines together."""
        if self._given is not None and self._given[0] == after:
            return self._given[1], self._given[2]
        if self._given is None or self._given[2] != after:
            self._rows = self._stage.ask(self.QUERY, (after,))
            self._ahead = next(self._rows, None)
        batch: list[OrderIn] = []
        last, weight, ahead = after, 0, self._ahead
        while ahead is not None and weight < self.pace.size:
            order = ahead
            weight += 3 + order[12]
            bodies = None if order[11] is None else [order[11]]
            while (ahead := next(self._rows, None)) is not None and ahead[0] == order[0]:
                assert bodies is not None
                bodies.append(ahead[11])
                weight += ahead[12]
            batch.append(self._order(order, None if bodies is None else "\n".join(bodies)))
            last = order[0]
        self._ahead, self._given = ahead, (after, batch, last)
        return batch, last

    def _order(self, row: tuple[Any, ...], lines: str | None) -> OrderIn:
        _, number, member, phone, store, at, day, gross, discount, paid, digest, *_ = row
        assert self._stores is not None
        return OrderIn(
            number,
            member,
            phone,
            self._stores[store] if store else None,
            datetime.fromisoformat(at) if at else None,
            date.fromisoformat(day) if day else None,
            gross,
            discount,
            paid,
            digest,
            lines,
        )


class MembersStep:
    """Applies staged members. Cursor: the last row applied, and counts."""

    QUERY = (
        "SELECT row, number, name, phone, email, birthday, gender, joined, store, consents, attributes "
        "FROM member WHERE row > ? ORDER BY row LIMIT ?"
    )

    def __init__(self, stage: Stage, source: str, import_id: int, kinds: dict[str, str]) -> None:
        self._stage, self._import_id, self._kinds = stage, import_id, kinds
        self._said_by = f"import:{source}"
        self.pace = Pace(100)
        self._stores: dict[str, int] | None = None
        self._attributes: dict[str, tuple[int, str]] = {}

    def __call__(self, scope: Scope, cursor: Any) -> Next | Done:
        """One unit."""
        self.pace.begin()
        if self._stores is None:
            self._attributes = members.define_attributes(scope, self._kinds)
            self._stores = {store.code: store.id for store in brands.stores(scope)}
        rows = list(self._stage.ask(self.QUERY, (cursor["row"], self.pace.size)))
        if not rows:
            return finish(scope, self._import_id, cursor)
        done = members.record(scope, self._said_by, [self._member(row) for row in rows])
        orders.join_waiting(scope, done.phone_holders)
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

    def _member(self, row: tuple[Any, ...]) -> MemberIn:
        _, number, name, phone, email, birthday, gender, joined, store, consents, attributes = row
        assert self._stores is not None
        own: dict[int, Value] = {}
        for key, text in json.loads(attributes).items():
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


def finish(scope: Scope, import_id: int, cursor: dict[str, Any]) -> Done:
    """All of it is in: say so in the import's row."""
    counts = {name: value for name, value in cursor.items() if name != "row"}
    row = scope.session.get_one(Import, (scope.brand.id, import_id))
    told = {name: value for name, value in counts.items() if isinstance(value, int)}
    scope.audit(f"import.{row.kind}", "import", import_id, **row.counts, **told)
    row.state, row.finished_at, row.counts = "done", scope.now, {**row.counts, **counts}
    return Done(counts)
