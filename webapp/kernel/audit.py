"""Who did what to what, and when: one row for each thing that matters."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Index, Insert, String, insert
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, table_of
from webapp.kernel.types import JsonValue, UtcDateTime

if TYPE_CHECKING:
    from webapp.kernel.scope import Scope


class Audit(Base):
    """An entry. brand_id is 0 for what belongs to no brand (an operator's act). Never updated, never deleted."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "brand_id", "subject", "subject_id"), Index(None, "brand_id", "at"))

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[int] = mapped_column(BigInteger)
    verb: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int | None] = mapped_column(BigInteger)
    detail: Mapped[dict[str, Any]] = mapped_column(JsonValue)


def record(scope: Scope, verb: str, subject: str, subject_id: int | None, detail: dict[str, Any]) -> None:
    """Append one entry in the unit's transaction."""
    brand = scope.brand_or_none
    scope.send(
        _entry(),
        {
            "brand_id": brand.id if brand else 0,
            "id": scope.new_id(),
            "at": scope.now,
            "actor_kind": scope.actor.kind,
            "actor_id": scope.actor.id,
            "verb": verb,
            "subject": subject,
            "subject_id": subject_id,
            "detail": detail,
        },
    )


@cache
def _entry() -> Insert:
    """Built once a process: nearly every unit sends it."""
    return insert(table_of(Audit))
