"""Campaigns and the versions of what they say and to whom."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk
from webapp.kernel.types import JsonValue, UtcDateTime
from webapp.matrix import models as _matrix  # noqa: F401  a campaign's matrix is a key of its table


class Campaign(BrandRow, Base):
    """draft -> laying (rows are laid) -> sending <-> paused -> done; cancelled ends it from anywhere.

    kind: members (a rule finds them), or groups (chosen one by one; their owners post).
    offer_id, matrix_id: what its coupons are of: one offer, or the one that a matrix chooses for each member; neither: it
    carries no coupon. version: the content and audience that count; frozen once laying began. arm_k, arm_c: this campaign's own constants
    of the arm's draw. counts are never stored: results are read from rows.
    """

    __tablename__ = "campaign"
    __table_args__ = (
        Index(None, "brand_id", "state"),
        brand_fk("offer_id", "offer"),
        brand_fk("matrix_id", "offer_matrix"),
    )

    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(10), default="members", server_default="members")
    state: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str] = mapped_column(String(60))
    purpose: Mapped[str] = mapped_column(String(20), default="marketing")
    offer_id: Mapped[int | None] = mapped_column(BigInteger)
    matrix_id: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(Integer, default=1)
    arm_k: Mapped[int] = mapped_column(BigInteger)
    arm_c: Mapped[int] = mapped_column(BigInteger)
    created_by: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def gives(self) -> bool:
        """Does each message carry a coupon?"""
        return self.offer_id is not None or self.matrix_id is not None


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


class CampaignGroup(BrandRow, Base):
    """A group that a campaign is posted in, with the link that tells it from others: /g/<token>."""

    __tablename__ = "campaign_group"
    __table_args__ = (
        UniqueConstraint("brand_id", "campaign_id", "group_id"),
        UniqueConstraint("brand_id", "token"),
        brand_fk("campaign_id", "campaign"),
        brand_fk("group_id", "chat_group"),
    )

    campaign_id: Mapped[int] = mapped_column(BigInteger)
    group_id: Mapped[int] = mapped_column(BigInteger)
    token: Mapped[str] = mapped_column(String(40))


class CampaignPicture(Base):
    """The picture that is posted with a campaign's text."""

    __tablename__ = "campaign_picture"
    __table_args__ = (brand_fk("campaign_id", "campaign"),)

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    campaign_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    mimetype: Mapped[str] = mapped_column(String(20))
    data: Mapped[bytes] = mapped_column(LargeBinary)


class GroupVisitor(BrandRow, Base):
    """A browser that was asked who is there; its id stands in a signed cookie. member_id: whom they named, None: nobody
    we know, or they went on without. known: it came by the member's own link, so that it may see their coupon."""

    __tablename__ = "group_visitor"
    __table_args__ = (brand_fk("member_id", "member"),)

    member_id: Mapped[int | None] = mapped_column(BigInteger)
    known: Mapped[bool] = mapped_column(Boolean, default=False)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GroupVisit(BrandRow, Base):
    """A browser that opened a group's link, once a day. visitor: the number in its cookie; one that keeps no cookies is
    another each time. member_id: who it is by their own word; person_id: who counts."""

    __tablename__ = "group_visit"
    __table_args__ = (
        UniqueConstraint("brand_id", "campaign_group_id", "visitor", "visited_on"),
        Index(None, "brand_id", "campaign_group_id", "member_id"),
        brand_fk("campaign_group_id", "campaign_group"),
        brand_fk("member_id", "member"),
    )

    campaign_group_id: Mapped[int] = mapped_column(BigInteger)
    visitor: Mapped[int] = mapped_column(BigInteger)
    visited_on: Mapped[date] = mapped_column(Date)  # brand-local day
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    person_id: Mapped[int | None] = mapped_column(BigInteger)
