"""Teams, and who has a place in one."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    UniqueConstraint,
)

from webapp.plugin_api import Moment, own_table, own_tables

METADATA = own_tables()

# size, enough: as the offer's terms were when it was opened. members: how many places are taken, kept by conditional changes;
# joined: how many have ever joined, so that each has a turn. state: open -> complete, or failed; ended_at: when that was.
TEAM = own_table(
    "plg_coupon_group_buy_team",
    METADATA,
    Column("offer_id", BigInteger, nullable=False),
    Column("word", String(60), nullable=False),
    Column("size", Integer, nullable=False),
    Column("enough", Integer),
    Column("members", Integer, nullable=False),
    Column("joined", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("ended_at", Moment),
    UniqueConstraint("brand_id", "word"),
    Index(None, "brand_id", "offer_id", "state", "id"),
    CheckConstraint("members >= 0 AND members <= size", name="members"),
)

# turn: in the order of joining; the lowest one leads.
PLACE = own_table(
    "plg_coupon_group_buy_place",
    METADATA,
    Column("team_id", BigInteger, nullable=False),
    Column("offer_id", BigInteger, nullable=False),
    Column("member_id", BigInteger, nullable=False),
    Column("coupon_id", BigInteger, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("joined_at", Moment, nullable=False),
    UniqueConstraint("brand_id", "team_id", "member_id"),
    Index(None, "brand_id", "member_id", "offer_id"),
    ForeignKeyConstraint(
        ["brand_id", "team_id"], ["plg_coupon_group_buy_team.brand_id", "plg_coupon_group_buy_team.id"]
    ),
)
