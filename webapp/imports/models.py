"""Imports: a file that was staged, validated whole, and applied in steps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow
from webapp.kernel.types import JsonValue, UtcDateTime


class Import(BrandRow, Base):
    """One file's way in. state: applying, done, or lost with its stage.

    `stage` names the staged file in the instance folder."""

    __tablename__ = "import"
    __table_args__ = (Index(None, "brand_id", "created_at"), Index(None, "state"))

    kind: Mapped[str] = mapped_column(String(10))  # members, orders
    source: Mapped[str] = mapped_column(String(40))
    filename: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10))
    options: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    stage: Mapped[str] = mapped_column(String(80))
    counts: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    created_by: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
