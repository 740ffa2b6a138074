"""Orders and their lines. Only what is bought; stages, windows and sums are computed from here."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk, clustered
from webapp.kernel.types import UtcDateTime


class Order(BrandRow, Base):
    """One basket of one till. Key (brand, source, number), since tills repeat numbers.

    member_id: whom it was recorded for; person_id: who counts (a merge rewrites it). Both None: nobody's, or it waits
    for the member of `phone`. ordered_on: the brand-local day, written with the order. A negative paid amount is an
    order like another.
    digest: a hash of the row as imported and of its lines, so that a second import sees at once that nothing changed.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("brand_id", "source", "number"),
        brand_fk("member_id", "member"),
        brand_fk("store_id", "store"),
        Index("ix_orders_person", "brand_id", "person_id", "ordered_on", "paid_minor"),
        Index("ix_orders_waiting", "brand_id", "phone"),
    )

    source: Mapped[str] = mapped_column(String(40))
    number: Mapped[str] = mapped_column(String(80))
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    phone: Mapped[str | None] = mapped_column(String(20))  # E.164, only while the order waits for its member
    store_id: Mapped[int | None] = mapped_column(BigInteger)
    ordered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ordered_on: Mapped[date] = mapped_column(Date)
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    discount_minor: Mapped[int] = mapped_column(BigInteger)
    paid_minor: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[int] = mapped_column(BigInteger)  # 63 bits of the order's own columns
    lines_digest: Mapped[int] = mapped_column(BigInteger, default=0)  # of its lines; 0: none


class OrderLine(Base):
    """One line of an order, in the file's order. A line is part of its order: its key is (brand, order, position)."""

    __tablename__ = "order_line"
    __table_args__ = clustered(brand_fk("order_id", "orders", ondelete="CASCADE"))

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    order_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    product: Mapped[str] = mapped_column(String(120))
    category: Mapped[str] = mapped_column(String(120), default="")
    quantity: Mapped[int] = mapped_column(BigInteger)  # thousandths, so that weighed goods are exact
    amount_minor: Mapped[int] = mapped_column(BigInteger)
