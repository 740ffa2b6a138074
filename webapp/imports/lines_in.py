"""Orders' lines, from a file to the stage. Ten times as many as orders, so this is the hot loop of an import.

Rows are taken in blocks, and a block column by column with what C does quickly; only a block in which something is
wrong is gone through row by row, to say exactly what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from struct import pack
from typing import Any

from webapp.imports import cells
from webapp.imports.problems import Bad, Problems
from webapp.imports.reader import open_table
from webapp.imports.stage import LINES, Stage
from webapp.kernel.scope import BrandRef
from webapp.orders.service import digest63

COLUMNS = ("order", "product", "category", "quantity", "amount")
REQUIRED = ("order", "product", "amount")
MOST = 5000  # lines of an order: it is written in one unit of work, and a unit has a quarter of a second
_SEPARATOR = "\x1f"  # no cell holds it

Line = tuple[
    str, str, str, str
]  # product, category, quantity in thousandths, amount in minor units, both as digits


def read_lines(
    stage: Stage,
    brand: BrandRef,
    path: Path,
    mapping: Mapping[str, str],
    problems: Problems,
    watch: Callable[[int, int], None] | None = None,
) -> tuple[int, tuple[str, ...]]:
    """The file into the stage; returns how many rows there are, and the names of columns that are not ours."""
    with open_table(path, COLUMNS, REQUIRED, mapping, watch=watch) as table:
        lines = _Lines(stage, brand, table.name, problems)
        numbers: list[int] = []
        carry: list[list[str]] = [[] for _ in COLUMNS]
        for rows, columns in table.blocks(problems.misshapen(table.name, table.width)):
            numbers += rows
            for column, more in zip(carry, table.pick(columns, COLUMNS), strict=True):
                column += more
            cut = _last_order(carry[0])
            if cut == 0 and len(numbers) > MOST:
                cut = len(numbers)  # one endless order; it is told of when all has been read
            lines.take(numbers[:cut], [column[:cut] for column in carry])
            del numbers[:cut]
            for column in carry:
                del column[:cut]
        lines.take(numbers, carry)
        return lines.read + problems.misshaped.get(table.name, 0), table.ignored


def digest(lines: Sequence[Line]) -> int:
    """Of all the lines of an order, in their order."""
    products, categories, quantities, amounts = zip(*lines, strict=True)
    return _digest(products, categories, quantities, amounts)


def _digest(
    products: Sequence[str], categories: Sequence[str], quantities: Sequence[int], amounts: Sequence[int]
) -> int:
    words = _SEPARATOR.join((*products, *categories)).encode()
    return digest63(words + pack(f"<{2 * len(products)}q", *quantities, *amounts))


def _last_order(orders: list[str]) -> int:
    """Where the lines of the last order begin: more of them may follow."""
    at, order = len(orders), orders[-1]
    while at > 0 and orders[at - 1] == order:
        at -= 1
    return at


class _Lines:
    """Takes lines in, in blocks that do not part those of an order."""

    def __init__(self, stage: Stage, brand: BrandRef, name: str, problems: Problems) -> None:
        self._stage, self._name, self._problems = stage, name, problems
        self._readers: dict[str, Callable[[str], Any]] = {
            "order": cells.key(80),
            "product": cells.Cached(cells.label(120, blank=False)).__getitem__,
            "category": cells.Cached(cells.label(120)).__getitem__,
            "quantity": cells.Cached(cells.quantity).__getitem__,
            "amount": cells.Cached(cells.money(brand.currency)).__getitem__,
        }
        self._staged = 0
        self.read = 0

    def take(self, rows: Sequence[int], columns: list[list[str]]) -> None:
        """Stage the good lines of a block, given by its columns."""
        self.read += len(rows)
        if not rows:
            return
        try:
            self._put(rows, *columns)
        except Bad:
            good = self._problems.good_rows(self._name, self._readers, rows, columns)
            if good:
                self._put([rows[at] for at in good], *([column[at] for at in good] for column in columns))

    def _put(
        self,
        rows: Sequence[int],
        orders: list[str],
        products: list[str],
        categories: list[str],
        quantities: list[str],
        amounts: list[str],
    ) -> None:
        """All of them. Raises Bad, and has staged nothing then."""
        read = self._readers
        product, category = list(map(read["product"], products)), list(map(read["category"], categories))
        quantity, amount = list(map(read["quantity"], quantities)), list(map(read["amount"], amounts))
        starts = [0, *(at for at, (one, other) in enumerate(pairwise(orders), 1) if one != other)]
        if (
            rows[-1] - rows[0] != len(rows) - 1
        ):  # rows of a group follow each other, so that each can be told of
            gaps = (at for at, (one, other) in enumerate(pairwise(rows), 1) if other != one + 1)
            starts = sorted({*starts, *gaps})
        ends = [*starts[1:], len(rows)]
        numbers = [read["order"](orders[at]) for at in starts]
        digests = [
            _digest(product[at:end], category[at:end], quantity[at:end], amount[at:end])
            for at, end in zip(starts, ends, strict=True)
        ]
        self._stage.put(LINES, product, category, quantity, amount)
        self._stage.put(
            "line_group",
            [self._staged + 1 + at for at in starts],
            numbers,
            [rows[at] for at in starts],
            [end - at for at, end in zip(starts, ends, strict=True)],
            digests,
        )
        self._staged += len(rows)
