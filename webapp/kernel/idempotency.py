"""The same request twice does its work once and gets the same answer twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import (
    BigInteger,
    Index,
    Row,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel import clock
from webapp.kernel.doorbell import job, sweep
from webapp.kernel.errors import UserError
from webapp.kernel.model import Base
from webapp.kernel.scope import Ring, Scope
from webapp.kernel.types import JsonValue, UtcDateTime

if TYPE_CHECKING:
    from webapp.kernel.db import Database

KEPT = timedelta(days=14)  # nobody sends a form again after two weeks
BATCH = 500


class Idempotency(Base):
    """What a key was answered. `purpose` guards a key against being used for something else."""

    __tablename__ = "idempotency"
    __table_args__ = (Index(None, "created_at"),)

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(60))
    answer: Mapped[Any] = mapped_column(JsonValue)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


def N_(message: str) -> str:
    """Marks a message for the catalogue; the edge that shows it translates it."""
    return message


def insert_or_ignore(scope: Scope, model: type[Base]) -> Any:
    """An INSERT ... ON CONFLICT DO NOTHING for the unit's database. Its rowcount tells how many are new.

    SQLAlchemy drops the rowcount of an INSERT on psycopg unless it is told to keep it.
    """
    name = scope.dialect
    build: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}.get(name, insert)
    return build(model).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def once(scope: Scope, key: str, purpose: str, work: Callable[[], Any]) -> Any:
    """Run `work` if `key` is new in this brand, else give the stored answer. The answer is JSON-able.

    The row is written first: of two requests at the same time the second waits for the first to commit, then reads.
    A refusal is an answer like another; a fault rolls the row back, so that the retry runs anew.
    """
    first, stored = keep(scope, key, purpose, None)
    if not first:
        return stored
    answer = work()
    amend(scope, key, answer)
    return answer


def keep(scope: Scope, key: str, purpose: str, answer: Any) -> tuple[bool, Any]:
    """Write down the answer of a new key: True and the answer. Of a key that was answered: False and that answer.

    For work whose answer is known before it is done; `amend` if it comes out otherwise, in the same unit.
    """
    if not key or len(key) > 64:
        raise UserError(N_("The form is incomplete. Open the page again."))
    row = {
        "brand_id": scope.brand.id,
        "key": key,
        "purpose": purpose,
        "answer": answer,
        "created_at": scope.now,
    }
    if scope.send(_new_key(scope.dialect), row).rowcount == 1:
        return True, answer
    stored = kept(scope, key, purpose)
    assert stored is not None, "a row that stood in the way is there"
    return False, stored.answer


def kept(scope: Scope, key: str, purpose: str) -> Row[Any] | None:
    """What a key was answered (`.answer`), None: nothing yet. Raises UserError for a key that was used for something else."""
    stored = scope.session.execute(
        select(Idempotency.purpose, Idempotency.answer).where(
            Idempotency.brand_id == scope.brand.id, Idempotency.key == key
        )
    ).one_or_none()
    if stored is not None and stored.purpose != purpose:
        raise UserError(N_("This form was used already. Open the page again."))
    return stored


@cache
def _new_key(dialect: str) -> Any:
    """Built once a process: every form that is posted sends it."""
    build: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect]
    return build(Idempotency.__table__).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def amend(scope: Scope, key: str, answer: Any) -> None:
    """Another answer for a key that this very unit has kept."""
    scope.send(_other_answer(), {"of_brand": scope.brand.id, "of_key": key, "other": answer})


@cache
def _other_answer() -> Any:
    """Built once a process, like `_new_key`."""
    row = cast(Table, Idempotency.__table__)
    return (
        update(row)
        .where(row.c.brand_id == bindparam("of_brand"), row.c.key == bindparam("of_key"))
        .values(answer=bindparam("other", type_=row.c.answer.type))
    )


@job("idempotency.purge")
def purge(db: Database) -> int:
    """Forget what was answered long ago, a batch a unit. Returns how many rows went."""
    gone = 0
    while True:
        before = clock.now() - KEPT

        def unit(scope: Scope, before: datetime = before) -> int:
            keys = scope.session.execute(
                select(Idempotency.brand_id, Idempotency.key)
                .where(Idempotency.created_at < before)
                .limit(BATCH)
            ).all()
            scope.session.execute(
                delete(Idempotency).where(
                    tuple_(Idempotency.brand_id, Idempotency.key).in_([tuple(key) for key in keys])
                )
            )
            return len(keys)

        done = db.write(unit)
        gone += done
        if done < BATCH:
            return gone


@sweep("idempotency")
def old(db: Database) -> list[Ring]:
    """Rings when there is something to forget."""
    with db.read() as scope:
        found = scope.session.scalar(
            select(Idempotency.key).where(Idempotency.created_at < scope.now - KEPT).limit(1)
        )
    return [Ring("idempotency.purge", {})] if found is not None else []
