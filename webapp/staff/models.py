"""People who work here. An account is one person's; a role is what it may do in one brand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk, clustered
from webapp.kernel.types import JsonValue, UtcDateTime


class Staff(Base):
    """An account: one e-mail address, one password, any number of brands."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    email: Mapped[str] = mapped_column(String(200), unique=True)  # lower case
    name: Mapped[str] = mapped_column(String(120), default="")
    password: Mapped[str | None] = mapped_column(String(200))  # argon2; None until the link was used
    locale: Mapped[str] = mapped_column(String(10), default="")
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StaffRole(BrandRow, Base):
    """What an account may do in a brand: a role of permissions.ROLES, in stores (StaffStore) or in all of them.

    store_id: the store that is offered first at the counter. off_at: since when this person works here no more; the row
    stays, because tasks, redemptions and members' guides name them.
    """

    __tablename__ = "staff_role"
    __table_args__ = (
        UniqueConstraint("brand_id", "staff_id"),
        ForeignKeyConstraint(["brand_id", "store_id"], ["store.brand_id", "store.id"]),
        Index(None, "staff_id"),
    )

    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    role: Mapped[str] = mapped_column(String(20))
    store_id: Mapped[int | None] = mapped_column(BigInteger)
    off_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StaffStore(Base):
    """A store in which a role holds. A role without any holds in the whole brand."""

    __tablename__ = "staff_store"
    __table_args__ = clustered(
        brand_fk("role_id", "staff_role", ondelete="CASCADE"),
        brand_fk("store_id", "store"),
        Index(None, "brand_id", "store_id"),
    )

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    role_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    store_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class StaffSession(Base):
    """A signed-in browser. The cookie's token is stored only as its digest.

    how: `password`, or `quick` (by a code that a manager gave): such a session stays in its brand, ends after a day's
    work and may not touch the account itself. address: where it was opened from.
    """

    __tablename__ = "staff_session"
    __table_args__ = (Index(None, "staff_id"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    brand_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("brand.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    agent: Mapped[str] = mapped_column(String(200), default="")
    how: Mapped[str] = mapped_column(String(10), default="password", server_default="password")
    address: Mapped[str | None] = mapped_column(String(45))


class StaffLink(Base):
    """A one-time link to set a password. Used once, for a limited time."""

    __tablename__ = "staff_link"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StaffInvite(BrandRow, Base):
    """An invitation by link: who may come in as what. Accepted once, or withdrawn, or run out."""

    __tablename__ = "staff_invite"
    __table_args__ = (
        UniqueConstraint("brand_id", "digest"),
        ForeignKeyConstraint(["brand_id"], ["brand.id"]),
    )

    digest: Mapped[str] = mapped_column(String(64))
    email: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    stores: Mapped[Any] = mapped_column(JsonValue)  # store ids
    invited_by: Mapped[int] = mapped_column(BigInteger)
    mailed: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StaffFactor(Base):
    """The second factor of an account: the app's secret, sealed. It counts from the moment a code confirmed it."""

    __tablename__ = "staff_factor"

    staff_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("staff.id"), primary_key=True, autoincrement=False
    )
    secret: Mapped[str] = mapped_column(String(400))  # kernel.secrets
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_step: Mapped[int] = mapped_column(
        BigInteger, default=0
    )  # of the newest code taken: none is taken twice


class StaffRecovery(Base):
    """A code for the day the phone is gone. Only its digest is kept; a used one is deleted."""

    __tablename__ = "staff_recovery"

    staff_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("staff.id"), primary_key=True, autoincrement=False
    )
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)


class StaffQuick(BrandRow, Base):
    """A quick sign-in that a manager made for a guide: eight letters, a few minutes, one use."""

    __tablename__ = "staff_quick"
    __table_args__ = (
        UniqueConstraint("brand_id", "digest"),
        Index(None, "digest"),
        brand_fk("role_id", "staff_role"),
    )

    digest: Mapped[str] = mapped_column(String(64))
    role_id: Mapped[int] = mapped_column(BigInteger)
    made_by: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
