"""The plan of the daily back-up, and what became of each. Rows of the whole shop: one file holds all brands."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.model import Base
from webapp.kernel.types import UtcDateTime


class BackupPlan(Base):
    """The one row (id 1) that says when. It is written when the shop is first run; without it nothing is due.

    hour: 0 to 23, in the machine's zone; keep: how many daily files stay; folder: where to, "" for `backups` in the
    instance folder. since_at: an hour before it is not owed. tried_at: when one was last begun. wanted: asked for by hand.
    """

    __tablename__ = "backup_plan"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    daily: Mapped[bool] = mapped_column(Boolean)
    hour: Mapped[int] = mapped_column(Integer)
    keep: Mapped[int] = mapped_column(Integer)
    folder: Mapped[str] = mapped_column(String(500))
    wanted: Mapped[bool] = mapped_column(Boolean)
    since_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class BackupRun(Base):
    """One try that came to its end. file: the whole path, "" for a failed one; error: why it failed, "" if it did not.

    planned: made by the plan, and removed by it when `keep` newer ones are there (gone).
    """

    __tablename__ = "backup_run"
    __table_args__ = (Index(None, "finished_at"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    planned: Mapped[bool] = mapped_column(Boolean)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime] = mapped_column(UtcDateTime)
    file: Mapped[str] = mapped_column(String(1000))
    size: Mapped[int] = mapped_column(BigInteger)
    error: Mapped[str] = mapped_column(String(500))
    gone: Mapped[bool] = mapped_column(Boolean)
