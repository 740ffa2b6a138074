"""Tags that staff define and put on members, and notes. A note is personal data and stands here only."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk, clustered
from webapp.kernel.types import UtcDateTime


class TagGroup(BrandRow, Base):
    """Tags that belong together: taste, size, occasion."""

    __tablename__ = "tag_group"
    __table_args__ = (UniqueConstraint("brand_id", "name"),)

    name: Mapped[str] = mapped_column(String(60))


class Tag(BrandRow, Base):
    """One tag of a group."""

    __tablename__ = "tag"
    __table_args__ = (
        UniqueConstraint("brand_id", "tag_group_id", "name"),
        brand_fk("tag_group_id", "tag_group"),
    )

    tag_group_id: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(60))


class MemberTag(Base):
    """A member has a tag until the end of expires_on (brand-local day; None: for good). source: hand, rule, plugin's name."""

    __tablename__ = "member_tag"
    __table_args__ = clustered(
        Index(None, "brand_id", "tag_id", "member_id"),
        brand_fk("member_id", "member"),
        brand_fk("tag_id", "tag"),
    )

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    tag_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(String(60), default="hand")
    staff_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_on: Mapped[date | None] = mapped_column(Date)


class MemberNote(BrandRow, Base):
    """What somebody of the staff wrote about a member."""

    __tablename__ = "member_note"
    __table_args__ = (Index(None, "brand_id", "member_id", "id"), brand_fk("member_id", "member"))

    member_id: Mapped[int] = mapped_column(BigInteger)
    staff_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    text: Mapped[str] = mapped_column(String(1000))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
