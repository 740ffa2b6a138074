"""What a brand says of its counter, and what came back there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.coupons import models as _models  # noqa: F401  a return is of redemptions: their table must be known
from webapp.kernel.model import Base, BrandRow, brand_fk
from webapp.kernel.types import JsonValue, UtcDateTime


class UndoLimit(Base):
    """How long the use of a coupon can be undone; a brand without a row has said nothing, and undo_limit.USUAL holds.

    clerk: day (until the day's end in the brand's zone), hours (`hours` from the use on), never. manager_days: whole days
    after the day of the use for whoever oversees the counter, None: no limit.
    """

    __tablename__ = "undo_limit"
    __table_args__ = (ForeignKeyConstraint(["brand_id"], ["brand.id"]),)

    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    clerk: Mapped[str] = mapped_column(String(5))
    hours: Mapped[int | None] = mapped_column(Integer)
    manager_days: Mapped[int | None] = mapped_column(Integer)


class BasketReturn(BrandRow, Base):
    """Some goods of a basket came back after coupons were used on it. Append-only.

    first_id: the first of the redemptions that were used together on it; n: the how-manieth time, from 1 (ids are in no order). was_minor, left_minor: the basket before and after;
    saved_minor, saves_minor: what its coupons that stood saved before and after; back_minor: what was paid back; short_minor:
    what was asked of nobody (returns.py, rule 3). pieces: how many came back of each line, where it has lines. coupons: of each
    redemption that stood [id, saving before, saving after, fate (returns.After)].
    """

    __tablename__ = "basket_return"
    __table_args__ = (
        UniqueConstraint("brand_id", "first_id", "n"),
        brand_fk("first_id", "redemption"),
    )

    first_id: Mapped[int] = mapped_column(BigInteger)
    n: Mapped[int] = mapped_column(Integer)
    was_minor: Mapped[int] = mapped_column(BigInteger)
    left_minor: Mapped[int] = mapped_column(BigInteger)
    saved_minor: Mapped[int] = mapped_column(BigInteger)
    saves_minor: Mapped[int] = mapped_column(BigInteger)
    back_minor: Mapped[int] = mapped_column(BigInteger)
    short_minor: Mapped[int] = mapped_column(BigInteger)
    pieces: Mapped[list[int] | None] = mapped_column(JsonValue)
    coupons: Mapped[list[Any]] = mapped_column(JsonValue)
    returned_at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[int] = mapped_column(BigInteger)
