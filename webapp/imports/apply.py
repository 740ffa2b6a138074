"""From the stage into the shop, a small unit of work at a time. Resumable: the cursor is saved with each unit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from webapp.brands import queries as brands
from webapp.imports import cells, lines_in
from webapp.imports.models import Import
from webapp.imports.stage import Stage
from webapp.kernel import bulk
from webapp.kernel.scope import Scope
from webapp.kernel.steps import Done, Next
from webapp.members import bulk as members
from webapp.members.bulk import MemberIn, Value
from webapp.orders import service as orders
from webapp.orders.models import OrderLine
from webapp.orders.service import OrderIn

START = {"row": 0, "created": 0, "updated": 0, "unchanged": 0}


class Pace:
    """How much goes into a unit, learnt from how long the last one took: a unit aims at AIM seconds of a quarter."""

    AIM = 0.1

    def __init__(self, least: int = 1500, most: int = 20_000) -> None:
        """In rows (orders and lines, or members). least: less would be all overhead; the first unit's size."""
        self.size, self._least, self._most = least, least, most
        self._began = time.perf_counter()

    def begin(self) -> None:
        """A unit has begun (its lock is held)."""
        self._began = time.perf_counter()

    def ended(self, _cursor: Any = None) -> None:
        """It has been committed."""
        took = max(time.perf_counter() - self._began, 0.001)
        self.size = int(min(self._most, max(self._least, self.size * min(1.6, max(0.25, self.AIM / took)))))


