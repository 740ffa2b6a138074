"""Statements are compiled once a worker, not once a test.

SQLAlchemy keeps what it has compiled for each engine, as long as that lives: a program's whole life, but here only a
test's, and the compiling anew was a quarter of the suite's time. Engines of one kind share it here.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from webapp.kernel import db

MOST = 5000  # statements, before all are forgotten; a property's made-up conditions are new ones each time


class Shared(dict[Any, Any]):
    """Statements by their keys, of which an engine's dialect is a part: it counts by its kind (`share`)."""

    def __setitem__(self, key: Any, value: Any) -> None:
        if len(self) >= MOST:
            self.clear()
        super().__setitem__(key, value)


def share() -> None:
    """From now on, in this process."""
    for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        kind.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
        kind.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]
    make, compiled = db._engine, Shared()

    def engine(url: str, *, writing: bool) -> Engine:
        made = make(url, writing=writing)
        made.update_execution_options(compiled_cache=compiled)
        return made

    db._engine = engine
