"""What members ask to have changed and somebody has to confirm. Personal data: the values are phones and addresses."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk
from webapp.kernel.types import UtcDateTime


class ContactChange(BrandRow, Base):
    """Another phone or address that a member typed on their page: unverified, used for nothing until staff confirm it.

    open: True while it waits, None once settled (or replaced): one a member and kind. confirmed: how it was settled.
    value: blank once settled, so that what was not confirmed is not kept.
    """

    __tablename__ = "contact_change"
    __table_args__ = (
        UniqueConstraint("brand_id", "member_id", "kind", "open"),
        Index(None, "brand_id", "open", "asked_at"),
        brand_fk("member_id", "member"),
    )

    member_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(10))  # phone, email
    value: Mapped[str] = mapped_column(String(200))
    open: Mapped[bool | None] = mapped_column(Boolean)
    confirmed: Mapped[bool | None] = mapped_column(Boolean)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
