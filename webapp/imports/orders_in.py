"""Orders and their lines, from files to the stage: read, checked row by row, then as a whole and against the shop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from webapp.brands import queries as brands
from webapp.imports import cells, lines_in
from webapp.imports.problems import Bad, Problem, Problems
from webapp.imports.reader import cells_told, open_table
from webapp.imports.stage import Stage
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef
from webapp.members import queries as members
from webapp.members.queries import batches
from webapp.orders import queries as orders
from webapp.orders.service import digest63

ORDER_COLUMNS = ("number", "member", "phone", "store", "ordered_at", "gross", "discount", "paid")
ORDER_REQUIRED = ("number", "ordered_at", "paid")
MOST_LINES = 5000  # an order is written in one unit of work, and a unit has a quarter of a second
_PUT = 2000  # rows given to the stage at once

_NONE: Any = (None, None)


@dataclass(slots=True)
class Read:
    """What was read: data rows of each file, and columns that are not ours."""

    orders: int = 0
    lines: int = 0
    ignored: tuple[str, ...] = ()


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
    _read_orders(stage, brand, orders_file, _of(mapping, ORDER_COLUMNS), problems, read)
    tell(f"{orders_file.name}: {read.orders} orders read")
    if lines_file is not None:
        read.lines, ignored = lines_in.read_lines(
            stage, brand, lines_file, _of(mapping, lines_in.COLUMNS), problems
        )
        read.ignored += ignored
        tell(f"{lines_file.name}: {read.lines} lines read")
    stage.index("orders")
    return read


def _of(mapping: Mapping[str, str], columns: tuple[str, ...]) -> dict[str, str]:
    return {ours: theirs for ours, theirs in mapping.items() if ours in columns}


def _read_orders(
    stage: Stage, brand: BrandRef, path: Path, mapping: Mapping[str, str], problems: Problems, read: Read
) -> None:
    amount = cells.maybe(cells.money(brand.currency))
    readers: dict[str, Callable[[str], Any]] = {
        "number": cells.key(80),
        "member": cells.Cached(cells.label(60)).__getitem__,
        "phone": cells.maybe(cells.phone(brand.region)),
        "store": cells.Cached(cells.label(60)).__getitem__,
        "ordered_at": cells.maybe(cells.moment(brand.timezone)),
        "gross": cells.Cached(amount).__getitem__,
        "discount": cells.Cached(amount).__getitem__,
        "paid": cells.Cached(amount).__getitem__,
    }
    number_of, member_of, phone_of, store_of, moment_of, gross_of, discount_of, paid_of = readers.values()
    rows: list[tuple[Any, ...]] = []
    with open_table(path, ORDER_COLUMNS, ORDER_REQUIRED, mapping) as table:
        read.ignored += tuple(name or f"column {place + 1}" for place, name in table.unknown)
        pick, width = itemgetter(*(table.columns[name] for name in ORDER_COLUMNS)), table.width
        with table.faults():
            for row, found in enumerate(table.reader, 2):
                if len(found) != width:
                    if found:
                        read.orders += 1
                        problems.refused += 1
                        problems.add(Problem(table.name, row, "", "", *cells_told(len(found), width)))
                        _pass_over(stage, found, table.columns["number"])
                    continue
                read.orders += 1
                found.append("")
                picked = pick(found)
                try:
                    number, phone = number_of(picked[0]), phone_of(picked[2])
                    member, store = member_of(picked[1]), store_of(picked[3])
                    at, day = moment_of(picked[4]) or _NONE
                    gross, discount, paid = gross_of(picked[5]), discount_of(picked[6]), paid_of(picked[7])
                except Bad:
                    problems.refused += 1
                    for column, text in zip(ORDER_COLUMNS, picked, strict=True):
                        if why := cells.problem_of(readers[column], text):
                            problems.add(Problem(table.name, row, column, text, why.reason, why.remedy))
                    _pass_over(stage, found, table.columns["number"])
                    continue
                said = (
                    member,
                    phone,
                    store,
                    at and stored_moment(at),
                    day and day.isoformat(),
                    gross,
                    discount,
                    paid,
                )
                rows.append((row, number, *said, digest63(repr(said))))
                if len(rows) >= _PUT:
                    stage.put("orders", rows)
                    rows.clear()
        stage.put("orders", rows)


def stored_moment(at: datetime) -> str:
    """UTC, as the databases keep it."""
    return at.replace(tzinfo=None).isoformat(" ", "microseconds")


def _pass_over(stage: Stage, found: list[str], place: int) -> None:
    """Remember a refused order: its lines are refused with it, and silently."""
    if place < len(found):
        stage.db.execute("INSERT OR IGNORE INTO passed_over VALUES (?)", (found[place].strip(),))


# --- the file as a whole, and against the shop ----------------------------------------------------------------------


def check(
    stage: Stage,
    db: Database,
    brand: BrandRef,
    source: str,
    names: tuple[str, str],
    problems: Problems,
    *,
    make_stores: bool,
) -> None:
    """What only shows in the whole, or against the shop; refused rows leave the stage. names: of the two files."""
    orders_name, lines_name = names

    def refuse(row: int, column: str, value: str, reason: str, remedy: str) -> None:
        problems.add(Problem(orders_name, row, column, value, reason, remedy))
        if stage.drop("orders", row):
            problems.refused += 1

    twice = stage.ask(
        "SELECT row, number, (SELECT min(row) FROM orders b WHERE b.number = a.number) FROM orders a "
        "WHERE number IN (SELECT number FROM orders GROUP BY number HAVING count(*) > 1) ORDER BY row"
    )
    for row, number, first in list(twice):
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
