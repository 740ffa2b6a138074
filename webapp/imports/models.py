"""Imports: a file that was staged, validated whole, and applied in steps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk, clustered
from webapp.kernel.types import JsonValue, UtcDateTime


class Import(BrandRow, Base):
    """One file's way in.

    state: from the shell, applying -> done. In the browser: uploaded -> checking -> checked -> applying -> done, or refused
    (the file cannot be read) or cancelled on the way; done -> undoing -> undone. lost: with its stage.

    `stage` names the staged file in the instance folder, blank while there is none. counts: read, refused, created ...
    told: what the pages show besides: files, ignored columns, why it was refused. progress: how far reading has come, and
    when that was last said."""

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
    told: Mapped[dict[str, Any] | None] = mapped_column(JsonValue)
    progress: Mapped[dict[str, Any] | None] = mapped_column(JsonValue)


class ImportMapping(BrandRow, Base):
    """Which of a file's columns were ours the last time, for files of a kind and a source with these headers.

    headers: a digest of them. mapping: our column -> theirs, blank: not in the file."""

    __tablename__ = "import_mapping"
    __table_args__ = (UniqueConstraint("brand_id", "kind", "source", "headers"),)

    kind: Mapped[str] = mapped_column(String(10))
    source: Mapped[str] = mapped_column(String(40))
    headers: Mapped[str] = mapped_column(String(64))
    mapping: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ImportMade(Base):
    """What an import made, a row a unit: every member or order whose id lies between the two was made by it."""

    __tablename__ = "import_made"
    __table_args__ = clustered(brand_fk("import_id", "import", ondelete="CASCADE"))

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    import_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    first_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    last_id: Mapped[int] = mapped_column(BigInteger)


class ImportBefore(Base):
    """What stood where an import changed something, so that it can be undone. Holds personal data, and is forgotten when
    the time for undoing is over (undo.DAYS).

    kind: member, order, or waited (an order that waited for the phone of a member who was made). row_id: its id."""

    __tablename__ = "import_before"
    __table_args__ = clustered(brand_fk("import_id", "import", ondelete="CASCADE"))

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    import_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    row_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    before: Mapped[dict[str, Any]] = mapped_column(JsonValue)
