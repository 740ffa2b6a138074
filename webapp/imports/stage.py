"""The staged file: what was read from the shop's files, whole and checked, before the database is touched.

A small SQLite file of its own in the instance's stage folder, so that staging holds no lock that the shop needs and
memory stays flat. It is safe on disk before the import is promised, and stays until all of it has been applied.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from webapp.kernel import bulk

SUFFIX = ".stage"
WORK = ".work"  # of folders in which files are made readable
ORDER_CELLS = (
    "number TEXT, member TEXT, phone TEXT, store TEXT, at TEXT, day TEXT, gross INTEGER, discount INTEGER, paid INTEGER, "
    "digest INTEGER"
)
TABLES = f"""
CREATE TABLE member (
  row INTEGER PRIMARY KEY, number TEXT, name TEXT, phone TEXT, email TEXT, birthday TEXT, gender TEXT, joined TEXT,
  store TEXT, consents TEXT, attributes TEXT);
CREATE TABLE orders (row INTEGER PRIMARY KEY, {ORDER_CELLS});
CREATE TABLE line (at INTEGER PRIMARY KEY, product TEXT, category TEXT, quantity INTEGER, amount INTEGER);
CREATE TABLE line_group (first INTEGER PRIMARY KEY, number TEXT, row INTEGER, count INTEGER, digest INTEGER);
CREATE TABLE passed_over (number TEXT PRIMARY KEY) WITHOUT ROWID;
"""
INDEXES = {
    "members": ("CREATE INDEX member_phone ON member (phone) WHERE phone IS NOT NULL",),
    "orders": ("CREATE INDEX line_group_number ON line_group (number)",),
}
LINES = "line (product, category, quantity, amount)"


class Stage:
    """A staged file, open. Made by `create` (to fill) or `open_stage` (to apply)."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.db = connection

    @classmethod
    def create(cls, folder: Path, brand_id: int) -> Stage:
        """A new, empty one; readable by the shop's own user only, since it holds personal data."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{brand_id}-{uuid4().hex[:12]}{SUFFIX}"
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = sqlite3.connect(path, isolation_level=None)
        for pragma in (
            "page_size=8192",
            "journal_mode=OFF",
            "synchronous=OFF",
            "locking_mode=EXCLUSIVE",
            "cache_size=-8000",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.executescript(TABLES)
        connection.execute("BEGIN")
        return cls(path, connection)

    def put(self, table: str, *columns: Sequence[Any]) -> None:
        """Append rows, given as one sequence of values for each column of the table."""
        width = len(columns)
        cells: list[Any] = [None] * (width * len(columns[0]))
        for place, column in enumerate(columns):
            cells[place::width] = column
        bulk.many(self.db.executemany, table, width, cells)

    def index(self, kind: str) -> bool:
        """Once all rows are in. True when no member's or order's number comes twice."""
        table = "member" if kind == "members" else "orders"
        for statement in INDEXES[kind]:
            self.db.execute(statement)
        # Not a unique index: without a journal, one that fails leaves the file's schema broken.
        self.db.execute(f"CREATE INDEX {table}_number ON {table} (number)")
        repeated = f"SELECT 1 FROM {table} GROUP BY number HAVING count(*) > 1 LIMIT 1"
        return self.db.execute(repeated).fetchone() is None

    def ungroup(self, digest: Callable[[list[Any]], int]) -> None:
        """Where the lines of an order stand in several places of the file, give each the digest of them all."""
        scattered = self.db.execute("SELECT number FROM line_group GROUP BY number HAVING count(*) > 1")
        for (number,) in list(scattered):
            lines: list[Any] = []
            for first, after in list(
                self.db.execute(
                    "SELECT first, first + count FROM line_group WHERE number = ? ORDER BY first", (number,)
                )
            ):
                lines += self.db.execute(
                    "SELECT product, category, quantity, amount FROM line WHERE at >= ? AND at < ?",
                    (first, after),
                )
            self.db.execute("UPDATE line_group SET digest = ? WHERE number = ?", (digest(lines), number))

    def ask(self, query: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, one by one."""
        return self.db.execute(query, values)

    def having(
        self, table: str, column: str, values: Iterable[str], also: str = "1"
    ) -> list[tuple[int, str]]:
        """(row, value) of all rows that have one of `values` in a column, in the file's order."""
        self.db.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (value TEXT PRIMARY KEY) WITHOUT ROWID")
        self.db.execute("DELETE FROM wanted")
        self.db.executemany("INSERT INTO wanted VALUES (?)", ((value,) for value in values))
        found = f"SELECT row, {column} FROM {table} WHERE {column} IN (SELECT value FROM wanted) AND {also} ORDER BY row"
        return list(self.db.execute(found))

    def repeated(self, table: str, column: str) -> list[tuple[int, str, int]]:
        """(row, value, first row that has it) of all rows whose value comes more than once."""
        return list(
            self.db.execute(
                f"SELECT row, {column}, (SELECT min(row) FROM {table} b WHERE b.{column} = a.{column}) FROM {table} a "
                f"WHERE {column} IN (SELECT {column} FROM {table} WHERE {column} IS NOT NULL GROUP BY {column} "
                "HAVING count(*) > 1) ORDER BY row"
            )
        )

    def stores(self) -> set[str]:
        """All stores that rows name."""
        found = self.db.execute(
            "SELECT store FROM orders WHERE store != '' UNION SELECT store FROM member WHERE store != ''"
        )
        return {store for (store,) in found}

    def drop(self, table: str, row: int) -> bool:
        """Leave a row out; False when it was left out before."""
        return self.db.execute(f"DELETE FROM {table} WHERE row = ?", (row,)).rowcount > 0

    def by_member(self) -> None:
        """Number the orders anew, those of a member in a row, once nothing is told of the file's rows any more.

        A unit of a few hundred orders then touches a handful of members instead of a few hundred: each is looked up, locked
        and marked once, not once for every order of theirs.
        """
        self.db.execute("CREATE INDEX orders_member ON orders (member, phone)")
        self.db.execute(f"CREATE TABLE sorted (row INTEGER PRIMARY KEY, {ORDER_CELLS})")
        cells = ", ".join(cell.split()[0] for cell in ORDER_CELLS.split(", "))
        self.db.execute(
            f"INSERT INTO sorted SELECT NULL, {cells} FROM orders INDEXED BY orders_member ORDER BY member, phone, row"
        )
        self.db.execute("DROP TABLE orders")
        self.db.execute("ALTER TABLE sorted RENAME TO orders")

    def seal(self) -> None:
        """All is in: on disk, so that a promise to apply it can be kept after the plug was pulled."""
        self.db.execute("COMMIT")
        self.db.close()
        for path, flags in ((self.path, os.O_RDWR), (self.path.parent, os.O_RDONLY)):
            handle = os.open(path, flags)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def close(self) -> None:
        """Give the file back."""
        self.db.close()

    def discard(self) -> None:
        """Close and remove."""
        self.db.close()
        self.path.unlink(missing_ok=True)


def open_stage(path: Path) -> Stage:
    """A sealed one, to read from. Raises FileNotFoundError."""
    if not path.is_file():
        raise FileNotFoundError(path)
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA cache_size=-4000")
    return Stage(path, connection)


@contextmanager
def turn(folder: Path, brand_id: int, *, waiting: Callable[[], None] | None = None) -> Iterator[bool]:
    """One import a brand at a time on this machine. `waiting` is called if another is under way, then it is waited for;
    without it, False at once. The lock goes with the process, however that ends.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder / f"{brand_id}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting is None:
                yield False
                return
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield True
    finally:
        os.close(handle)


def sweep_away(folder: Path, brand_id: int, keep: Iterable[str]) -> None:
    """Remove what killed imports of a brand left behind; the caller has the brand's turn."""
    kept = set(keep)
    for path in folder.glob(f"{brand_id}-*{SUFFIX}*"):
        if path.name not in kept:
            path.unlink(missing_ok=True)
    for path in folder.glob(f"{brand_id}-*{WORK}"):
        shutil.rmtree(path, ignore_errors=True)
