"""Staff, files, entrances, tasks and groups of a shop that runs alone.

Written from the models by tools/revision.py, but for what stands between the marks.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "instance_setting",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("value", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_instance_setting")),
    )
    op.create_table(
        "tag_group",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_tag_group")),
        sa.UniqueConstraint("brand_id", "name", name=op.f("uq_tag_group_brand_id_name")),
    )
    op.create_table(
        "brand_logo",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_brand_logo_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_brand_logo")),
    )
    op.create_table(
        "staff_factor",
        sa.Column("staff_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.String(length=400), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_factor_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_staff_factor")),
    )
    op.create_table(
        "staff_invite",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("stores", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("invited_by", sa.BigInteger(), nullable=False),
        sa.Column("mailed", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_staff_invite_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_staff_invite")),
        sa.UniqueConstraint("brand_id", "digest", name=op.f("uq_staff_invite_brand_id_digest")),
    )
    op.create_table(
        "staff_recovery",
        sa.Column("staff_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_recovery_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", "digest", name=op.f("pk_staff_recovery")),
    )
    op.create_table(
        "tag",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tag_group_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "tag_group_id"],
            ["tag_group.brand_id", "tag_group.id"],
            name=op.f("fk_tag_brand_id_tag_group_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_tag")),
        sa.UniqueConstraint(
            "brand_id", "tag_group_id", "name", name=op.f("uq_tag_brand_id_tag_group_id_name")
        ),
    )
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

    op.create_table(
        "member_note",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_member_note_brand_id_member_id"),
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_member_note_staff_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_member_note")),
    )
    with op.batch_alter_table("member_note", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_member_note_brand_id_member_id_id"), ["brand_id", "member_id", "id"], unique=False
        )

    op.create_table(
        "member_tag",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tag_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_member_tag_brand_id_member_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "tag_id"], ["tag.brand_id", "tag.id"], name=op.f("fk_member_tag_brand_id_tag_id")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_member_tag_staff_id")),
        sa.PrimaryKeyConstraint("brand_id", "member_id", "tag_id", name=op.f("pk_member_tag")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("member_tag", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_member_tag_brand_id_tag_id_member_id"),
            ["brand_id", "tag_id", "member_id"],
            unique=False,
        )

    op.create_table(
        "staff_quick",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("role_id", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "role_id"],
            ["staff_role.brand_id", "staff_role.id"],
            name=op.f("fk_staff_quick_brand_id_role_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_staff_quick")),
        sa.UniqueConstraint("brand_id", "digest", name=op.f("uq_staff_quick_brand_id_digest")),
    )
    with op.batch_alter_table("staff_quick", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_quick_digest"), ["digest"], unique=False)

    op.create_table(
        "staff_store",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("store_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "role_id"],
            ["staff_role.brand_id", "staff_role.id"],
            name=op.f("fk_staff_store_brand_id_role_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"],
            ["store.brand_id", "store.id"],
            name=op.f("fk_staff_store_brand_id_store_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "role_id", "store_id", name=op.f("pk_staff_store")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("staff_store", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_staff_store_brand_id_store_id"), ["brand_id", "store_id"], unique=False
        )

    op.create_table(
        "task",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("link", sa.String(length=500), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("delivery_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "delivery_id"],
            ["delivery.brand_id", "delivery.id"],
            name=op.f("fk_task_brand_id_delivery_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_task_brand_id_member_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_task_brand_id_store_id")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_task_staff_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_task")),
        sa.UniqueConstraint("brand_id", "delivery_id", name=op.f("uq_task_brand_id_delivery_id")),
        sa.UniqueConstraint("brand_id", "key", name=op.f("uq_task_brand_id_key")),
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_task_brand_id_member_id_id"), ["brand_id", "member_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_task_brand_id_staff_id_state_due_on"),
            ["brand_id", "staff_id", "state", "due_on"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_task_brand_id_state_due_on"), ["brand_id", "state", "due_on"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_task_brand_id_store_id_state_due_on"),
            ["brand_id", "store_id", "state", "due_on"],
            unique=False,
        )

    op.create_table(
        "task_move",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("to_staff_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "task_id"], ["task.brand_id", "task.id"], name=op.f("fk_task_move_brand_id_task_id")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_task_move_staff_id")),
        sa.ForeignKeyConstraint(["to_staff_id"], ["staff.id"], name=op.f("fk_task_move_to_staff_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_task_move")),
    )
    with op.batch_alter_table("task_move", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_task_move_brand_id_task_id_id"), ["brand_id", "task_id", "id"], unique=False
        )

    with op.batch_alter_table("brand", schema=None) as batch_op:
        batch_op.add_column(sa.Column("logo", sa.String(length=16), server_default="", nullable=False))
        batch_op.add_column(sa.Column("setup_closed_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("member_identity", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tail", sa.String(length=4), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_member_identity_brand_id_tail"), ["brand_id", "tail"], unique=False
        )

    with op.batch_alter_table("staff_role", schema=None) as batch_op:
        batch_op.add_column(sa.Column("off_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("staff_session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("how", sa.String(length=10), server_default="password", nullable=False))
        batch_op.add_column(sa.Column("address", sa.String(length=45), nullable=True))
    # -- by hand
    # a phone's last four digits, by which people are found
    op.execute("UPDATE member_identity SET tail = substr(value, length(value) - 3) WHERE kind = 'phone'")
    # -- as written
