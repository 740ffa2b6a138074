"""Where each member stands, and how they came there."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk, clustered
from webapp.kernel.types import JsonValue, UtcDateTime


class MemberStage(Base):
    """The stage that counts now. recheck_on: the next day on which it changes if nothing more happens; None: never."""

    __tablename__ = "member_stage"
    __table_args__ = clustered(
        brand_fk("member_id", "member"),
        Index(None, "brand_id", "recheck_on"),
        Index(None, "brand_id", "stage"),
    )

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    stage: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(20))
    since: Mapped[date] = mapped_column(Date)
    recheck_on: Mapped[date | None] = mapped_column(Date)
    next_stage: Mapped[str | None] = mapped_column(String(20))
    policy: Mapped[str] = mapped_column(
        String(60)
    )  # under what it was decided: the policy's key, version and settings


class StageChange(BrandRow, Base):
    """History: what was decided, when. Never rewritten."""

    __tablename__ = "stage_change"
    __table_args__ = clustered(
        Index(None, "brand_id", "member_id", "decided_on"), brand_fk("member_id", "member")
    )

    member_id: Mapped[int] = mapped_column(BigInteger)
    decided_on: Mapped[date] = mapped_column(Date)
    from_stage: Mapped[str | None] = mapped_column(String(20))
    stage: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class LifecycleRun(Base):
    """How far a brand's life cycle was carried, and what stopped it last.

    runs: how many were finished; ran_on: the local day of the last one; policy: under what it decided. wanted: somebody
    asked for another one. error: why the last try decided nothing (a code), with its facts; tried_at: when that was.
    """

    __tablename__ = "lifecycle_run"

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    runs: Mapped[int] = mapped_column(Integer)
    wanted: Mapped[bool] = mapped_column(Boolean)
    ran_on: Mapped[date | None] = mapped_column(Date)
    policy: Mapped[str] = mapped_column(String(60))
    looked_at: Mapped[int] = mapped_column(Integer)
    changed: Mapped[int] = mapped_column(Integer)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(String(30))
    error_facts: Mapped[Any] = mapped_column(JsonValue)
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
