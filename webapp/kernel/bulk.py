"""Many rows at once, past the ORM: COPY on PostgreSQL, executemany on SQLite, in the unit's own transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, text
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator

from webapp.kernel.model import Base
from webapp.kernel.scope import Scope

if TYPE_CHECKING:
    from webapp.kernel.db import Database

TOGETHER = 64


def commit_soon(scope: Scope) -> None:
    """PostgreSQL: this unit's commit is on disk a blink later, and before any that follows it; for work that is done again
    when it was lost."""
    if not is_sqlite(scope):
        scope.at.exec_driver_sql("SET LOCAL synchronous_commit = off")


def is_sqlite(scope: Scope) -> bool:
    """The embedded default?"""
    return scope.dialect == "sqlite"


def insert(scope: Scope, model: type[Base], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert `rows`, each with a value for every one of `columns`; no column default is filled in.

    Values are what the model takes (aware datetimes, dates, ints, text, None). Raises what the driver raises.
    """
    if not rows:
        return
    scope.flush()
    _write(scope, model, columns, _converted(scope, model, columns, rows))


def insert_text(scope: Scope, model: type[Base], columns: Sequence[str], blocks: Iterable[str]) -> None:
    """PostgreSQL only: rows already written in COPY's text format (tabs between, a newline after each)."""
    scope.flush()
    with (
        _driver(scope).cursor() as cursor,
        cursor.copy(f"COPY {_target(scope, model, columns)} FROM STDIN") as copy,
    ):
        for block in blocks:
            copy.write(block)


