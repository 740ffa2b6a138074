"""The API, which offer for whom, undoing and reminders, teams.

Written from the models by tools/revision.py, but for what stands between the marks.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "undo_limit",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("clerk", sa.String(length=5), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=True),
        sa.Column("manager_days", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_undo_limit_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_undo_limit")),
    )
    # -- by hand
    # -- as written
