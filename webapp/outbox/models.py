"""Recipient -> delivery (the promise) -> dispatch (one external call) -> attempt (the key). Receipts stand apart.

A delivery carries no body and no address: both are looked up when it is sent.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk
from webapp.kernel.types import UtcDateTime


class Delivery(BrandRow, Base):
    """One message promised to one recipient, or the reason why not. One row a (campaign, recipient, occurrence).

    state: queued, leased, in_flight, sent, failed, unknown, left_out, cancelled. reason: why left out or failed.
    recipient_kind: member, group, staff. lease: who works on it until when (reversible); due_at: not before.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint(
            "brand_id",
            "campaign_id",
            "recipient_kind",
            "recipient_id",
            "occurrence",
            name="uq_delivery_promise",  # the convention's name would be over PostgreSQL's 63 bytes
        ),
        Index("ix_delivery_due", "brand_id", "campaign_id", "state", "due_at"),
        Index("ix_delivery_lease", "state", "lease_until"),
        Index(None, "brand_id", "person_id", "id"),  # with the id: a page of the newest is read as it stands
    )

    campaign_id: Mapped[int] = mapped_column(BigInteger)
    recipient_kind: Mapped[str] = mapped_column(String(6))
    recipient_id: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    occurrence: Mapped[int] = mapped_column(Integer, default=0)
    state: Mapped[str] = mapped_column(String(9))
    reason: Mapped[str | None] = mapped_column(String(30))
    arm: Mapped[int] = mapped_column(SmallInteger, default=1)  # 1 sent to, 0 held out
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease: Mapped[int | None] = mapped_column(BigInteger)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Dispatch(BrandRow, Base):
    """One external call for one delivery. A delivery that is sent again has another dispatch; the newest counts.

    state: in_flight, sent, failed, unknown; waiting: it certainly did not arrive and will be sent again.
    """

    __tablename__ = "dispatch"
    __table_args__ = (
        Index(None, "brand_id", "delivery_id"),
        brand_fk("delivery_id", "delivery"),
    )

    delivery_id: Mapped[int] = mapped_column(BigInteger)
    channel: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(9))
    attempt_id: Mapped[int] = mapped_column(
        BigInteger
    )  # the newest attempt: the idempotency key given to the channel
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    detail: Mapped[str | None] = mapped_column(String(200))


class Attempt(BrandRow, Base):
    """One try at a dispatch. Its id is the key that the channel hands on (a Message-ID, an OutId).

    outcome: in_flight, sent, failed, unknown, retry (refused for now), halted (the service takes
    nothing now), unsent (never spoken).
    """

    __tablename__ = "attempt"
    __table_args__ = (Index(None, "brand_id", "dispatch_id"), brand_fk("dispatch_id", "dispatch"))

    dispatch_id: Mapped[int] = mapped_column(BigInteger)
    outcome: Mapped[str] = mapped_column(String(9))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(String(30))


class Receipt(BrandRow, Base):
    """What came back about a delivery: opened, unsubscribed, bounced, late, resolved. Append-only,
    but for what came of a task and was a slip of somebody's finger (service.take_back).

    once: the kind again where it counts only the first time (opened), None where it may repeat.
    """

    __tablename__ = "receipt"
    __table_args__ = (
        UniqueConstraint("brand_id", "delivery_id", "once"),
        brand_fk("delivery_id", "delivery"),
    )

    delivery_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(12))
    once: Mapped[str | None] = mapped_column(String(12))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    detail: Mapped[str | None] = mapped_column(String(200))
