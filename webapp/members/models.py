"""Members, the identities that point to them, what they agreed to, and their typed attributes.

Personal data stands in `member` and `member_identity` (and in attributes that a shop defines) and nowhere else.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk, clustered
from webapp.kernel.types import UtcDateTime

DRAW_BITS = 31


def tail_of(kind: str, value: str) -> str | None:
    """The last four digits of a phone; None of anything else."""
    return value[-4:] if kind == "phone" else None


def _tail(context: Any) -> str | None:
    said = context.get_current_parameters()
    return tail_of(said["kind"], said["value"])


class Member(BrandRow, Base):
    """A customer of one brand. person_id: the member that counts after a merge, its own id before one.

    draw: random, uniform below 2^31 - 1; arms of campaigns are computed from it. dirty_on: the first local day on which
    changed facts are visible to the lifecycle engine, written by whoever changes a fact (queries.touch), cleared by the
    engine only where facts_seq is still the one it read.
    """

    __tablename__ = "member"
    __table_args__ = (
        UniqueConstraint("brand_id", "number"),
        brand_fk("store_id", "store"),
        Index(None, "brand_id", "dirty_on"),
        Index(None, "brand_id", "joined_on"),
        Index(None, "brand_id", "person_id"),
        Index(None, "brand_id", "name"),
    )

    person_id: Mapped[int] = mapped_column(BigInteger)
    number: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(120), default="")
    birthday: Mapped[date | None] = mapped_column(Date)
    gender: Mapped[str] = mapped_column(String(10), default="")  # female, male, other or blank
    store_id: Mapped[int | None] = mapped_column(BigInteger)
    joined_on: Mapped[date] = mapped_column(Date)  # brand-local day
    joined_given: Mapped[bool] = mapped_column(
        Boolean, default=True
    )  # False: assumed, an earlier order moves it
    draw: Mapped[int] = mapped_column(BigInteger)
    dirty_on: Mapped[date | None] = mapped_column(Date)
    facts_seq: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    locale: Mapped[str | None] = mapped_column(String(10))  # of their own pages; None: the browser's


class MemberIdentity(BrandRow, Base):
    """A phone or an e-mail address of a member, normalised (E.164; lower-case domain).

    holder: the value again where it identifies (a verified phone) and so belongs to one member only; None where it is
    merely an address. The unique key stands on it: both databases let Nones repeat. tail: a phone's last four digits, by
    which people at a counter are found.
    """

    __tablename__ = "member_identity"
    __table_args__ = (
        UniqueConstraint("brand_id", "kind", "holder"),
        UniqueConstraint("brand_id", "member_id", "kind"),
        Index(None, "brand_id", "kind", "value"),
        Index(None, "brand_id", "tail"),
        brand_fk("member_id", "member"),
    )

    member_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(20))  # phone, email
    value: Mapped[str] = mapped_column(String(200))
    holder: Mapped[str | None] = mapped_column(String(200))
    verified: Mapped[bool] = mapped_column(Boolean, default=False)
    tail: Mapped[str | None] = mapped_column(String(4), default=_tail)


class Consent(BrandRow, Base):
    """What a member said about a channel and a purpose, with source and moment. Append-only: the newest row counts.
    Two things are unsaid: an import that is undone, and a tap of a colleague's that was a slip (service.unsay)."""

    __tablename__ = "consent"
    __table_args__ = (
        Index(None, "brand_id", "member_id", "channel", "purpose", "at", "id"),
        brand_fk("member_id", "member"),
    )

    member_id: Mapped[int] = mapped_column(BigInteger)
    channel: Mapped[str] = mapped_column(String(20))
    purpose: Mapped[str] = mapped_column(String(20))  # marketing, service
    granted: Mapped[bool] = mapped_column(Boolean)
    source: Mapped[str] = mapped_column(String(60))  # import:<id>, counter, unsubscribe
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ConsentNow(Base):
    """The newest answer for each member, channel and purpose: what an audience is fenced by. Rebuildable from `consent`."""

    __tablename__ = "consent_now"
    __table_args__ = clustered(brand_fk("member_id", "member"))

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(String(20), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20), primary_key=True)
    granted: Mapped[bool] = mapped_column(Boolean)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class MemberGuide(Base):
    """Who of the staff looks after a member (serves), and who brought them in (brought_by). What it was before is in the
    audit trail."""

    __tablename__ = "member_guide"
    __table_args__ = clustered(
        brand_fk("member_id", "member"),
        Index(None, "brand_id", "staff_id", "kind", "member_id"),
    )

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)  # serves, brought_by
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class AttributeDefinition(BrandRow, Base):
    """A column of the shop's own about members: its key (as in files), its label, its type."""

    __tablename__ = "attribute_definition"
    __table_args__ = (UniqueConstraint("brand_id", "key"),)

    key: Mapped[str] = mapped_column(String(60))
    label: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(10), default="text")  # text, number, date


class MemberAttribute(Base):
    """One value of one attribute. `text` is always the value as written; number and day are for typed conditions."""

    __tablename__ = "member_attribute"
    __table_args__ = clustered(
        brand_fk("member_id", "member"),
        brand_fk("attribute_id", "attribute_definition"),
        Index(None, "brand_id", "attribute_id", "text"),
    )

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    attribute_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(String(300))
    number: Mapped[int | None] = mapped_column(BigInteger)  # thousandths
    day: Mapped[date | None] = mapped_column(Date)
