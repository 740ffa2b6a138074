"""Orders and their lines, from files to the stage: read, checked row by row, then as a whole and against the shop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webapp.brands import queries as brands
from webapp.imports import cells, lines_in
from webapp.imports.members_in import NO_STORE
from webapp.imports.problems import N_, Bad, Problem, Problems
from webapp.imports.reader import Table, open_table
from webapp.imports.stage import Stage
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.members import queries as members
from webapp.members.queries import batches
from webapp.orders import queries as orders
from webapp.orders.service import digest63

COLUMNS = ("number", "member", "phone", "store", "ordered_at", "gross", "discount", "paid")
REQUIRED = ("number", "ordered_at", "paid")


@dataclass(slots=True)
class Read:
    """What was read: data rows of each file, columns that are not ours, whether each order number comes once."""

    orders: int = 0
    lines: int = 0
    ignored: tuple[str, ...] = ()
    numbers_differ: bool = True


def read_files(
    stage: Stage,
    brand: BrandRef,
    orders_file: Path,
    lines_file: Path | None,
    mapping: Mapping[str, str],
    problems: Problems,
    tell: Callable[[str], None],
    watch: Callable[[int, int], None] | None = None,
) -> Read:
    """Both files into the stage. Raises BadFile; bad rows go to `problems` and are not staged."""
    read = Read()
    with open_table(orders_file, COLUMNS, REQUIRED, _of(mapping, COLUMNS), watch=watch) as table:
        orders = _Orders(stage, brand, table, problems)
        told, place = problems.misshapen(table.name, table.width), table.columns["number"]

        def misshapen(row: int, found: list[str]) -> None:
            told(row, found)
            if place < len(found):
                orders.pass_over(found[place])

        for rows, columns in table.blocks(misshapen):
            orders.take(rows, table.pick(columns, COLUMNS))
        read.orders, read.ignored = orders.read + problems.misshaped.get(table.name, 0), table.ignored
    tell(f"{orders_file.name}: {read.orders} orders read")
    if lines_file is not None:
        read.lines, ignored = lines_in.read_lines(
            *(stage, brand, lines_file, _of(mapping, lines_in.COLUMNS), problems), watch=watch
        )
        read.ignored += ignored
        tell(f"{lines_file.name}: {read.lines} lines read")
    read.numbers_differ = stage.index("orders")
    stage.ungroup(lines_in.digest)
    return read


def _of(mapping: Mapping[str, str], columns: tuple[str, ...]) -> dict[str, str]:
    return {ours: theirs for ours, theirs in mapping.items() if ours in columns}


class _Orders:
    """Takes rows of the file in, a block at a time."""

    def __init__(self, stage: Stage, brand: BrandRef, table: Table, problems: Problems) -> None:
        self._stage, self._name, self._problems = stage, table.name, problems
        amount = cells.Cached(cells.maybe(cells.money(brand.currency))).__getitem__
        self._readers: dict[str, Callable[[str], Any]] = {
            "number": cells.key(80),
            "member": cells.Cached(cells.label(60)).__getitem__,
            "phone": cells.Cached(cells.maybe(cells.phone(brand.region))).__getitem__,
            "store": cells.Cached(cells.label(60)).__getitem__,
            "ordered_at": cells.maybe(cells.moment(brand.timezone)),
            "gross": amount,
            "discount": amount,
            "paid": amount,
        }
        # The same cells mean the same only where columns, zone, currency and region are.
        there = [name for name in COLUMNS if table.columns[name] >= 0]
        self._salt = "\x1f".join((*there, brand.timezone, brand.currency, brand.region, ""))
        self.read = 0

    def take(self, rows: Sequence[int], columns: list[list[str]]) -> None:
        """Stage the good rows of a block, given by its columns."""
        self.read += len(rows)
        try:
            self._put(rows, columns)
        except Bad:
            good = self._problems.good_rows(self._name, self._readers, rows, columns)
            for at in set(range(len(rows))).difference(good):
                self.pass_over(columns[0][at])
            if good:
                self._put([rows[at] for at in good], [[column[at] for at in good] for column in columns])

    def pass_over(self, number: str) -> None:
        """Remember a refused order: its lines are refused with it, and silently."""
        self._stage.db.execute("INSERT OR IGNORE INTO passed_over VALUES (?)", (number.strip(),))

    def _put(self, rows: Sequence[int], columns: list[list[str]]) -> None:
        """All of them. Raises Bad, and has staged nothing then."""
        number, member, phone, store, moment, gross, discount, paid = (
            list(map(reader, column)) for reader, column in zip(self._readers.values(), columns, strict=True)
        )
        at, day = zip(*(one or (None, None) for one in moment), strict=True)
        said = map("\x1f".join, zip(*columns[1:], strict=True))
        digests = [digest63((self._salt + text).encode()) for text in said]
        self._stage.put("orders", rows, number, member, phone, store, at, day, gross, discount, paid, digests)


# --- the file as a whole, and against the shop ----------------------------------------------------------------------


def check(
    stage: Stage,
    db: Database,
    brand: BrandRef,
    source: str,
    names: tuple[str, str],
    problems: Problems,
    *,
    numbers_differ: bool,
    make_stores: bool,
) -> None:
    """What only shows in the whole, or against the shop; refused rows leave the stage. names: of the two files."""
    orders_name, lines_name = names

    def refuse(row: int, column: str, value: str, reason: str, remedy: str, **facts: Any) -> None:
        problems.add(Problem(orders_name, row, column, value, reason, remedy, facts))
        if stage.drop("orders", row):
            problems.refused += 1

    for row, number, first in [] if numbers_differ else stage.repeated("orders", "number"):
        if row != first:
            refuse(
                *(row, "number", number, N_("stands in row %(first)s already"), N_("Keep one of the two.")),
                first=first,
            )
    if not make_stores:
        with db.read(brand=brand) as scope:
            known = {store.code for store in brands.stores(scope)}
        named = [store for (store,) in stage.ask("SELECT DISTINCT store FROM orders WHERE store != ''")]
        for row, store in stage.having("orders", "store", [store for store in named if store not in known]):
            refuse(row, "store", store, *NO_STORE)
    _check_members(stage, db, brand, refuse)
    _check_new(stage, db, brand, source, refuse)
    stage.db.execute(
        "DELETE FROM line_group WHERE number IN (SELECT number FROM passed_over) AND number NOT IN (SELECT number FROM orders)"
    )
    lost = stage.ask(
        "SELECT first, number, row, count FROM line_group g WHERE NOT EXISTS "
        "(SELECT 1 FROM orders WHERE orders.number = g.number) ORDER BY row"
    )
    for first, number, row, count in list(lost):
        problems.refused += count
        for at in range(row, row + count):
            reason, remedy = N_("is no order of %(file)s"), N_("Add the order, or remove the line.")
            problems.add(Problem(lines_name, at, "order", number, reason, remedy, {"file": orders_name}))
        stage.db.execute("DELETE FROM line_group WHERE first = ?", (first,))
    long = stage.ask(
        "SELECT number, sum(count), min(row) FROM line_group GROUP BY number HAVING sum(count) > ?",
        (lines_in.MOST,),
    )
    for number, count, row in list(long):
        problems.refused += count
        problems.add(
            Problem(
                lines_name,
                row,
                "order",
                number,
                N_("has %(count)s lines"),
                N_("Divide it: at most %(most)s are taken."),
                {"count": count, "most": lines_in.MOST},
            )
        )
        stage.db.execute("DELETE FROM line_group WHERE number = ?", (number,))


_Refuse = Callable[..., None]


def _check_members(stage: Stage, db: Database, brand: BrandRef, refuse: _Refuse) -> None:
    """A member who is not known needs a phone, by which the order waits."""
    unknown: list[str] = []
    named = (
        number
        for (number,) in stage.ask("SELECT DISTINCT member FROM orders WHERE member != '' AND phone IS NULL")
    )
    with db.read(brand=brand) as scope:
        for batch in batches(list(named)):
            known = members.ids_by_number(scope, batch)
            unknown += [number for number in batch if number not in known]
    for row, number in stage.having("orders", "member", unknown, "phone IS NULL"):
        refuse(
            *(
                row,
                "member",
                number,
                N_("is no member's number, and there is no phone by which the order could wait"),
            ),
            N_("Import the member first, give a phone, or leave the member blank."),
        )


def _check_new(stage: Stage, db: Database, brand: BrandRef, source: str, refuse: _Refuse) -> None:
    """Blank keeps what is stored: an order that is not stored needs its moment and what was paid."""
    blank = {
        number: (row, "ordered_at" if at is None else "paid")
        for row, number, at in stage.ask(
            "SELECT row, number, at FROM orders WHERE at IS NULL OR paid IS NULL"
        )
    }
    with db.read(brand=brand) as scope:
        known = orders.known_numbers(scope, source, list(blank))
    for number, (row, column) in blank.items():
        if number not in known:
            refuse(row, column, "", N_("is blank, and the order is new"), N_("Fill it in."))
