"""PostgreSQL's part: schema and rows by our own COPY, all of one REPEATABLE READ snapshot; and back, in one transaction.

What is written into the file is what the catalogue says, not what our models say: tables of plugins that are not installed
here, and of older revisions, come back as they were. Keys and indexes are made after the rows: adding a foreign key checks
every row, which is the audit.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.pool import NullPool

from webapp.backup.archive import PIECE, BackupError, Reader, Writer
from webapp.backup.sqlite import differing

SCHEMA = "database/schema.json"
TABLES = "database/tables"

_TABLES = """
SELECT c.oid, c.relname, array_to_string(c.reloptions, ', ') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind = 'r' ORDER BY c.relname"""
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum"""
_CONSTRAINTS = """
SELECT conname, contype::text, pg_get_constraintdef(oid, true) FROM pg_constraint
WHERE conrelid = %s AND contype IN ('p', 'u', 'c', 'f', 'x') ORDER BY contype = 'f', contype <> 'p', conname"""
_INDEXES = """
SELECT pg_get_indexdef(i.indexrelid, 0, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %s AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid AND contype IN ('p', 'u', 'x'))
ORDER BY c.relname"""
_SEQUENCES = """
SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema() ORDER BY sequencename"""


def engine(url: str) -> Engine:
    """An engine of ours alone: one connection, no pool."""
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"options": "-c timezone=UTC -c lock_timeout=10s", "autocommit": True},
    )


def dump(url: str, writer: Writer) -> tuple[dict[str, int], dict[str, str]]:
    """Write schema and rows of one snapshot; rows by table, and the revisions. Writers are not held up."""
    rows: dict[str, int] = {}
    opened = engine(url)
    with opened.connect() as held:
        connection: Any = held.connection.driver_connection
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        schema = describe(connection)
        with writer.entry(SCHEMA) as out:
            out.write(json.dumps(schema, indent=1).encode())
        for table in schema["tables"]:
            name, rows[table["name"]], held_back = table["name"], 0, bytearray()
            with (
                writer.entry(f"{TABLES}/{name}.copy") as out,
                connection.cursor().copy(f"COPY {_listed(table)} TO STDOUT") as copy,
            ):
                for row in copy:
                    held_back += row
                    rows[name] += 1
                    if len(held_back) >= PIECE:
                        out.write(bytes(held_back))
                        held_back.clear()
                out.write(bytes(held_back))
        revisions = {
            name.removeprefix("alembic_version").removeprefix("_"): found[0]
            for name in rows
            if name.startswith("alembic_version")
            for found in connection.execute(f"SELECT version_num FROM {_quoted(name)}").fetchall()
        }
        connection.execute("ROLLBACK")
    return rows, revisions


def describe(connection: Any) -> dict[str, Any]:
    """Tables with columns, constraints and indexes, and sequences, in the catalogue's own words."""
    tables = []
    for oid, name, options in connection.execute(_TABLES).fetchall():
        tables.append(
            {
                "name": name,
                "options": options,
                "columns": [list(row) for row in connection.execute(_COLUMNS, (oid,)).fetchall()],
                "constraints": [list(row) for row in connection.execute(_CONSTRAINTS, (oid,)).fetchall()],
                "indexes": [row[0] for row in connection.execute(_INDEXES, (oid,)).fetchall()],
            }
        )
    return {"tables": tables, "sequences": [list(row) for row in connection.execute(_SEQUENCES).fetchall()]}


def load(reader: Reader, connection: Any) -> list[str]:
    """Make tables and rows in the current schema, which has none, inside the caller's transaction; what is wrong."""
    schema = json.loads(reader.read(SCHEMA))
    for name, _last in schema["sequences"]:
        connection.execute(f"CREATE SEQUENCE IF NOT EXISTS {_quoted(name)}")
    for table in schema["tables"]:
        options = f" WITH ({table['options']})" if table["options"] else ""
        columns = ", ".join(_column(*one) for one in table["columns"])
        connection.execute(f"CREATE TABLE {_quoted(table['name'])} ({columns}){options}")
    for table in schema["tables"]:
        with connection.cursor().copy(f"COPY {_listed(table)} FROM STDIN") as copy:
            for piece in reader.pieces(f"{TABLES}/{table['name']}.copy"):
                copy.write(piece)
    for table in schema["tables"]:
        for name, kind, words in table["constraints"]:
            if kind != "f":
                connection.execute(
                    f"ALTER TABLE {_quoted(table['name'])} ADD CONSTRAINT {_quoted(name)} {words}"
                )
        for words in table["indexes"]:
            connection.execute(words)
    for name, last in schema["sequences"]:
        if last is not None:
            connection.execute("SELECT setval(%s::regclass, %s)", (_quoted(name), last))
    wrong = differing(reader.manifest.rows, count(connection, [table["name"] for table in schema["tables"]]))
    for table in schema["tables"]:
        for name, kind, words in table["constraints"]:
            if kind == "f":
                try:
                    connection.execute(
                        f"ALTER TABLE {_quoted(table['name'])} ADD CONSTRAINT {_quoted(name)} {words}"
                    )
                except Exception as why:
                    if getattr(why, "sqlstate", "") != "23503":
                        raise
                    wrong.append(f"a row of {table['name']} points to one that is not there ({name})")
                    return wrong
    return wrong


def count(connection: Any, names: list[str]) -> dict[str, int]:
    """Rows of these tables."""
    return {name: connection.execute(f"SELECT count(*) FROM {_quoted(name)}").fetchone()[0] for name in names}


def table_names(connection: Any) -> list[str]:
    """Tables of the current schema."""
    return [name for _oid, name, _options in connection.execute(_TABLES).fetchall()]


def set_aside(connection: Any, stamp: str) -> str | None:
    """Move what is in the current schema into one called `replaced_STAMP`; None: there was nothing."""
    names = table_names(connection)
    if not names:
        return None
    aside = f"replaced_{stamp.replace('-', '_')}"
    connection.execute(f"CREATE SCHEMA {_quoted(aside)}")
    for name in names:
        connection.execute(f"ALTER TABLE {_quoted(name)} SET SCHEMA {_quoted(aside)}")
    for name, _last in connection.execute(_SEQUENCES).fetchall():  # those that no column owns
        connection.execute(f"ALTER SEQUENCE {_quoted(name)} SET SCHEMA {_quoted(aside)}")
    return aside


def refused(fault: Exception) -> BackupError | None:
    """The sentence for what the server does not let us do; None for any other fault."""
    state = getattr(fault, "sqlstate", None)
    if state == "42501":
        return BackupError(
            f"PostgreSQL does not let this user make tables and schemas here ({str(fault).splitlines()[0]}): "
            "restore as the database's owner."
        )
    if state == "55P03":
        return BackupError(
            "Somebody is using the database: stop every part of the shop first. Nothing was changed."
        )
    return None


def _column(name: str, kind: str, needed: bool, identity: str, default: str | None) -> str:
    words = [_quoted(name), kind]
    if identity:
        words.append(f"GENERATED {'ALWAYS' if identity == 'a' else 'BY DEFAULT'} AS IDENTITY")
    elif default is not None:
        words.append(f"DEFAULT {default}")
    return " ".join([*words, *(["NOT NULL"] if needed else [])])


def _listed(table: dict[str, Any]) -> str:
    return f"{_quoted(table['name'])} ({', '.join(_quoted(column[0]) for column in table['columns'])})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
