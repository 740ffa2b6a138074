"""Campaigns and the versions of what they say and to whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk
from webapp.kernel.types import JsonValue, UtcDateTime


class Campaign(BrandRow, Base):
    """draft -> laying (rows are laid) -> sending <-> paused -> done; cancelled ends it from anywhere.

    version: the content and audience that count; frozen once laying began. arm_k, arm_c: this campaign's own constants
    of the arm's draw. counts are never stored: results are read from rows.
    """

    __tablename__ = "campaign"
    __table_args__ = (Index(None, "brand_id", "state"), brand_fk("offer_id", "offer"))

    name: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str] = mapped_column(String(60))
    purpose: Mapped[str] = mapped_column(String(20), default="marketing")
    offer_id: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(Integer, default=1)
    arm_k: Mapped[int] = mapped_column(BigInteger)
    arm_c: Mapped[int] = mapped_column(BigInteger)
    created_by: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CampaignVersion(BrandRow, Base):
    """What a campaign says and to whom, as it stood. audience: a segment rule; content: the channel's fields."""

    __tablename__ = "campaign_version"
    __table_args__ = (
        UniqueConstraint("brand_id", "campaign_id", "version"),
        brand_fk("campaign_id", "campaign"),
    )

    campaign_id: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(Integer)
    audience: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    content: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
