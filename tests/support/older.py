"""A database as the first core revision made it, with rows: tables by running the migrations up to 0001, rows by plain SQL.

Nothing of today's program writes the old tables: the rows of a shop that exists are copied column by column, those columns
that 0001 has, in the database's own form.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from webapp.backup import postgres
from webapp.kernel import migrate
from webapp.kernel.db import Database

FIRST = "0001"
WHOLE = 50_000  # rows; of larger tables the numbers are summed, of others each cell is compared
Columns = dict[str, list[str]]


def first_revision(url: str, folder: Path) -> Columns:
    """Make the tables of 0001 in the empty database; their columns, by table."""
    folder.mkdir()
    for file in migrate.core().folder.glob(f"{FIRST}_*.py"):
        shutil.copy(file, folder)
    migrate._run(url, migrate.Branch("", folder))
    assert migrate.current(url, migrate.core()) == FIRST
    with _connected(url) as engine_connection:
        from sqlalchemy import inspect

        seen = inspect(engine_connection)
        return {
            name: [column["name"] for column in seen.get_columns(name)]
            for name in seen.get_table_names()
            if not name.startswith("alembic_version")
        }


def fill(url: str, source: Path, columns: Columns) -> None:
    """Copy the rows of a shop's SQLite file into those tables."""
    with closing(sqlite3.connect(source)) as shop:
        if url.startswith("sqlite"):
            shop.execute("ATTACH ? AS old", (url.removeprefix("sqlite:///"),))
            for name, listed in columns.items():
                words = ", ".join(f'"{column}"' for column in listed)
                shop.execute(f'DELETE FROM old."{name}"')  # the one row that 0001 itself puts in
                shop.execute(f'INSERT INTO old."{name}" ({words}) SELECT {words} FROM main."{name}"')
            shop.commit()
            return
        with postgres.engine(url).connect() as held:
            target = held.connection.driver_connection
            assert target is not None
            target.execute("BEGIN")
            target.execute("SET LOCAL session_replication_role = replica")  # in any order of tables
            for name, listed in columns.items():
                words = ", ".join(f'"{column}"' for column in listed)
                target.execute(f'DELETE FROM "{name}"')
                with target.cursor().copy(f'COPY "{name}" ({words}) FROM STDIN') as copy:
                    for row in shop.execute(f'SELECT {words} FROM "{name}"'):
                        copy.write_row([None if cell is None else str(cell) for cell in row])
            target.execute("COMMIT")
            target.execute("ANALYZE")


def prints(url: str, columns: Columns) -> dict[str, str]:
    """A fingerprint of each table, over the columns named."""
    found = {}
    with _connected(url) as connection:
        for name, listed in columns.items():
            count = connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()
            if count > WHOLE:
                numbers = ", ".join(
                    f'sum("{one}")' for one in listed if one.endswith(("_minor", "position", "_seq"))
                )
                content = repr(connection.execute(text(f'SELECT {numbers or 1} FROM "{name}"')).all()[:1])
            else:
                words = ", ".join(f'"{column}"' for column in listed)
                content = "\n".join(
                    sorted(map(repr, connection.execute(text(f'SELECT {words} FROM "{name}"'))))
                )
            found[name] = f"{count} {hashlib.sha256(content.encode()).hexdigest()[:12]}"
    return found


def _connected(url: str):  # type: ignore[no-untyped-def]  # a context manager of SQLAlchemy's
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    return engine.connect()


def shop_database(url: str) -> Database:
    """For looking at the upgraded shop."""
    from tests.support import seed

    return seed.database(url)
