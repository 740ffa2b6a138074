"""Touchpoints, and what they brought. The printed code never changes; what it does can."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk, clustered
from webapp.kernel.types import UtcDateTime


class Touchpoint(BrandRow, Base):
    """A code that hangs somewhere. code: the unguessable word of its address, which names the brand (secrets.brand_of).

    slot: "brand" or "store:<id>" for the joining page that a brand or a store has without anybody making one. serving:
    none, one (serves_id) or turn (the store's guides, by `turn`, which counts up); standin_id: who takes those whom nobody
    else could take. ask: phone, email or both. offer_id, matrix_id: the welcome is a coupon of this offer, or of the one that
    the matrix chooses for the new member; neither: there is none.
    """

    __tablename__ = "touchpoint"
    __table_args__ = (
        UniqueConstraint("brand_id", "code"),
        UniqueConstraint("brand_id", "slot"),
        brand_fk("store_id", "store"),
        brand_fk("offer_id", "offer"),
        brand_fk("matrix_id", "offer_matrix"),
        brand_fk("group_id", "chat_group"),
        Index(None, "brand_id", "store_id"),
    )

    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    slot: Mapped[str | None] = mapped_column(String(40))
    store_id: Mapped[int | None] = mapped_column(BigInteger)
    place: Mapped[str] = mapped_column(String(120), default="")
    brought_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    serving: Mapped[str] = mapped_column(String(10), default="none")
    serves_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    standin_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    turn: Mapped[int] = mapped_column(BigInteger, default=0)
    offer_id: Mapped[int | None] = mapped_column(BigInteger)
    matrix_id: Mapped[int | None] = mapped_column(BigInteger)
    group_id: Mapped[int | None] = mapped_column(BigInteger)  # the chat group that they are asked into
    welcome: Mapped[str] = mapped_column(String(500), default="")
    ask: Mapped[str] = mapped_column(String(10), default="phone")
    ask_name: Mapped[bool] = mapped_column(Boolean, default=True)
    ask_birthday: Mapped[bool] = mapped_column(Boolean, default=False)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GuideDuty(Base):
    """How many new members a guide takes a day, over all codes (None: any number), and until which day they are away,
    that day included."""

    __tablename__ = "guide_duty"
    __table_args__ = clustered()

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    staff_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("staff.id"), primary_key=True, autoincrement=False
    )
    per_day: Mapped[int | None] = mapped_column(Integer)
    away_until: Mapped[date | None] = mapped_column(Date)


class GuideDay(Base):
    """How many new members a guide was given on a local day: the limit is a conditional update of `taken`."""

    __tablename__ = "guide_day"
    __table_args__ = clustered()

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    staff_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("staff.id"), primary_key=True, autoincrement=False
    )
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    taken: Mapped[int] = mapped_column(Integer, default=0)


class TouchpointScan(Base):
    """A joining page opened: once per browser and local day. browser: a random word of its cookie, about nobody."""

    __tablename__ = "touchpoint_scan"
    __table_args__ = clustered(
        brand_fk("touchpoint_id", "touchpoint"),
        brand_fk("store_id", "store"),
        Index(None, "brand_id", "day", "touchpoint_id"),
    )

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    touchpoint_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    browser: Mapped[str] = mapped_column(String(24), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    store_id: Mapped[int | None] = mapped_column(BigInteger)  # where the code hung on that day
    place: Mapped[str] = mapped_column(String(120), default="")


class TouchpointJoin(BrandRow, Base):
    """A member who joined by a code; where it hung and who was assigned then. contact: a keyed hash of the phone or address
    that was typed, so that its welcome is used once."""

    __tablename__ = "touchpoint_join"
    __table_args__ = (
        UniqueConstraint("brand_id", "member_id"),
        brand_fk("touchpoint_id", "touchpoint"),
        brand_fk("member_id", "member"),
        brand_fk("coupon_id", "coupon"),
        brand_fk("store_id", "store"),
        Index(None, "brand_id", "coupon_id"),
        Index(None, "brand_id", "joined_on"),
    )

    touchpoint_id: Mapped[int] = mapped_column(BigInteger)
    member_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    joined_on: Mapped[date] = mapped_column(Date)
    store_id: Mapped[int | None] = mapped_column(BigInteger)
    place: Mapped[str] = mapped_column(String(120), default="")
    serves_id: Mapped[int | None] = mapped_column(BigInteger)
    brought_by_id: Mapped[int | None] = mapped_column(BigInteger)
    coupon_id: Mapped[int | None] = mapped_column(BigInteger)
    contact: Mapped[str] = mapped_column(String(40))


class WelcomeUsed(Base):
    """The welcome of an offer that a phone or address has used. The primary key keeps it to one."""

    __tablename__ = "welcome_used"
    __table_args__ = clustered(brand_fk("offer_id", "offer"), brand_fk("coupon_id", "coupon"))

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    offer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    contact: Mapped[str] = mapped_column(String(40), primary_key=True)
    coupon_id: Mapped[int] = mapped_column(BigInteger)


class PublicClaim(Base):
    """A coupon that somebody took on an offer's public page whom nobody knew there. contact: a keyed hash of the phone or
    address that was typed, so that one contact uses an offer as often as one person may."""

    __tablename__ = "public_claim"
    __table_args__ = clustered(brand_fk("coupon_id", "coupon"))

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    coupon_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    contact: Mapped[str] = mapped_column(String(40))
