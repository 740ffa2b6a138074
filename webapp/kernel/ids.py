"""64-bit ids, allotted in blocks, unique across tables and brands.

A block that is taken inside a transaction belongs to it until it commits: after a rollback the counter is back where it
was, so the rest of the block must not be used. PostgreSQL takes blocks on a connection of its own, so that the counter's
row is never held for the length of somebody's work; SQLite has one writer, which already holds the lock.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, String, event, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base

if TYPE_CHECKING:
    from webapp.kernel.scope import Scope

BLOCK = 512
FIRST = 1000
_TAKE = "UPDATE id_block SET next = next + :n WHERE name = 'id' RETURNING next"


class IdBlock(Base):
    """The counter. One row, made by the first migration."""

    __tablename__ = "id_block"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    next: Mapped[int] = mapped_column(BigInteger, nullable=False)


class IdBlocks:
    """A process's stock of ids. Safe among threads; forget it after a fork."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._stock: range = range(0)

    def forget(self) -> None:
        """After a fork: the parent keeps the block."""
        self._lock = threading.Lock()
        self._stock = range(0)

    def take(self, scope: Scope, n: int) -> range:
        """n ids in a row, for a unit of work."""
        if n < 1:
            return range(0)
        with self._lock:
            if len(self._stock) >= n:
                taken, self._stock = self._stock[:n], self._stock[n:]
                return taken
        own = scope.ids
        if len(own) < n:
            own = self._fetch(scope, max(n, BLOCK))
        scope.ids = own[n:]
        return own[:n]

    def _fetch(self, scope: Scope, n: int) -> range:
        if self._engine.dialect.name == "sqlite":
            end: int = scope.send(text(_TAKE), {"n": n}).scalar_one()
            return range(end - n, end)
        return self.apart(n)

    def apart(self, n: int) -> range:
        """PostgreSQL only: n ids in a row that belong to no unit, for work that is made ready before its unit begins."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as apart:
            end: int = apart.execute(text(_TAKE), {"n": n}).scalar_one()
        return range(end - n, end)

    def settle(self, scope: Scope) -> None:
        """Called by the unit of work once it has committed: the rest of its block becomes the process's stock."""
        if scope.ids:
            with self._lock:
                if len(scope.ids) > len(self._stock):
                    self._stock = scope.ids


@event.listens_for(IdBlock.__table__, "after_create")
def _first_row(target: object, connection: object, **_: object) -> None:
    """`create_all` in tools gets the row that the migration also writes."""
    connection.execute(text(f"INSERT INTO id_block (name, next) VALUES ('id', {FIRST})"))  # type: ignore[attr-defined]
