"""A task and every move of it. Notes of moves are personal data: what a guide wrote about a talk."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base, BrandRow, brand_fk
from webapp.kernel.types import UtcDateTime


class Task(BrandRow, Base):
    """Something to do by due_on. staff_id: whose it is; None with a store: any of the store may take it; None without:
    whoever sees the whole brand.

    key: the same thing is asked for once (an attempt's id, "group:<post>", "sign:<day>:<member>"). purpose: marketing (the
    member must have agreed, still), service, or blank (nobody is written to). state: open, done, unreached (tried as often
    as makes sense), declined (asked not to be), cancelled. tries: how often nobody was reached. delivery_id: the promise
    that it keeps, if a campaign made it. source: campaign:<id>, sign:<day>, manager, group:<id> ...
    """

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("brand_id", "key"),
        UniqueConstraint("brand_id", "delivery_id"),
        Index(None, "brand_id", "staff_id", "state", "due_on"),
        Index(None, "brand_id", "store_id", "state", "due_on"),
        Index(None, "brand_id", "state", "due_on"),
        Index(None, "brand_id", "member_id", "id"),
        brand_fk("member_id", "member"),
        brand_fk("store_id", "store"),
        brand_fk("delivery_id", "delivery"),
    )

    key: Mapped[str] = mapped_column(String(80))
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text, default="")
    purpose: Mapped[str] = mapped_column(String(20), default="")
    link: Mapped[str] = mapped_column(String(500), default="")
    source: Mapped[str] = mapped_column(String(60), default="")
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    group_id: Mapped[int | None] = mapped_column(BigInteger)
    store_id: Mapped[int | None] = mapped_column(BigInteger)
    staff_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    delivery_id: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(9), default="open")
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    due_on: Mapped[date] = mapped_column(Date)  # brand-local day
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TaskMove(BrandRow, Base):
    """What somebody did to a task: made, taken, given, done, unreached, declined, cancelled, undone. Append-only.

    staff_id: who, None for the system. to_staff_id: to whom, for taken and given. was_due_on: the task's day before a move
    that put it off, for whoever undoes it.
    """

    __tablename__ = "task_move"
    __table_args__ = (Index(None, "brand_id", "task_id", "id"), brand_fk("task_id", "task"))

    task_id: Mapped[int] = mapped_column(BigInteger)
    what: Mapped[str] = mapped_column(String(10))
    staff_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    to_staff_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    note: Mapped[str] = mapped_column(String(500), default="")
    was_due_on: Mapped[date | None] = mapped_column(Date)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
