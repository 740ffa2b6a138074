"""Tables of a plugin's own: how it declares them, and `ctx.tables`, by which it reads and writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import BigInteger, Column, ColumnElement, MetaData, Table
from sqlalchemy.schema import SchemaItem

from webapp.kernel.model import NAMING
from webapp.kernel.types import JsonValue, UtcDateTime

Moment = UtcDateTime  # of a column: an aware moment, the same on both databases
Json = JsonValue  # of a column: what JSON can say

Row = Mapping[str, Any]


def own_tables() -> MetaData:
    """Where the plugin's tables are declared: METADATA of its module `models`, from which tools/revision.py writes migrations."""
    return MetaData(naming_convention=NAMING)


def own_table(name: str, metadata: MetaData, *parts: SchemaItem) -> Table:
    """A table whose rows are a brand's, by (brand_id, id); `parts` are its other columns, keys and indexes, each unique and
    foreign key of which begins with brand_id. name: begins with `plg_<plugin>_`."""
    return Table(
        name,
        metadata,
        Column("brand_id", BigInteger, primary_key=True, autoincrement=False),
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        *parts,
    )


class Tables(Protocol):
    """The plugin's own tables, those whose names begin with `plg_<plugin>_`. Each verb is one statement on one of them, in the
    unit of work at hand, and the core adds the brand: no row of another brand is seen, changed or made.

    where: comparisons of the table's own columns with values and with each other (`TEAM.c.members < TEAM.c.size`), joined
    with `&`, `|` and `~`; several are all to hold. No subqueries, functions or text. Raises ValueError for anything else,
    and RuntimeError where a page that is only looked at would change something.
    """

    def add(self, table: Table, **values: Any) -> int | None:
        """A new row; its id, or None where a unique key of the table has such a row already."""
        ...

    def rows(
        self, table: Table, *where: ColumnElement[bool], order: Sequence[Any] = (), limit: int = 200
    ) -> list[Row]:
        """Rows as mappings, at most `limit` (1,000 at most). order: columns, or `column.desc()`; the id comes last."""
        ...

    def count(self, table: Table, *where: ColumnElement[bool]) -> int:
        """How many rows."""
        ...

    def change(self, table: Table, *where: ColumnElement[bool], **values: Any) -> int:
        """Change rows; how many there were. A limit is kept by what is asked for in `where`, and by looking at the answer:
        `change(TEAM, TEAM.c.id == 5, TEAM.c.members < TEAM.c.size, members=TEAM.c.members + 1) == 1`. The rows stay as they
        are for all others until the unit ends."""
        ...

    def remove(self, table: Table, *where: ColumnElement[bool]) -> int:
        """Remove rows; how many there were."""
        ...
