"""The first tables of coupon_group_buy.

Written from the models by tools/revision.py, but for what stands between the marks.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plg_coupon_group_buy_team",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("word", sa.String(length=60), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("enough", sa.Integer(), nullable=True),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("joined", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "members >= 0 AND members <= size", name=op.f("ck_plg_coupon_group_buy_team_members")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_plg_coupon_group_buy_team")),
        sa.UniqueConstraint("brand_id", "word", name=op.f("uq_plg_coupon_group_buy_team_brand_id_word")),
    )
    with op.batch_alter_table("plg_coupon_group_buy_team", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_plg_coupon_group_buy_team_brand_id_offer_id_state_id"),
            ["brand_id", "offer_id", "state", "id"],
            unique=False,
        )

    op.create_table(
        "plg_coupon_group_buy_place",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("coupon_id", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "team_id"],
            ["plg_coupon_group_buy_team.brand_id", "plg_coupon_group_buy_team.id"],
            name=op.f("fk_plg_coupon_group_buy_place_brand_id_team_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_plg_coupon_group_buy_place")),
        sa.UniqueConstraint(
            "brand_id",
            "team_id",
            "member_id",
            name=op.f("uq_plg_coupon_group_buy_place_brand_id_team_id_member_id"),
        ),
    )
    with op.batch_alter_table("plg_coupon_group_buy_place", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_plg_coupon_group_buy_place_brand_id_member_id_offer_id"),
            ["brand_id", "member_id", "offer_id"],
            unique=False,
        )
    # -- by hand
    # -- as written
