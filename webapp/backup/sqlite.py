"""SQLite's part: one VACUUM INTO, which reads one snapshot and in WAL mode holds no writer up.

Why not the online backup API: it begins anew whenever another process writes, and it copies free pages, in which what was
erased can still be read.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from webapp.backup.archive import BackupError, Reader, Writer

NAME = "database/regulars.sqlite"


def dump(source: Path, writer: Writer, scratch: Path) -> tuple[dict[str, int], dict[str, str]]:
    """Copy the database through the file `scratch` (removed here); rows by table, and the revisions."""
    try:
        scratch.touch(mode=0o600, exist_ok=False)  # VACUUM INTO takes an empty file, and keeps its mode
        with closing(sqlite3.connect(source, timeout=30)) as connection:
            connection.execute("VACUUM INTO ?", (str(scratch),))
        with closing(sqlite3.connect(scratch)) as copy:
            rows, revisions = count(copy), versions(copy)
        writer.add(NAME, scratch)
    finally:
        scratch.unlink(missing_ok=True)
    return rows, revisions


def load(reader: Reader, target: Path) -> list[str]:
    """Make the new file `target` and audit it; what is wrong, a sentence each (then it is not to be used)."""
    reader.extract(NAME, target)
    with closing(sqlite3.connect(target)) as copy:
        try:
            sound = [line for (line,) in copy.execute("PRAGMA integrity_check(5)") if line != "ok"]
            lost = copy.execute("PRAGMA foreign_key_check").fetchmany(5)
            loose = [f"a row of {one[0]} points to a {one[2]} that is not there" for one in lost]
            return [*sound, *loose, *differing(reader.manifest.rows, count(copy))]
        except sqlite3.DatabaseError as why:
            raise BackupError(
                f"{reader.path} is damaged (its database cannot be read): take another one."
            ) from why


def differing(promised: dict[str, int], found: dict[str, int]) -> list[str]:
    """Tables whose rows are not as many as the manifest says."""
    return [
        f"{name} has {found.get(name, 'no table')} rows, the manifest says {promised.get(name, 'none')}"
        for name in sorted(promised.keys() | found.keys())
        if promised.get(name) != found.get(name)
    ]


def tables(connection: sqlite3.Connection) -> list[str]:
    """Names of all tables, SQLite's own left out."""
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    return [name for (name,) in found]


def count(connection: sqlite3.Connection) -> dict[str, int]:
    """Rows of each table."""
    return {
        name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
        for name in tables(connection)
    }


def versions(connection: sqlite3.Connection) -> dict[str, str]:
    """The revision of the core ("") and of each plugin."""
    return {
        name.removeprefix("alembic_version").removeprefix("_"): row[0]
        for name in tables(connection)
        if name.startswith("alembic_version")
        for row in connection.execute(f'SELECT version_num FROM "{name}"')
    }
