"""The API, which offer for whom, undoing and reminders, teams.

Written from the models by tools/revision.py, but for what stands between the marks.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "habit_state",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("orders_through", sa.BigInteger(), nullable=False),
        sa.Column("gathered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_habit_state")),
    )
    op.create_table(
        "offer_matrix",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_offer_matrix")),
    )
    op.create_table(
        "birthday_present",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=True),
        sa.Column("matrix_id", sa.BigInteger(), nullable=True),
        sa.Column("days_before", sa.Integer(), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=True),
        sa.CheckConstraint("offer_id IS NULL OR matrix_id IS NULL", name=op.f("ck_birthday_present_one")),
        sa.ForeignKeyConstraint(
            ["brand_id", "matrix_id"],
            ["offer_matrix.brand_id", "offer_matrix.id"],
            name=op.f("fk_birthday_present_brand_id_matrix_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "offer_id"],
            ["offer.brand_id", "offer.id"],
            name=op.f("fk_birthday_present_brand_id_offer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_birthday_present")),
    )
    op.create_table(
        "matrix_row",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("matrix_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("rule", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "matrix_id"],
            ["offer_matrix.brand_id", "offer_matrix.id"],
            name=op.f("fk_matrix_row_brand_id_matrix_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "offer_id"],
            ["offer.brand_id", "offer.id"],
            name=op.f("fk_matrix_row_brand_id_offer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_matrix_row")),
    )
    with op.batch_alter_table("matrix_row", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_matrix_row_brand_id_matrix_id_place"),
            ["brand_id", "matrix_id", "place"],
            unique=False,
        )

    op.create_table(
        "reminder_run",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_reminder_run_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_reminder_run")),
        sa.UniqueConstraint("brand_id", "made_on", name=op.f("uq_reminder_run_brand_id_made_on")),
    )
    with op.batch_alter_table("reminder_run", schema=None) as batch_op:
        batch_op.create_index("ix_reminder_run_state", ["state"], unique=False)

    op.create_table(
        "undo_limit",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("clerk", sa.String(length=5), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=True),
        sa.Column("manager_days", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_undo_limit_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_undo_limit")),
    )
    op.create_table(
        "api_key",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_on", sa.Date(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"],
            ["store.brand_id", "store.id"],
            name=op.f("fk_api_key_brand_id_store_id"),
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_api_key_brand_id")),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_api_key_made_by")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("brand_id", "digest", name=op.f("uq_api_key_brand_id_digest")),
    )
    op.create_table(
        "member_habit",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("category", sa.String(length=120), nullable=False),
        sa.Column("facts_seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_member_habit_brand_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "member_id", name=op.f("pk_member_habit")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reminded_coupon",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("coupon_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"],
            ["coupon.brand_id", "coupon.id"],
            name=op.f("fk_reminded_coupon_brand_id_coupon_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "delivery_id"],
            ["delivery.brand_id", "delivery.id"],
            name=op.f("fk_reminded_coupon_brand_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "coupon_id", name=op.f("pk_reminded_coupon")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("reminded_coupon", schema=None) as batch_op:
        batch_op.create_index("ix_reminded_coupon_delivery", ["brand_id", "delivery_id"], unique=False)

    op.create_table(
        "basket_return",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("was_minor", sa.BigInteger(), nullable=False),
        sa.Column("left_minor", sa.BigInteger(), nullable=False),
        sa.Column("saved_minor", sa.BigInteger(), nullable=False),
        sa.Column("saves_minor", sa.BigInteger(), nullable=False),
        sa.Column("back_minor", sa.BigInteger(), nullable=False),
        sa.Column("short_minor", sa.BigInteger(), nullable=False),
        sa.Column("pieces", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("coupons", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "first_id"],
            ["redemption.brand_id", "redemption.id"],
            name=op.f("fk_basket_return_brand_id_first_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_basket_return")),
        sa.UniqueConstraint("brand_id", "first_id", "n", name=op.f("uq_basket_return_brand_id_first_id_n")),
    )
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.add_column(sa.Column("matrix_id", sa.BigInteger(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_campaign_brand_id_matrix_id"),
            "offer_matrix",
            ["brand_id", "matrix_id"],
            ["brand_id", "id"],
        )

    with op.batch_alter_table("offer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("remind_days", sa.Integer(), nullable=True))
        batch_op.create_index(
            "ix_offer_remind",
            ["brand_id"],
            unique=False,
            sqlite_where=sa.text("remind_days IS NOT NULL"),
            postgresql_where=sa.text("remind_days IS NOT NULL"),
        )

    with op.batch_alter_table("redemption", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bought_minor", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("first_saving_minor", sa.BigInteger(), nullable=True))

    with op.batch_alter_table("touchpoint", schema=None) as batch_op:
        batch_op.add_column(sa.Column("matrix_id", sa.BigInteger(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_touchpoint_brand_id_matrix_id"),
            "offer_matrix",
            ["brand_id", "matrix_id"],
            ["brand_id", "id"],
        )
    # -- by hand
    # -- as written
