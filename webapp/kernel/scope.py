"""Who acts, for which brand, when, in which transaction: the first argument of every service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.orm import Session

from webapp.kernel import clock

if TYPE_CHECKING:
    from webapp.kernel.db import Database
    from webapp.kernel.ids import IdBlocks

ActorKind = Literal["staff", "member", "system", "public", "api"]


@dataclass(frozen=True, slots=True)
class BrandRef:
    """What the rooms need to know of a brand. currency: ISO 4217; timezone: IANA; region: where phones are read."""

    id: int
    code: str
    name: str
    currency: str
    timezone: str
    region: str
    locale: str = "en"
    colour: str = ""
    logo: str = ""  # the picture's digest; "": none


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `permissions` are the names that routes ask for; system may do everything.

    stores: the stores whose members, orders and redemptions this actor sees in lists and profiles; None: all of the brand.
    behalf: the member of staff in whose name a program acts (kind api, whose id is its key's); 0: in its own.
    """

    kind: ActorKind
    id: int = 0
    name: str = ""
    role: str = ""
    permissions: frozenset[str] = frozenset()
    stores: frozenset[int] | None = None
    behalf: int = 0

    @property
    def staff_id(self) -> int:
        """Who answers for what is done, where a row names a member of staff."""
        return self.behalf or self.id

    def can(self, permission: str) -> bool:
        """Deny by default."""
        return self.kind == "system" or permission in self.permissions


SYSTEM = Actor("system", name="system")
PUBLIC = Actor("public", name="public")


@dataclass(frozen=True, slots=True)
class Ring:
    """A bell to ring after commit: a job's name and ids (JSON-able)."""

    job: str
    ids: dict[str, Any]


@dataclass(slots=True)
class Scope:
    """One unit of work. Made by `Database.write` and `Database.read`; services never commit it."""

    brand_or_none: BrandRef | None
    actor: Actor
    now: datetime
    blocks: IdBlocks
    opened: Session | None = None  # the session, once it is needed
    connection: Connection | None = None  # the unit's, once it is needed
    ids: range = range(0)  # of this unit alone until it has committed
    rings: list[Ring] = field(default_factory=list)
    committed: list[Callable[[], None]] = field(default_factory=list)
    db: Database | None = (
        None  # for what is done later, in units of its own (a plugin's verbs); never within this one
    )

    @property
    def session(self) -> Session:
        """The unit's session: a writing unit that sends all of its statements itself never makes one."""
        if self.opened is None:
            self.opened = Session(self.connection, expire_on_commit=False)
        return self.opened

    @property
    def brand(self) -> BrandRef:
        """The brand of this unit; only the operator's units have none."""
        if self.brand_or_none is None:
            raise RuntimeError("this unit of work has no brand")
        return self.brand_or_none

    @property
    def dialect(self) -> str:
        """The database's kind: sqlite or postgresql."""
        return self.at.dialect.name

    @property
    def at(self) -> Connection:
        """The unit's own connection."""
        if self.connection is None:
            self.connection = self.session.connection()
        return self.connection

    def send(self, statement: Executable, values: Any = None) -> CursorResult[*tuple[Any, ...]]:
        """A statement past the session, to the unit's own connection: for rows that need no bookkeeping. What was added to the
        session is not flushed before."""
        return self.at.execute(statement, values)

    def flush(self) -> None:
        """What was added to the session is sent before what goes past it."""
        if self.opened is not None:
            self.opened.flush()

    @property
    def today(self) -> date:
        """The brand's local day."""
        return clock.local_day(self.now, self.brand.timezone)

    def new_id(self) -> int:
        """One fresh 64-bit id, unique across tables and brands."""
        return self.blocks.take(self, 1)[0]

    def new_ids(self, n: int) -> range:
        """n fresh ids in a row."""
        return self.blocks.take(self, n)

    def ring(self, job: str, **ids: Any) -> None:
        """Ring the queue's doorbell once this unit has committed."""
        ring = Ring(job, ids)
        if ring not in self.rings:
            self.rings.append(ring)

    def emit(self, name: str, **payload: Any) -> None:
        """One event row for each subscriber, in this transaction (kernel.events)."""
        from webapp.kernel import events

        events.emit(self, name, payload)

    def audit(self, verb: str, subject: str, subject_id: int | None = None, **detail: Any) -> None:
        """Record who did what to what (kernel.audit). No personal data and no secret in `detail`."""
        from webapp.kernel import audit

        audit.record(self, verb, subject, subject_id, detail)
