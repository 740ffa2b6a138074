"""Keys by which tills and shops ask."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKey, ForeignKeyConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk
from webapp.kernel.types import JsonValue, UtcDateTime


class ApiKey(BrandRow, Base):
    """A key of a till or a shop. Its secret is shown once and stored as its digest.

    scopes: what it may do (keys.SCOPES). store_id: the store that it stands in, None: the whole brand. made_by: the member of
    staff who made it and answers for what it does. last_used_on: a brand-local day. A revoked key stays as a row: what was
    done by it names it.
    """

    __tablename__ = "api_key"
    __table_args__ = (
        UniqueConstraint("brand_id", "digest"),
        ForeignKeyConstraint(["brand_id"], ["brand.id"]),
        brand_fk("store_id", "store"),
    )

    name: Mapped[str] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]] = mapped_column(JsonValue)
    store_id: Mapped[int | None] = mapped_column(BigInteger)
    made_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_on: Mapped[date | None] = mapped_column(Date)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_by: Mapped[int | None] = mapped_column(BigInteger)
