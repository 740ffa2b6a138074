"""Groups (社群), their types, the picture of their QR code, and who was in them from when to when."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk
from webapp.kernel.types import UtcDateTime


class GroupType(BrandRow, Base):
    """One of the brand's kinds of group. A brand without rows has the defaults of `words.DEFAULT_TYPES`."""

    __tablename__ = "group_type"
    __table_args__ = (UniqueConstraint("brand_id", "name"),)

    name: Mapped[str] = mapped_column(String(40))
    position: Mapped[int] = mapped_column(Integer, default=0)


class Group(BrandRow, Base):
    """A chat group. owner_id: the account that posts in it. link: how one gets in; or the picture of a QR code.

    members: how many are in it now, kept by the unit that writes a stay, so that `capacity` is kept by the database.
    until_on: the last day on which the QR code's picture lets people in (WeCom's hold seven days). closed_at: it is over;
    nobody joins and nothing is posted.
    """

    __tablename__ = "chat_group"
    __table_args__ = (
        UniqueConstraint("brand_id", "name"),
        brand_fk("group_type_id", "group_type"),
        brand_fk("store_id", "store"),
        Index(None, "brand_id", "owner_id"),
    )

    name: Mapped[str] = mapped_column(String(80))
    group_type_id: Mapped[int | None] = mapped_column(BigInteger)
    store_id: Mapped[int | None] = mapped_column(BigInteger)
    owner_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    link: Mapped[str] = mapped_column(String(500), default="")
    until_on: Mapped[date | None] = mapped_column(Date)
    capacity: Mapped[int | None] = mapped_column(Integer)
    members: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class GroupPicture(Base):
    """The QR code that a chat app gave for a group, as a picture. Apart, so that lists do not read it."""

    __tablename__ = "group_picture"
    __table_args__ = (brand_fk("group_id", "chat_group"),)

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    group_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    mimetype: Mapped[str] = mapped_column(String(20))
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GroupStay(BrandRow, Base):
    """A member in a group: joined when and how, left when and how. Who comes back has another row.

    current: True while they are in it, None once they left: the unique key stands on it, and Nones repeat. person_id: who
    counts (a merge rewrites it). source, left_source: staff, list, link:<campaign>, touchpoint:<id> ...
    """

    __tablename__ = "group_stay"
    __table_args__ = (
        UniqueConstraint("brand_id", "group_id", "member_id", "current"),
        Index(None, "brand_id", "group_id", "joined_at", "id"),
        Index(None, "brand_id", "member_id"),
        brand_fk("group_id", "chat_group"),
        brand_fk("member_id", "member"),
    )

    group_id: Mapped[int] = mapped_column(BigInteger)
    member_id: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[int] = mapped_column(BigInteger)
    current: Mapped[bool | None] = mapped_column(Boolean)
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
    source: Mapped[str] = mapped_column(String(60))
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    left_source: Mapped[str] = mapped_column(String(60), default="")
