"""What a brand says of its counter."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKeyConstraint, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base


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
