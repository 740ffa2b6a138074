"""The base of all models: naming convention from the first revision, brand fence by composite keys."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKeyConstraint,
    MetaData,
    String,
    Table,
    literal_column,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """All tables of the core."""

    metadata = MetaData(naming_convention=NAMING)


class BrandRow:
    """A row of a brand: primary key (brand_id, id). Every unique and foreign key of such a table begins with brand_id."""

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, sort_order=-2)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, sort_order=-1)


def table_of(model: type[Base]) -> Table:
    """A model's table, past the ORM."""
    return cast("Table", model.__table__)


def inline(word: str) -> ColumnElement[str]:
    """A constant of ours in the statement's text, not bound to it. PostgreSQL then expects as few rows of a statement that it has
    prepared as where it plans it anew; it would otherwise plan anew each time, for longer than the statement takes."""
    return literal_column("'" + word.replace("'", "''") + "'", String())


def brand_fk(column: str, table: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """The foreign key (brand_id, column) -> table (brand_id, id): the database refuses a row that crosses brands."""
    return ForeignKeyConstraint(["brand_id", column], [f"{table}.brand_id", f"{table}.id"], ondelete=ondelete)


def clustered(*constraints: Any) -> tuple[Any, ...]:
    """Table args of a table that SQLite stores by its primary key (WITHOUT ROWID): one tree instead of two."""
    return (*constraints, {"sqlite_with_rowid": False})