def insert_cells(
    scope: Scope, model: type[Base], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """As `insert`, but the values are what the database takes itself: moments and days as ISO text, no booleans."""
    if not rows:
        return
    scope.flush()
    _write(scope, model, columns, rows)


def insert_select(
    scope: Scope, model: type[Base], columns: Sequence[str], select: str, values: Mapping[str, Any]
) -> int:
    """SQLite only: what a query (in its own words, perhaps on an attached file) yields. Returns how many rows."""
    scope.flush()
    cursor = _driver(scope).execute(f"INSERT INTO {_target(scope, model, columns)} {select}", values)
    return int(cursor.rowcount)


def ask(scope: Scope, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """SQLite only: the rows of a query in its own words."""
    scope.flush()
    return list(_driver(scope).execute(query, values))


def attach(scope: Scope, path: Path, name: str) -> Callable[[], None]:
    """SQLite only: let this unit's connection read another file as schema `name`; returns what detaches it.

    The connection keeps it beyond the unit (a file cannot be detached within one): call detach once no unit runs.
    """
    driver = _driver(scope)
    if name not in (row[1] for row in driver.execute("PRAGMA database_list")):
        driver.execute(f"ATTACH ? AS {name}", (str(path),))

    def detach() -> None:
        with suppress(sqlite3.Error):  # closed meanwhile, or detached before
            driver.execute(f"DETACH {name}")

    return detach


def many(
    execute_many: Callable[[str, Iterable[Sequence[Any]]], Any], target: str, width: int, cells: list[Any]
) -> None:
    """SQLite: INSERT INTO `target` of `cells`, row after row, `width` cells each.

    TOGETHER rows a statement: what a statement costs apart from its rows is half of what bare executemany takes.
    """
    row = f"({', '.join('?' * width)})"
    step = width * TOGETHER
    whole = len(cells) - len(cells) % step
    if whole:
        parts = (cells[at : at + step] for at in range(0, whole, step))
        execute_many(f"INSERT INTO {target} VALUES {', '.join([row] * TOGETHER)}", parts)
    if whole < len(cells):
        rest = (cells[at : at + width] for at in range(whole, len(cells), width))
        execute_many(f"INSERT INTO {target} VALUES {row}", rest)


def _write(scope: Scope, model: type[Base], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    if is_sqlite(scope):
        cells = list(chain.from_iterable(rows))
        many(_driver(scope).executemany, _target(scope, model, columns), len(columns), cells)
        return
    with (
        _driver(scope).cursor() as cursor,
        cursor.copy(f"COPY {_target(scope, model, columns)} FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _driver(scope: Scope) -> Any:
    return scope.at.connection.driver_connection


def _target(scope: Scope, model: type[Base], columns: Sequence[str]) -> str:
    prepare = scope.at.dialect.identifier_preparer
    names = ", ".join(prepare.quote(column) for column in columns)
    return f"{prepare.quote(model.__tablename__)} ({names})"


def _converted(
    scope: Scope, model: type[Base], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> Iterable[Sequence[Any]]:
    """The rows with the values of typed columns as the driver wants them."""
    dialect = scope.at.dialect
    table = model.__table__
    converters: list[tuple[int, Callable[[Any], Any]]] = []
    for at, column in enumerate(columns):
        convert = table.c[column].type.dialect_impl(dialect).bind_processor(dialect)
        if convert is not None:
            converters.append((at, convert))
    if not converters:
        return rows
    return (_row(row, converters) for row in rows)


def _row(row: Sequence[Any], converters: list[tuple[int, Callable[[Any], Any]]]) -> list[Any]:
    cells = list(row)
    for at, convert in converters:
        cells[at] = convert(cells[at])
    return cells


# --- one of many values ---------------------------------------------------------------------------------------------


class _Values(TypeDecorator[list[Any]]):
    """Many values as one parameter: JSON on SQLite, on PostgreSQL an array in the server's own writing (a list of Python's
    would be written out by the driver value by value)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """The list as text."""
        if dialect.name == "sqlite":
            return json.dumps(value)
        return "{" + ",".join([str(one) if isinstance(one, int) else _quoted(one) for one in value]) + "}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class _Among(FunctionElement[Any]):
    """`column IN (values)` with a single parameter, so that the statement is the same for any number of them."""

    name = "among"
    type = (
        NullType()
    )  # were it Boolean, SQLite would be given "... = 1", which hides the index from its planner
    inherit_cache = True
    of = "TEXT"


class _AmongTexts(_Among):
    inherit_cache = True


class _AmongNumbers(_Among):
    inherit_cache = True
    of = "BIGINT"


@compiles(_Among, "sqlite")
def _among_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    column, values = (compiler.process(part, **kw) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


@compiles(_Among, "postgresql")
def _among_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    column, values = (compiler.process(part, **kw) for part in element.clauses)
    return f"{column} = ANY (CAST ({values} AS {element.of}[]))"


def among(column: Any, values: Collection[Any]) -> ColumnElement[bool]:
    """`column` (of ids or of text) is one of `values`: far cheaper than in_() for hundreds, and without its limit."""
    kind = _AmongNumbers if isinstance(column.type, BigInteger) else _AmongTexts
    return kind(column, bindparam(None, list(values), type_=_Values()))


def analyse(db: Database, *models: type[Base]) -> None:
    """PostgreSQL: count again what is in these tables, now that much has come in. It blocks nobody.

    Without it the planner takes hundreds of values for most of a table that it believes to be nearly empty, reads all of it
    for every batch, and gets slower with each; the server's own count comes minutes later. Of the columns, only those
    of keys and indexes are looked at: wide texts take most of the time and choose no plan.
    """
    if not db.is_sqlite:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for model in models:
                table: Any = model.__table__
                looked_up = {c.name for key in (*table.constraints, *table.indexes) for c in key.columns}
                names = ", ".join(name for name in table.c.keys() if name in looked_up)  # noqa: SIM118
                connection.exec_driver_sql(f"ANALYZE {model.__tablename__} ({names})")


def analyse_unknown(db: Database, *models: type[Base]) -> None:
    """As `analyse`, of these tables those in which nothing was ever counted."""
    analyse(db, *(model for model in models if not db.is_sqlite and believed(db, model) <= 0))


def believed(db: Database, model: type[Base]) -> int:
    """PostgreSQL: how many rows its planner takes a table to hold; 0 or less when they were never counted. 0 on SQLite."""
    if db.is_sqlite:
        return 0
    with db.engine.connect() as connection:
        kept = text("SELECT reltuples FROM pg_class WHERE oid = CAST(:table AS regclass)")
        return int(connection.scalar(kept, {"table": model.__tablename__}) or 0)
