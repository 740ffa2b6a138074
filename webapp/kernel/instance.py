"""What the whole shop remembers, whichever brand: its address, the link for its first owner. A few rows, by key."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, delete
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.idempotency import insert_or_ignore
from webapp.kernel.model import Base
from webapp.kernel.scope import Scope
from webapp.kernel.types import JsonValue, UtcDateTime


class InstanceSetting(Base):
    """One setting of the shop as a whole. `value` is JSON."""

    __tablename__ = "instance_setting"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[Any] = mapped_column(JsonValue)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


def get(scope: Scope, key: str) -> Any:
    """The value, None where nothing was ever put."""
    row = scope.session.get(InstanceSetting, key)
    return None if row is None else row.value


def put(scope: Scope, key: str, value: Any) -> None:
    """Keep `value` (JSON-able) under `key`, in place of what was there."""
    claim(scope, key, value)
    row = scope.session.get_one(InstanceSetting, key)
    row.value, row.updated_at = value, scope.now
    scope.session.flush()


def claim(scope: Scope, key: str, value: Any) -> bool:
    """Keep it only if nothing is there yet: of two units at once exactly one is told True."""
    done = scope.session.execute(
        insert_or_ignore(scope, InstanceSetting).values(key=key, value=value, updated_at=scope.now)
    )
    return int(done.rowcount) == 1  # type: ignore[attr-defined]  # an INSERT's result is a CursorResult


def forget(scope: Scope, key: str) -> bool:
    """Remove it; True where there was something: of two units at once exactly one is told True."""
    row = scope.session.get(InstanceSetting, key)
    if row is not None:
        scope.session.expunge(row)
    done = scope.session.execute(delete(InstanceSetting).where(InstanceSetting.key == key))
    return int(done.rowcount) == 1  # type: ignore[attr-defined]  # a DELETE's result is a CursorResult
