"""Orders' lines, from a file to the stage. Ten times as many as orders, so this is the hot loop of an import.

Rows are taken in blocks, and a block column by column with what C does quickly; only a block in which something is
wrong is gone through row by row, to say exactly what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice, pairwise
from operator import itemgetter
from pathlib import Path
from struct import pack
from typing import Any

from webapp.imports import cells
from webapp.imports.problems import Bad, Problem, Problems
from webapp.imports.reader import Table, cells_told, open_table
from webapp.imports.stage import LINES, Stage
from webapp.kernel.scope import BrandRef
from webapp.orders.service import digest63

COLUMNS = ("order", "product", "category", "quantity", "amount")
REQUIRED = ("order", "product", "amount")
BLOCK = 4000  # rows
_SEPARATOR = "\x1f"  # no cell holds it

Line = tuple[
    str, str, str, str
]  # product, category, quantity in thousandths, amount in minor units, both as digits


def read_lines(
    stage: Stage, brand: BrandRef, path: Path, mapping: Mapping[str, str], problems: Problems
) -> tuple[int, tuple[str, ...]]:
    """The file into the stage; returns how many rows there are, and the names of columns that are not ours."""
    with open_table(path, COLUMNS, REQUIRED, mapping) as table:
        lines, row, carry = _Lines(stage, brand, table, problems), 2, list[list[str]]()
        with table.faults():
            while new := list(islice(table.reader, BLOCK)):
                carry += new
                cut = _last_order(carry, table.columns["order"])
                if cut == 0 and len(carry) > BLOCK:
                    cut = len(carry)  # one endless order; it is told of when all has been read
                lines.take(carry[:cut], row)
                row += cut
                del carry[:cut]
        lines.take(carry, row)
        return lines.read, table.ignored


def digest(lines: Sequence[Line]) -> int:
    """Of all the lines of an order, in their order."""
    products, categories, quantities, amounts = zip(*lines, strict=True)
    return _digest(products, categories, quantities, amounts)


def _digest(
    products: Sequence[str], categories: Sequence[str], quantities: Sequence[int], amounts: Sequence[int]
) -> int:
    words = _SEPARATOR.join((*products, *categories)).encode()
    return digest63(words + pack(f"<{2 * len(products)}q", *quantities, *amounts))


def _last_order(rows: list[list[str]], place: int) -> int:
    """Where the lines of the last order begin: more of them may follow."""
    at = len(rows)
    if len(rows[-1]) <= place:
        return at
    order = rows[-1][place]
    while at > 0 and len(rows[at - 1]) > place and rows[at - 1][place] == order:
        at -= 1
    return at


class _Lines:
    """Takes rows in, in blocks that do not part the lines of an order."""

    def __init__(self, stage: Stage, brand: BrandRef, table: Table, problems: Problems) -> None:
        self._stage, self._table, self._problems = stage, table, problems
        self._readers: dict[str, Callable[[str], Any]] = {
            "order": cells.key(80),
            "product": cells.label(120, blank=False),
            "category": cells.label(120),
            "quantity": cells.quantity,
            "amount": cells.money(brand.currency),
        }
        self._product = cells.Cached(self._readers["product"]).__getitem__
        self._category = cells.Cached(self._readers["category"]).__getitem__
        self._quantity = cells.Cached(self._readers["quantity"]).__getitem__
        self._amount = cells.Cached(self._readers["amount"]).__getitem__
        self._pick = itemgetter(*(table.columns[name] for name in COLUMNS))
        self._short = -1 in table.columns.values()
        self._staged = 0
        self.read = 0

    def take(self, rows: list[list[str]], first_row: int) -> None:
        """Stage the good rows of a block."""
        if not rows or (set(map(len, rows)) == {self._table.width} and self._all_good(rows, first_row)):
            return
        self._one_by_one(rows, first_row)

    def _all_good(self, rows: list[list[str]], first_row: int) -> bool:
        """The quick way; False, and nothing staged, when a row is bad."""
        if self._short:
            for found in rows:
                found.append("")
        orders, products, categories, quantities, amounts = self._pick(list(zip(*rows, strict=True)))
        try:
            products, categories = list(map(self._product, products)), list(map(self._category, categories))
            quantities, amounts = list(map(self._quantity, quantities)), list(map(self._amount, amounts))
            starts = [0, *(at for at, (one, other) in enumerate(pairwise(orders), 1) if one != other)]
            numbers = [self._readers["order"](orders[at]) for at in starts]
        except Bad:
            if self._short:
                for found in rows:
                    found.pop()
            return False
        ends = [*starts[1:], len(rows)]
        digests = [
            _digest(products[at:end], categories[at:end], quantities[at:end], amounts[at:end])
            for at, end in zip(starts, ends, strict=True)
        ]
        self._stage.put(LINES, products, categories, quantities, amounts)
        self._stage.put(
            "line_group",
            [self._staged + 1 + at for at in starts],
            numbers,
            [first_row + at for at in starts],
            [end - at for at, end in zip(starts, ends, strict=True)],
            digests,
        )
        self._staged += len(rows)
        self.read += len(rows)
        return True

    def _one_by_one(self, rows: list[list[str]], first_row: int) -> None:
        """The exact way: bad rows are told of, the lines between stay together."""
        name, width = self._table.name, self._table.width
        orders: list[tuple[str, int, list[Line]]] = []
        for row, found in enumerate(rows, first_row):
            self.read += bool(found)
            if len(found) != width:
                if found:
                    self._problems.refused += 1
                    self._problems.add(Problem(name, row, "", "", *cells_told(len(found), width)))
                continue
            picked = self._pick([*found, ""])
            try:
                number = self._readers["order"](picked[0])
                line: Line = (
                    self._product(picked[1]),
                    self._category(picked[2]),
                    self._quantity(picked[3]),
                    self._amount(picked[4]),
                )
            except Bad:
                self._problems.refused += 1
                for column, text in zip(COLUMNS, picked, strict=True):
                    if why := cells.problem_of(self._readers[column], text):
                        self._problems.add(Problem(name, row, column, text, why.reason, why.remedy))
                continue
            if orders and orders[-1][0] == number:
                orders[-1][2].append(line)
            else:
                orders.append((number, row, [line]))
        for number, row, lines in orders:
            self._stage.put(LINES, *zip(*lines, strict=True))
            self._stage.put("line_group", [self._staged + 1], [number], [row], [len(lines)], [digest(lines)])
            self._staged += len(lines)
