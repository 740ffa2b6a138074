"""The database: engines, and the one unit of work through which everything is read and written."""

from __future__ import annotations

import logging
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Executable, Row, create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.orm import Session

from webapp.kernel import clock
from webapp.kernel.ids import IdBlocks
from webapp.kernel.scope import SYSTEM, Actor, BrandRef, Ring, Scope

log = logging.getLogger("regulars.db")
T = TypeVar("T")

LONG_UNIT = 0.250  # seconds; law 3: a unit that writes lasts no longer
ATTEMPTS = 6
RESTED = 1.0  # seconds
_RETRY_SQLSTATES = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock timeout


@dataclass(slots=True)
class Meter:
    """How the units of this process went; benchmarks report it. Times in seconds."""

    units: int = 0
    worst: float = 0.0
    retries: int = 0
    times: list[float] | None = None

    def add(self, seconds: float) -> None:
        """One writing unit."""
        self.units += 1
        self.worst = max(self.worst, seconds)
        if self.times is not None:
            self.times.append(seconds)


@dataclass
class Database:
    """Engines of one database and what a unit of work needs. `ring` is called after commit with the bells of the unit."""

    url: str
    ring: Callable[[list[Ring]], None] = field(default=lambda rings: None)
    load_brand: Callable[[Session, int], BrandRef] | None = None
    meter: Meter = field(default_factory=Meter)
    _pid: int = 0
    _held: dict[str, Any] = field(default_factory=dict)

    # -- engines, per process ------------------------------------------------------------------------------------------
    @property
    def is_sqlite(self) -> bool:
        """The embedded default?"""
        return self.url.startswith("sqlite")

    def _process(self) -> dict[str, Any]:
        """Engines belong to one process: a child that finds its parent's leaves them alone and makes its own."""
        if self._pid != os.getpid():
            for engine in {
                id(e): e for e in (self._held.get("writer"), self._held.get("reader")) if e
            }.values():
                engine.dispose(close=False)
            writer = _engine(self.url, writing=True)
            reader = _engine(self.url, writing=False) if self.is_sqlite else writer
            self._held = {"writer": writer, "reader": reader, "blocks": IdBlocks(writer)}
            self._pid = os.getpid()
        return self._held

    @property
    def engine(self) -> Engine:
        """The writing engine (on SQLite each transaction begins IMMEDIATE)."""
        engine: Engine = self._process()["writer"]
        return engine

    @property
    def reader(self) -> Engine:
        """For pages: on SQLite a read-only engine that never waits for the writer."""
        engine: Engine = self._process()["reader"]
        return engine

    @property
    def blocks(self) -> IdBlocks:
        """The process's stock of ids."""
        blocks: IdBlocks = self._process()["blocks"]
        return blocks

    def close(self) -> None:
        """Give all connections back."""
        for engine in (self._held.get("writer"), self._held.get("reader")):
            if engine is not None:
                engine.dispose()
        self._held, self._pid = {}, 0

    # -- units of work -------------------------------------------------------------------------------------------------
    def write(
        self,
        work: Callable[[Scope], T],
        *,
        brand: BrandRef | None = None,
        actor: Actor = SYSTEM,
        now: datetime | None = None,
    ) -> T:
        """Run `work(scope)` in one transaction, commit, ring the bells; what `work` returns is returned.

        A serialization failure, a deadlock or a busy SQLite is tried again from the start, at most ATTEMPTS times:
        `work` must be safe to run anew. Any other exception rolls back and is raised.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._write_once(work, brand, actor, now)
            except DBAPIError as fault:
                if attempt == ATTEMPTS or not _passing(fault):
                    raise
                self.meter.retries += 1
                time.sleep(random.uniform(0, 0.02 * 2**attempt))
        raise AssertionError("unreachable")

    def _write_once(
        self, work: Callable[[Scope], T], brand: BrandRef | None, actor: Actor, now: datetime | None
    ) -> T:
        # The transaction is the connection's, and the session joins it where one is asked for.
        with self.engine.connect() as connection:
            scope = Scope(brand, actor, now or clock.now(), self.blocks, connection=connection, db=self)
            try:
                connection.begin()  # waits for SQLite's write lock here, so that waiting is not counted as work
                started = time.perf_counter()
                result = work(scope)
                scope.flush()
                connection.commit()
            finally:
                if scope.opened is not None:
                    scope.opened.close()
            self.blocks.settle(scope)
            took = time.perf_counter() - started
            self.meter.add(took)
            if took > LONG_UNIT:
                log.warning(
                    "a unit of work took %.0f ms (%s)", took * 1000, getattr(work, "__qualname__", work)
                )
        for then in scope.committed:
            then()
        if scope.rings:
            self.ring(scope.rings)
        return result

    @contextmanager
    def read(
        self, *, brand: BrandRef | None = None, actor: Actor = SYSTEM, now: datetime | None = None
    ) -> Iterator[Scope]:
        """A scope for looking only. On SQLite the database itself refuses a write; on PostgreSQL the transaction does."""
        with Session(self.reader, expire_on_commit=False) as session:
            if not self.is_sqlite:
                session.connection(execution_options={"postgresql_readonly": True})
            yield Scope(brand, actor, now or clock.now(), self.blocks, opened=session, db=self)
            session.expunge_all()  # nothing is written, and what was loaded stays readable
            session.commit()  # at a rollback psycopg would forget its prepared statements, and prepare none ever

    def glance(self, statement: Executable, **values: Any) -> Sequence[Row[*tuple[Any, ...]]]:
        """The rows of one statement that only reads, outside any unit of work: what is asked at every door costs PostgreSQL
        one turn, not three."""
        with self.reader.connect() as connection:
            if not self.is_sqlite:
                connection.execution_options(isolation_level="AUTOCOMMIT")
            return connection.execute(statement, values).all()

    def brand(self, brand_id: int) -> BrandRef:
        """The brand of an id (jobs carry ids only). Raises NotFound through the registered loader."""
        if self.load_brand is None:
            raise RuntimeError("no brand loader registered")
        with self.read() as scope:
            return self.load_brand(scope.session, brand_id)


def _engine(url: str, *, writing: bool) -> Engine:
    parsed: URL = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=5,
            max_overflow=10,
            hide_parameters=True,  # phones and tokens stand in them, and faults are logged
            connect_args={"options": "-c timezone=UTC -c lock_timeout=10s -c synchronous_commit=on"},
        )
        _ask_who_rested(engine)
        return engine
    engine = create_engine(
        parsed,
        pool_size=8,
        max_overflow=8,
        hide_parameters=True,
        connect_args={"timeout": 30, "check_same_thread": False},
    )
    begin = "BEGIN IMMEDIATE" if writing else "BEGIN"

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=30000",
            "temp_store=MEMORY",
            "cache_size=-16000",
            *(() if writing else ("query_only=ON",)),
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _ask_who_rested(engine: Engine) -> None:
    """A connection that lay idle is asked whether it still works before it is used, and with one that does not all are made
    anew (as pool_pre_ping). One that has just worked is not asked: a crowd is spared a turn in each unit."""

    @event.listens_for(engine, "checkin")
    def _rests(_connection: Any, record: Any) -> None:
        record.info["since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _wakes(connection: Any, record: Any, _fairy: Any) -> None:
        since = record.info.get("since")
        if since is None or time.monotonic() - since < RESTED:  # new, or warm
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as why:
            raise InvalidatePoolError from why


def _passing(fault: DBAPIError) -> bool:
    """Worth another try?"""
    state = getattr(fault.orig, "sqlstate", None)
    if state is not None:
        return state in _RETRY_SQLSTATES
    words = str(fault.orig)
    return "database is locked" in words or "database table is locked" in words


def unreachable(fault: BaseException) -> str | None:
    """What the driver said, in one line, if `fault` is about the connection rather than about a statement; else None."""
    if not isinstance(fault, DBAPIError):
        return None
    said = (str(fault.orig).splitlines() or [type(fault.orig).__name__])[0]
    if fault.connection_invalidated or isinstance(fault, InterfaceError):
        return said
    if not isinstance(fault, OperationalError):
        return None
    if isinstance(fault.orig, sqlite3.Error):  # SQLite calls a missing table operational, too
        return said if any(words in said for words in ("unable to open", "locked", "disk I/O")) else None
    return said if getattr(fault.orig, "sqlstate", None) is None else None
