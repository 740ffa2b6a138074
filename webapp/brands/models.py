"""A brand is the tenant; a store is one of its places."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow
from webapp.kernel.types import UtcDateTime


class Brand(Base):
    """The tenant: own members, stores, staff, plugins, one currency, one zone.

    logo: the digest of its BrandLogo, "" for none. setup_closed_at: when the owner put the list of first steps away.
    """

    __tablename__ = "brand"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    currency: Mapped[str] = mapped_column(String(3))
    timezone: Mapped[str] = mapped_column(String(60))
    region: Mapped[str] = mapped_column(String(2))
    locale: Mapped[str] = mapped_column(String(10), default="en")
    colour: Mapped[str] = mapped_column(String(7), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    logo: Mapped[str] = mapped_column(String(16), default="", server_default=text("''"))
    setup_closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class BrandLogo(Base):
    """The brand's picture as it is served: made anew from what was uploaded, small, PNG or JPEG."""

    __tablename__ = "brand_logo"
    __table_args__ = (ForeignKeyConstraint(["brand_id"], ["brand.id"]),)

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(20))  # image/png or image/jpeg
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class Store(BrandRow, Base):
    """A place where members buy and redeem. `code` is what tills and files call it."""

    __tablename__ = "store"
    __table_args__ = (
        UniqueConstraint("brand_id", "code"),
        ForeignKeyConstraint(["brand_id"], ["brand.id"]),
    )

    code: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(200), default="")
    open: Mapped[bool] = mapped_column(Boolean, default=True)