class OrdersStep:
    """Applies staged orders. Cursor: the last row applied, and counts."""

    QUERY = (
        "SELECT o.row, o.number, o.member, o.phone, o.store, o.at, o.day, o.gross, o.discount, o.paid, o.digest, "
        "g.digest, g.first, g.count FROM orders o LEFT JOIN line_group g ON g.number = o.number "
        "WHERE o.row > ? ORDER BY o.row, g.first"
    )

    def __init__(self, stage: Stage, source: str, import_id: int) -> None:
        self._stage, self._source, self._import_id = stage, source, import_id
        self.pace = Pace()
        self._stores: dict[str, int] | None = None
        self._rows: Iterator[tuple[Any, ...]] = iter(())
        self._ahead: tuple[Any, ...] | None = None
        self._given: tuple[int, list[OrderIn], int] | None = None
        self._groups: dict[
            str, list[tuple[int, int]]
        ] = {}  # order number -> (first line, how many), of the batch
        self._detach: list[Callable[[], None]] = []

    def __call__(self, scope: Scope, cursor: Any) -> Next | Done:
        """One unit."""
        self.pace.begin()
        if self._stores is None:
            self._stores = {store.code: store.id for store in brands.stores(scope)}
        batch, last = self._batch(cursor["row"])
        if not batch:
            return finish(scope, self._import_id, cursor)
        done = orders.record(scope, self._source, batch, self._write_lines)
        return Next(
            {
                "row": last,
                "created": cursor["created"] + done.created,
                "updated": cursor["updated"] + done.updated,
                "unchanged": cursor["unchanged"] + done.unchanged,
                "lines": cursor.get("lines", 0) + done.lines,
            }
        )

    def close(self) -> None:
        """No unit follows."""
        for detach in self._detach:
            detach()

    def _batch(self, after: int) -> tuple[list[OrderIn], int]:
        """Orders after a row, about pace.size orders and lines together. A unit that is tried again gets the same."""
        if self._given is not None and self._given[0] == after:
            return self._given[1], self._given[2]
        if self._given is None or self._given[2] != after:
            self._rows = self._stage.ask(self.QUERY, (after,))
            self._ahead = next(self._rows, None)
        batch: list[OrderIn] = []
        groups: dict[str, list[tuple[int, int]]] = {}
        last, weight, ahead, rows, size = after, 0, self._ahead, self._rows, self.pace.size
        stores = self._stores or {}
        while ahead is not None and weight < size:
            (
                last,
                number,
                member,
                phone,
                store,
                at,
                day,
                gross,
                discount,
                paid,
                digest,
                lines_digest,
                first,
                count,
            ) = ahead
            weight += 3
            found: list[tuple[int, int]] = []
            if first is not None:
                found.append((first, count))
                groups[number] = found
                weight += count
            while (ahead := next(rows, None)) is not None and ahead[0] == last:
                found.append((ahead[12], ahead[13]))
                weight += ahead[13]
                lines_digest = None
            if lines_digest is None and found:
                lines_digest = self._digest(found)
            store_id = stores[store] if store else None
            batch.append(
                OrderIn(number, member, phone, store_id, at, day, gross, discount, paid, digest, lines_digest)
            )
        self._ahead, self._given, self._groups = ahead, (after, batch, last), groups
        return batch, last

    def _digest(self, groups: list[tuple[int, int]]) -> int:
        """Of an order whose lines stand in several places of the file."""
        lines: list[Any] = []
        for first, count in groups:
            lines += self._stage.ask(
                "SELECT product, category, quantity, amount FROM line WHERE at >= ? AND at < ?",
                (first, first + count),
            )
        return lines_in.digest(lines)

    def _write_lines(self, scope: Scope, of: Sequence[tuple[int, str]]) -> int:
        """Lines of orders (id, number) from the stage: within SQLite, or as COPY's text."""
        wanted: list[
            tuple[int, int, int, int]
        ] = []  # order, first, after the last, position of the first less 1
        for order_id, number in of:
            before = 0
            for first, count in self._groups[number]:
                wanted.append((order_id, first, first + count, before))
                before += count
        if bulk.is_sqlite(scope):
            schema = f"stage_{self._import_id}"
            detach = bulk.attach(scope, self._stage.path, schema)
            if not self._detach:
                self._detach.append(detach)
            return bulk.insert_select(
                scope,
                OrderLine,
                orders.LINE_COLUMNS,
                "WITH g AS MATERIALIZED (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS first, "
                "json_extract(value, '$[2]') AS after, json_extract(value, '$[3]') AS before FROM json_each(?)) "
                "SELECT ?, g.id, g.before + l.at - g.first + 1, l.product, l.category, l.quantity, l.amount "
                f"FROM g CROSS JOIN {schema}.line l WHERE l.at >= g.first AND l.at < g.after",
                (json.dumps(wanted), scope.brand.id),
            )
        bulk.insert_text(scope, OrderLine, orders.LINE_COLUMNS, self._as_text(scope.brand.id, wanted))
        return sum(after - first for _, first, after, _ in wanted)

    def _as_text(self, brand_id: int, wanted: list[tuple[int, int, int, int]]) -> Iterator[str]:
        for order_id, first, after, before in wanted:
            lines = self._stage.ask(
                "SELECT product, category, quantity, amount FROM line WHERE at >= ? AND at < ?",
                (first, after),
            )
            text = "".join(
                [
                    f"{brand_id}\t{order_id}\t{at}\t{product}\t{category}\t{quantity}\t{amount}\n"
                    for at, (product, category, quantity, amount) in enumerate(lines, before + 1)
                ]
            )
            yield text.replace("\\", "\\\\") if "\\" in text else text  # no cell holds a tab or a newline


class MembersStep:
    """Applies staged members. Cursor: the last row applied, and counts."""

    QUERY = (
        "SELECT row, number, name, phone, email, birthday, gender, joined, store, consents, attributes "
        "FROM member WHERE row > ? ORDER BY row LIMIT ?"
    )

    def __init__(self, stage: Stage, source: str, import_id: int, kinds: dict[str, str]) -> None:
        self._stage, self._import_id, self._kinds = stage, import_id, kinds
        self._said_by = f"import:{source}"
        self.pace = Pace(least=60)
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

    def close(self) -> None:
        """No unit follows."""

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
