"""What members are told of what they took part in.

Written from the models by tools/revision.py, but for what stands between the marks.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "telling",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_telling_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_telling")),
        sa.UniqueConstraint(
            "brand_id", "channel", "purpose", name=op.f("uq_telling_brand_id_channel_purpose")
        ),
    )
    op.create_table(
        "told",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("telling_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("plugin", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("link", sa.String(length=500), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_told_brand_id_member_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "telling_id"],
            ["telling.brand_id", "telling.id"],
            name=op.f("fk_told_brand_id_telling_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_told")),
        sa.UniqueConstraint(
            "brand_id", "plugin", "key", "member_id", name=op.f("uq_told_brand_id_plugin_key_member_id")
        ),
        sa.UniqueConstraint(
            "brand_id",
            "telling_id",
            "member_id",
            "occurrence",
            name=op.f("uq_told_brand_id_telling_id_member_id_occurrence"),
        ),
    )
    # -- by hand
    # -- as written
