"""Which offer for whom."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk
from webapp.kernel.types import JsonValue, UtcDateTime


class OfferMatrix(BrandRow, Base):
    """An ordered table of rows (MatrixRow). Whoever changes its rows holds this row."""

    __tablename__ = "offer_matrix"

    name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MatrixRow(BrandRow, Base):
    """Members for whom `rule` (webapp.segments.rules) holds get `offer_id`, unless a row with a lower place fits them.

    rule None: everybody else; such a row is the last one.
    """

    __tablename__ = "matrix_row"
    __table_args__ = (
        Index(None, "brand_id", "matrix_id", "place"),
        brand_fk("matrix_id", "offer_matrix"),
        brand_fk("offer_id", "offer"),
    )

    matrix_id: Mapped[int] = mapped_column(BigInteger)
    place: Mapped[int] = mapped_column(Integer)
    rule: Mapped[dict[str, Any] | None] = mapped_column(JsonValue)
    offer_id: Mapped[int] = mapped_column(BigInteger)


class BirthdayPresent(Base):
    """What a brand's members get for their birthday: coupons of an offer, or by a matrix; neither: nothing.

    days_before: how many days before the birthday they are given. given_on: the local day up to which the nightly work is
    done; whoever gives presents holds this row, so that nobody gets two.
    """

    __tablename__ = "birthday_present"
    __table_args__ = (
        brand_fk("offer_id", "offer"),
        brand_fk("matrix_id", "offer_matrix"),
        CheckConstraint("offer_id IS NULL OR matrix_id IS NULL", name="one"),
    )

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    offer_id: Mapped[int | None] = mapped_column(BigInteger)
    matrix_id: Mapped[int | None] = mapped_column(BigInteger)
    days_before: Mapped[int] = mapped_column(Integer, default=7)
    given_on: Mapped[date | None] = mapped_column(Date)
