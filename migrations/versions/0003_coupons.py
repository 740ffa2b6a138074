"""What offers promise beside their terms, codes, products and categories.

Written from the models by tools/revision.py, but for what stands between the marks.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalogue_state",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("orders_through", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_catalogue_state")),
    )
    op.create_table(
        "category",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_category")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_category_brand_id_code")),
    )
    op.create_table(
        "offer_event",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("offers", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_offer_event")),
        sa.UniqueConstraint("brand_id", "token", name=op.f("uq_offer_event_brand_id_token")),
    )
    op.create_table(
        "plugin_work",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("plugin", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("payload", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_plugin_work")),
        sa.UniqueConstraint("brand_id", "plugin", "key", name=op.f("uq_plugin_work_brand_id_plugin_key")),
    )
    with op.batch_alter_table("plugin_work", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_plugin_work_brand_id_done_at"), ["brand_id", "done_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_plugin_work_next_at"), ["next_at"], unique=False)

    op.create_table(
        "product",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("category", sa.String(length=120), nullable=False),
        sa.Column("category_by_hand", sa.Boolean(), nullable=False),
        sa.Column("category_on", sa.Date(), nullable=True),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_product")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_product_brand_id_code")),
    )
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_product_brand_id_category_code"), ["brand_id", "category", "code"], unique=False
        )

    op.create_table(
        "offer_code",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("batch", sa.String(length=40), nullable=False),
        sa.Column("most", sa.Integer(), nullable=True),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("most IS NULL OR used <= most", name=op.f("ck_offer_code_most")),
        sa.ForeignKeyConstraint(
            ["brand_id", "offer_id"],
            ["offer.brand_id", "offer.id"],
            name=op.f("fk_offer_code_brand_id_offer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_offer_code")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_offer_code_brand_id_code")),
    )
    with op.batch_alter_table("offer_code", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_offer_code_brand_id_offer_id_batch_id"),
            ["brand_id", "offer_id", "batch", "id"],
            unique=False,
        )

    op.create_table(
        "offer_day",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("offer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "offer_id"],
            ["offer.brand_id", "offer.id"],
            name=op.f("fk_offer_day_brand_id_offer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "offer_id", "day", name=op.f("pk_offer_day")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "public_claim",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("coupon_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"],
            ["coupon.brand_id", "coupon.id"],
            name=op.f("fk_public_claim_brand_id_coupon_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "coupon_id", name=op.f("pk_public_claim")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("coupon", schema=None) as batch_op:
        batch_op.add_column(sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(
            "ix_coupon_held",
            ["brand_id", "held_until"],
            unique=False,
            sqlite_where=sa.text("held_until IS NOT NULL"),
            postgresql_where=sa.text("held_until IS NOT NULL"),
        )

    with op.batch_alter_table("offer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("per_day", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("budget_minor", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("saved_minor", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("claim_from", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("claim_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("who", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(sa.Column("by_code", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("token", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("place", sa.Integer(), server_default="0", nullable=False))
        batch_op.create_index("ix_offer_token", ["brand_id", "token"], unique=True)

    with op.batch_alter_table("offer_terms", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "conditions",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                server_default="{}",
                nullable=False,
            )
        )

    with op.batch_alter_table("redemption", schema=None) as batch_op:
        batch_op.add_column(sa.Column("basket_id", sa.BigInteger(), nullable=True))
        batch_op.add_column(
            sa.Column("lines", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(
            sa.Column("gift", sa.String(length=200), server_default=sa.text("''"), nullable=False)
        )
        batch_op.create_index(
            batch_op.f("ix_redemption_brand_id_basket_id"), ["brand_id", "basket_id"], unique=False
        )
    # -- by hand
    # what the redemptions of an offer that stand have saved
    op.execute(
        "UPDATE offer SET saved_minor = (SELECT coalesce(sum(redemption.saving_minor), 0) FROM redemption"
        " JOIN coupon ON coupon.brand_id = redemption.brand_id AND coupon.id = redemption.open_coupon_id"
        " WHERE coupon.brand_id = offer.brand_id AND coupon.offer_id = offer.id)"
    )
    # -- as written
