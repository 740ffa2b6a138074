"""What members are told, and the runs by which it goes out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk
from webapp.kernel.types import JsonValue, UtcDateTime


class Telling(BrandRow, Base):
    """All that is told over one channel to those who agreed to it for one purpose. To the outbox its id is what a campaign's
    is. It never ends, so that nothing can come a moment too late for it."""

    __tablename__ = "telling"
    __table_args__ = (
        UniqueConstraint("brand_id", "channel", "purpose"),
        ForeignKeyConstraint(["brand_id"], ["brand.id"]),
    )

    channel: Mapped[str] = mapped_column(String(60))
    purpose: Mapped[str] = mapped_column(String(20))  # service, marketing: which yes of theirs counted


class Told(BrandRow, Base):
    """One thing that a plugin tells one member. Its delivery is the one of this telling, member and occurrence.

    key: the plugin's own; the same key never tells the same member twice. subject, text: messages of the plugin's catalogue;
    facts: what stands in them, no personal data. link: a path of the shop, blank for none.
    """

    __tablename__ = "told"
    __table_args__ = (
        UniqueConstraint("brand_id", "plugin", "key", "member_id"),
        UniqueConstraint("brand_id", "telling_id", "member_id", "occurrence"),
        brand_fk("telling_id", "telling"),
        brand_fk("member_id", "member"),
    )

    telling_id: Mapped[int] = mapped_column(BigInteger)
    member_id: Mapped[int] = mapped_column(BigInteger)
    occurrence: Mapped[int] = mapped_column(Integer)
    plugin: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    link: Mapped[str] = mapped_column(String(500))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
