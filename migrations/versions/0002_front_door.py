"""Staff, files, entrances, tasks and groups of a shop that runs alone.

Written from the models by tools/revision.py, but for what stands between the marks.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "member_guide",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_member_guide_brand_id_member_id"),
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_member_guide_staff_id")),
        sa.PrimaryKeyConstraint("brand_id", "member_id", "kind", name=op.f("pk_member_guide")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("member_guide", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_member_guide_brand_id_staff_id_kind_member_id"),
            ["brand_id", "staff_id", "kind", "member_id"],
            unique=False,
        )
    # -- by hand
    # -- as written
