"""A day's reminders, and which coupons each of them names."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk, clustered
from webapp.kernel.types import UtcDateTime


class ReminderRun(BrandRow, Base):
    """The reminders of one local day, over one channel (blank: the brand had none on that day). To the outbox its id is what
    a campaign's is.

    state: laying (rows are laid), sending, done.
    """

    __tablename__ = "reminder_run"
    __table_args__ = (
        UniqueConstraint("brand_id", "made_on"),
        Index("ix_reminder_run_state", "state"),
        ForeignKeyConstraint(["brand_id"], ["brand.id"]),
    )

    made_on: Mapped[date] = mapped_column(Date)
    channel: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(8))
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RemindedCoupon(Base):
    """A coupon that a reminder names: each at most once."""

    __tablename__ = "reminded_coupon"
    __table_args__ = clustered(
        brand_fk("coupon_id", "coupon"),
        brand_fk("delivery_id", "delivery"),
        Index("ix_reminded_coupon_delivery", "brand_id", "delivery_id"),
    )

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    coupon_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    delivery_id: Mapped[int] = mapped_column(BigInteger)
