"""Products and categories, filled from order lines, a file or by hand."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk, clustered
from webapp.kernel.types import UtcDateTime


class Product(BrandRow, Base):
    """Something the shop sells. code: the word in `order_line.product`; name: what people read, blank: the code.

    category: the word in `order_line.category`, blank where unknown; by hand where `category_by_hand`, so that order lines
    do not change it again; else category_on is the day of the line that said it. price_minor: what one piece costs, None
    where unknown.
    """

    __tablename__ = "product"
    __table_args__ = (UniqueConstraint("brand_id", "code"), Index(None, "brand_id", "category", "code"))

    code: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(200), default="")
    category: Mapped[str] = mapped_column(String(120), default="")
    category_by_hand: Mapped[bool] = mapped_column(default=False)
    category_on: Mapped[date | None] = mapped_column(Date)
    price_minor: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Category(BrandRow, Base):
    """A kind of goods. code: the word in order lines; name: what people read, blank: the code."""

    __tablename__ = "category"
    __table_args__ = (UniqueConstraint("brand_id", "code"),)

    code: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CatalogueState(Base):
    """How far a brand's order lines have been read for products: orders up to this id."""

    __tablename__ = "catalogue_state"

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    orders_through: Mapped[int] = mapped_column(BigInteger, default=0)


class MemberHabit(Base):
    """What a member buys most, worked out from the lines of their orders (habits.py): a category's code, blank: none.
    facts_seq: that of the member when it was counted."""

    __tablename__ = "member_habit"
    __table_args__ = clustered(brand_fk("member_id", "member"))

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    category: Mapped[str] = mapped_column(String(120), default="")
    facts_seq: Mapped[int] = mapped_column(Integer)


class HabitState(Base):
    """When a brand's members were last looked over for what they buy most, and the newest order then."""

    __tablename__ = "habit_state"

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    orders_through: Mapped[int] = mapped_column(BigInteger, default=0)
    gathered_at: Mapped[datetime] = mapped_column(UtcDateTime)
