"""Orders and their lines, from files to the stage: read, checked row by row, then as a whole and against the shop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from webapp.brands import queries as brands
from webapp.imports import cells, lines_in
from webapp.imports.problems import Bad, Problem, Problems
from webapp.imports.reader import Table, cells_told, open_table
from webapp.imports.stage import Stage
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.members import queries as members
from webapp.members.queries import batches
from webapp.orders import queries as orders
from webapp.orders.service import digest63

COLUMNS = ("number", "member", "phone", "store", "ordered_at", "gross", "discount", "paid")
REQUIRED = ("number", "ordered_at", "paid")
MOST_LINES = 5000  # an order is written in one unit of work, and a unit has a quarter of a second
BLOCK = 2000  # rows


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
) -> Read:
    """Both files into the stage. Raises BadFile; bad rows go to `problems` and are not staged."""
    read = Read()
    with open_table(orders_file, COLUMNS, REQUIRED, _of(mapping, COLUMNS)) as table:
        orders, row = _Orders(stage, brand, table, problems), 2
        with table.faults():
            while rows := list(islice(table.reader, BLOCK)):
                orders.take(rows, row)
                row += len(rows)
        read.orders, read.ignored = orders.read, table.ignored
    tell(f"{orders_file.name}: {read.orders} orders read")
    if lines_file is not None:
        read.lines, ignored = lines_in.read_lines(
            stage, brand, lines_file, _of(mapping, lines_in.COLUMNS), problems
        )
        read.ignored += ignored
        tell(f"{lines_file.name}: {read.lines} lines read")
    read.numbers_differ = stage.index("orders")
    stage.ungroup(lines_in.digest)
    return read


def _of(mapping: Mapping[str, str], columns: tuple[str, ...]) -> dict[str, str]:
    return {ours: theirs for ours, theirs in mapping.items() if ours in columns}


class _Orders:
    """Takes rows of the file in, a block at a time: column by column where all is well, else row by row."""

    def __init__(self, stage: Stage, brand: BrandRef, table: Table, problems: Problems) -> None:
        self._stage, self._table, self._problems = stage, table, problems
        amount = cells.maybe(cells.money(brand.currency))
        self._readers: dict[str, Callable[[str], Any]] = {
            "number": cells.key(80),
            "member": cells.Cached(cells.label(60)).__getitem__,
            "phone": cells.Cached(cells.maybe(cells.phone(brand.region))).__getitem__,
            "store": cells.Cached(cells.label(60)).__getitem__,
            "ordered_at": cells.maybe(cells.moment(brand.timezone)),
            "gross": cells.Cached(amount).__getitem__,
            "discount": cells.Cached(amount).__getitem__,
            "paid": cells.Cached(amount).__getitem__,
        }
        self._pick = itemgetter(*(table.columns[name] for name in COLUMNS))
        self._digest_of = itemgetter(*(table.columns[name] for name in COLUMNS[1:]))
        # The same cells mean the same only where columns, zone, currency and region are.
        there = [name for name in COLUMNS if table.columns[name] >= 0]
        self._salt = "\x1f".join((*there, brand.timezone, brand.currency, brand.region, ""))
        self.read = 0

    def take(self, rows: list[list[str]], first_row: int) -> None:
        """Stage the good rows of a block."""
        widths = set(map(len, rows))
        for found in rows:
            found.append("")
        if widths == {self._table.width}:
            try:
                self._stage.put("orders", *self._columns(rows, range(first_row, first_row + len(rows))))
                self.read += len(rows)
                return
            except Bad:
                pass
        self._one_by_one(rows, first_row)

    def _columns(self, rows: list[list[str]], numbered: Sequence[int]) -> Iterator[Sequence[Any]]:
        """The columns of the stage's table. Raises Bad."""
        columns = self._pick(list(zip(*rows, strict=True)))
        number, member, phone, store, moment, gross, discount, paid = (
            list(map(reader, column)) for reader, column in zip(self._readers.values(), columns, strict=True)
        )
        said = map("\x1f".join, map(self._digest_of, rows))
        at, day = zip(*(one or (None, None) for one in moment), strict=True)
        digests = [digest63((self._salt + text).encode()) for text in said]
        yield from (numbered, number, member, phone, store, at, day, gross, discount, paid, digests)

    def _one_by_one(self, rows: list[list[str]], first_row: int) -> None:
        """The exact way: bad rows are told of."""
        name, width = self._table.name, self._table.width
        good: list[list[str]] = []
        numbered: list[int] = []
        for row, found in enumerate(rows, first_row):
            have = len(found) - 1
            self.read += have > 0
            if have != width:
                if have:
                    self._refuse(found)
                    self._problems.add(Problem(name, row, "", "", *cells_told(have, width)))
                continue
            bad = False
            for column, text in zip(COLUMNS, self._pick(found), strict=True):
                if why := cells.problem_of(self._readers[column], text):
                    self._problems.add(Problem(name, row, column, text, why.reason, why.remedy))
                    bad = True
            if bad:
                self._refuse(found)
            else:
                good.append(found)
                numbered.append(row)
        if good:
            self._stage.put("orders", *self._columns(good, numbered))

    def _refuse(self, found: list[str]) -> None:
        """Remember a refused order's number: its lines are refused with it, and silently."""
        self._problems.refused += 1
        place = self._table.columns["number"]
        if place < len(found):
            self._stage.db.execute("INSERT OR IGNORE INTO passed_over VALUES (?)", (found[place].strip(),))


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

    def refuse(row: int, column: str, value: str, reason: str, remedy: str) -> None:
        problems.add(Problem(orders_name, row, column, value, reason, remedy))
        if stage.drop("orders", row):
            problems.refused += 1

    for row, number, first in [] if numbers_differ else stage.repeated("orders", "number"):
        if row != first:
            refuse(row, "number", number, f"stands in row {first} already", "Keep one of the two.")
    if not make_stores:
        with db.read(brand=brand) as scope:
            known = {store.code for store in brands.stores(scope)}
        named = [store for (store,) in stage.ask("SELECT DISTINCT store FROM orders WHERE store != ''")]
        for row, store in stage.having("orders", "store", [store for store in named if store not in known]):
            refuse(row, "store", store, "is no store of this shop", "Correct it, or add --make-stores.")
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
        more = f" (with {count - 1} more after it)" if count > 1 else ""
        reason, remedy = f"is no order of {orders_name}{more}", "Add the order, or remove the line."
        problems.refused += count
        problems.add(Problem(lines_name, row, "order", number, reason, remedy))
        stage.db.execute("DELETE FROM line_group WHERE first = ?", (first,))
    long = stage.ask(
        "SELECT number, sum(count), min(row) FROM line_group GROUP BY number HAVING sum(count) > ?",
        (MOST_LINES,),
    )
    for number, count, row in list(long):
        problems.refused += count
        problems.add(
            Problem(
                lines_name,
                row,
                "order",
                number,
                f"has {count} lines",
                f"Divide it: at most {MOST_LINES} are taken.",
            )
        )
        stage.db.execute("DELETE FROM line_group WHERE number = ?", (number,))


_Refuse = Callable[[int, str, str, str, str], None]


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
                "is no member's number, and there is no phone by which the order could wait",
            ),
            "Import the member first, give a phone, or leave the member blank.",
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
            refuse(row, column, "", "is blank, and the order is new", "Fill it in.")
