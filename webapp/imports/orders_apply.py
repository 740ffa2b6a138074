"""Staged orders and their lines into the shop.

Orders that are stored already are compared and merged by orders.service.record, on both databases. A unit's worth of
orders that are all new, the common case and the large one, goes into SQLite by three statements that read the stage
beside the shop's own tables, and into PostgreSQL by COPY, two units at a time (kernel.abreast).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

from sqlalchemy import select

from webapp.brands import queries as brands
from webapp.brands.models import Store
from webapp.imports.apply import Pace, finish, remember
from webapp.imports.stage import Stage
from webapp.kernel import bulk
from webapp.kernel.abreast import Overtaken, Part, Turn
from webapp.kernel.ids import IdBlocks
from webapp.kernel.model import Base
from webapp.kernel.scope import Scope
from webapp.kernel.steps import Done, Next
from webapp.members.models import Member, MemberIdentity
from webapp.orders import service as orders
from webapp.orders.models import Order, OrderLine
from webapp.orders.service import LINE_COLUMNS, ORDER_COLUMNS, OrderIn, Recorded

WEIGHTS = (
    "SELECT row, 3 + (SELECT coalesce(sum(count), 0) FROM line_group g WHERE g.number = o.number) FROM orders o "
    "WHERE row > ? ORDER BY row"
)
ROWS = (
    "SELECT number, member, phone, store, at, day, gross, discount, paid, digest, "
    "(SELECT digest FROM line_group g WHERE g.number = o.number) FROM orders o WHERE row > ? AND row <= ? ORDER BY row"
)
GROUPS = (
    "SELECT number, first, count FROM line_group "
    "WHERE number IN (SELECT number FROM orders WHERE row > ? AND row <= ?) ORDER BY first"
)
WANTED = (
    "WITH g AS MATERIALIZED (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS first, "
    "json_extract(value, '$[2]') AS after, json_extract(value, '$[3]') AS move FROM json_each(?2)) "
)
FOUND = "FROM g CROSS JOIN line l WHERE l.at >= g.first AND l.at < g.after"
LINES = f"{WANTED} SELECT ?1, g.id, l.at + g.move, l.product, l.category, l.quantity, l.amount {FOUND}"
TEXT = (  # in COPY's format, but for backslashes; no cell holds a tab or a newline
    f"{WANTED} SELECT group_concat(?1 || char(9) || g.id || char(9) || (l.at + g.move) || char(9) || l.product || char(9) "
    f"|| l.category || char(9) || l.quantity || char(9) || l.amount || char(10), '') {FOUND}"
)

# The same as orders.service._insert does, said to SQLite; {stage} is the attached file.
KNOWN = (
    "SELECT 1 FROM {stage}.orders i CROSS JOIN orders o ON o.brand_id = ? AND o.source = ? AND o.number = i.number "
    "WHERE i.row > ? AND i.row <= ? LIMIT 1"
)
INSERT_ORDERS = (
    "SELECT :brand, :base + i.row, :source, i.number, coalesce(m.id, h.member_id), coalesce(m.person_id, p.person_id), "
    "CASE WHEN m.id IS NULL AND h.id IS NULL THEN i.phone END, s.id, i.at, i.day, "
    "coalesce(i.gross, i.paid + coalesce(i.discount, 0)), coalesce(i.discount, i.gross - i.paid, 0), i.paid, i.digest, "
    "coalesce((SELECT g.digest FROM {stage}.line_group g WHERE g.number = i.number), 0) "
    "FROM {stage}.orders i "
    "LEFT JOIN member m ON m.brand_id = :brand AND m.number = i.member "
    "LEFT JOIN member_identity h ON m.id IS NULL AND h.brand_id = :brand AND h.kind = 'phone' AND h.holder = i.phone "
    "LEFT JOIN member p ON p.brand_id = h.brand_id AND p.id = h.member_id "
    "LEFT JOIN store s ON s.brand_id = :brand AND s.code = i.store "
    "WHERE i.row > :after AND i.row <= :last ORDER BY i.row"
)
INSERT_LINES = (
    "WITH g AS MATERIALIZED (SELECT :base + i.row AS id, g.first, g.first + g.count AS after, "
    "(SELECT coalesce(sum(b.count), 0) FROM {stage}.line_group b WHERE b.number = g.number AND b.first < g.first) "
    "- g.first + 1 AS move FROM {stage}.orders i CROSS JOIN {stage}.line_group g ON g.number = i.number "
    "WHERE i.row > :after AND i.row <= :last ORDER BY i.row) "
    "SELECT :brand, g.id, l.at + g.move, l.product, l.category, l.quantity, l.amount "
    "FROM g CROSS JOIN {stage}.line l WHERE l.at >= g.first AND l.at < g.after"
)


@dataclass(slots=True)
class _Unit:
    """What is ready to be written. text: the lines of the orders `of` for COPY."""

    first_id: int
    orders: list[OrderIn]
    groups: dict[str, list[tuple[int, int]]]
    of: list[tuple[int, str]]  # (id, number) of each with lines, were all of the unit new
    text: str | None


class OrdersStep:
    """Applies staged orders, a unit a call, or by `plan` two at a time. Cursor: the last row applied, and counts."""

    reads: tuple[type[Base], ...] = (Store, Member, MemberIdentity)
    writes: tuple[type[Base], ...] = (Order, OrderLine)

    def __init__(self, stage: Stage, source: str, import_id: int) -> None:
        self._stage, self._source, self._import_id = stage, source, import_id
        self.pace = Pace()
        self._weights: Iterator[tuple[Any, ...]] = iter(())
        self._reached: tuple[int, int] | None = None  # the unit looked at last: rows after .. up to
        self._detach: Callable[[], None] | None = None
        self._stores: dict[str, int] = {}
        self._begun = False
        self._fresh = True  # nothing of this source was stored before
        self._reading = Lock()  # of the stage, whose connection is one for all lanes

    def __call__(self, scope: Scope, cursor: Any) -> Next | Done:
        """One unit."""
        self._begin(scope)
        self.pace.unit(scope)
        after = cursor["row"]
        last = self._reach(after)
        if last == after:
            return finish(scope, self._import_id, cursor)
        recorded = self._within(scope, after, last) if bulk.is_sqlite(scope) else None
        if recorded is None:
            unit = self._read(after, last, scope.new_ids(last - after)[0], None)
            recorded = self._record(scope, unit)
        return _next(cursor, last, recorded)

    def plan(self, scope: Scope, cursor: Any) -> Iterator[Part]:
        """PostgreSQL: the units from a cursor on, each read from the stage before its transaction begins."""
        self._begin(scope)
        return self._parts(str(scope.brand.id), scope.blocks, cursor["row"])

    def again(self) -> None:
        """The last unit failed because somebody wrote the same: believe nothing that was known before."""
        self._fresh = False

    def close(self) -> None:
        """No unit follows."""
        if self._detach is not None:
            self._detach()

    def _begin(self, scope: Scope) -> None:
        if not self._begun:
            self._stores = {store.code: store.id for store in brands.stores(scope)}
            any_order = select(Order.id).where(Order.brand_id == scope.brand.id, Order.source == self._source)
            by_key = any_order.order_by(
                Order.number
            )  # else the planner may look through the orders of all others
            self._fresh = scope.session.scalar(by_key.limit(1)) is None
            self._begun = True

    def _reach(self, after: int) -> int:
        """The last row of a unit that begins after a row, `after` itself at the end. A unit tried again is the same."""
        if self._reached is not None and self._reached[0] == after:
            return self._reached[1]
        last, weight, size = after, 0, self.pace.size
        with self._reading:
            if self._reached is None or self._reached[1] != after:
                self._weights = self._stage.ask(WEIGHTS, (after,))
            while weight < size and (found := next(self._weights, None)) is not None:
                last = found[0]
                weight += found[1]
        self._reached = (after, last)
        return last

    # -- SQLite ----------------------------------------------------------------------------------------------------------

    def _within(self, scope: Scope, after: int, last: int) -> Recorded | None:
        """All orders of a unit at once; None, and nothing done, when one of them is stored already."""
        stage = f"stage_{self._import_id}"
        self._detach = bulk.attach(scope, self._stage.path, stage)
        brand_id = scope.brand.id
        if bulk.ask(scope, KNOWN.format(stage=stage), (brand_id, self._source, after, last)):
            return None
        base = (
            scope.new_ids(last - after)[0] - after - 1
        )  # an id a row; rows that were refused leave theirs unused
        named = {"brand": brand_id, "base": base, "source": self._source, "after": after, "last": last}
        created = bulk.insert_select(scope, Order, ORDER_COLUMNS, INSERT_ORDERS.format(stage=stage), named)
        lines = bulk.insert_select(scope, OrderLine, LINE_COLUMNS, INSERT_LINES.format(stage=stage), named)
        orders.inserted(scope, self._source, base + after + 1, base + last)
        remember(scope, self._import_id, "order", base + after + 1, base + last, {})
        return Recorded(created=created, lines=lines)

    # -- PostgreSQL, and orders that are stored already ------------------------------------------------------------------

    def _parts(self, brand: str, blocks: IdBlocks, after: int) -> Iterator[Part]:
        while (last := self._reach(after)) > after:
            yield partial(self._part, brand, blocks.apart(last - after)[0], after, last)
            after = last

    def _part(self, brand: str, first_id: int, after: int, last: int) -> Callable[[Scope, Turn], Next]:
        """In a lane. The lines' text is written by the stage itself, without Python's lock."""
        with self._reading:
            ready = self._read(after, last, first_id, brand)

        def unit(scope: Scope, turn: Turn) -> Next:
            self.pace.unit(scope)
            recorded = self._record(scope, ready, turn)
            if turn()["row"] != after:
                raise Overtaken
            return _next(turn(), last, recorded)

        return unit

    def _record(self, scope: Scope, unit: _Unit, turn: Turn | None = None) -> Recorded:
        def write_lines(scope: Scope, of: Sequence[tuple[int, str]]) -> int:
            if unit.text is None or of != unit.of:
                return self._write_lines(scope, [(order_id, unit.groups[number]) for order_id, number in of])
            bulk.insert_text(scope, OrderLine, LINE_COLUMNS, (unit.text,))
            return sum(end - first for groups in unit.groups.values() for first, end in groups)

        done = orders.record(
            *(scope, self._source, unit.orders, write_lines),
            first_id=unit.first_id,
            none_stored=self._fresh,
            turn=turn,
        )
        made = unit.first_id if done.created else 0
        remember(scope, self._import_id, "order", made, unit.first_id + len(unit.orders) - 1, done.before)
        return done

    def _read(self, after: int, last: int, first_id: int, brand: str | None) -> _Unit:
        """brand: for the text that COPY takes."""
        stores = self._stores
        found = [
            OrderIn(number, member, phone, stores[store] if store else None, *rest)
            for number, member, phone, store, *rest in self._stage.ask(ROWS, (after, last))
        ]
        groups: dict[str, list[tuple[int, int]]] = {}
        for number, first, count in self._stage.ask(GROUPS, (after, last)):
            groups.setdefault(number, []).append((first, first + count))
        of = [(id_, order.number) for id_, order in enumerate(found, first_id) if order.number in groups]
        unit = _Unit(first_id, found, groups, of, None)
        if brand is not None and groups:
            unit.text = _text(self._stage, brand, _wanted([(id_, groups[number]) for id_, number in of]))
        return unit

    def _write_lines(self, scope: Scope, of: Sequence[tuple[int, list[tuple[int, int]]]]) -> int:
        """Lines of orders, given as (id, [(first, after the last), ...]), from the stage."""
        wanted, brand_id = _wanted(of), scope.brand.id
        if bulk.is_sqlite(scope):
            found = list(self._stage.ask(LINES, (brand_id, json.dumps(wanted))))
            bulk.insert_cells(scope, OrderLine, LINE_COLUMNS, found)
        else:
            with self._reading:
                text = _text(self._stage, str(brand_id), wanted)
            bulk.insert_text(scope, OrderLine, LINE_COLUMNS, (text,))
        return sum(after - first for _, first, after, _ in wanted)


def _next(cursor: Any, last: int, done: Recorded) -> Next:
    return Next(
        {
            "row": last,
            "created": cursor["created"] + done.created,
            "updated": cursor["updated"] + done.updated,
            "unchanged": cursor["unchanged"] + done.unchanged,
            "lines": cursor.get("lines", 0) + done.lines,
        }
    )


def _wanted(of: Sequence[tuple[int, list[tuple[int, int]]]]) -> list[tuple[int, int, int, int]]:
    """(order's id, first line, after the last, from place in the file to position in the order)."""
    wanted = []
    for order_id, groups in of:
        before = 0
        for first, after in groups:
            wanted.append((order_id, first, after, before - first + 1))
            before += after - first
    return wanted


def _text(stage: Stage, brand: str, wanted: list[tuple[int, int, int, int]]) -> str:
    """Lines in COPY's format."""
    ((text,),) = stage.ask(TEXT, (brand, json.dumps(wanted)))
    return (text or "").replace("\\", "\\\\")
