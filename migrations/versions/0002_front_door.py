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
        "backup_plan",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("daily", sa.Boolean(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("keep", sa.Integer(), nullable=False),
        sa.Column("folder", sa.String(length=500), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backup_plan")),
    )
    op.create_table(
        "backup_run",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("planned", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file", sa.String(length=1000), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backup_run")),
    )
    with op.batch_alter_table("backup_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_backup_run_finished_at"), ["finished_at"], unique=False)

    op.create_table(
        "group_type",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_group_type")),
        sa.UniqueConstraint("brand_id", "name", name=op.f("uq_group_type_brand_id_name")),
    )
    op.create_table(
        "import_mapping",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("headers", sa.String(length=64), nullable=False),
        sa.Column("mapping", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_import_mapping")),
        sa.UniqueConstraint(
            "brand_id",
            "kind",
            "source",
            "headers",
            name=op.f("uq_import_mapping_brand_id_kind_source_headers"),
        ),
    )
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
        "guide_day",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("staff_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_guide_day_staff_id")),
        sa.PrimaryKeyConstraint("brand_id", "staff_id", "day", name=op.f("pk_guide_day")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "guide_duty",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("staff_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("per_day", sa.Integer(), nullable=True),
        sa.Column("away_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_guide_duty_staff_id")),
        sa.PrimaryKeyConstraint("brand_id", "staff_id", name=op.f("pk_guide_duty")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_before",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("import_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("row_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("before", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "import_id"],
            ["import.brand_id", "import.id"],
            name=op.f("fk_import_before_brand_id_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("brand_id", "import_id", "kind", "row_id", name=op.f("pk_import_before")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_made",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("import_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "import_id"],
            ["import.brand_id", "import.id"],
            name=op.f("fk_import_made_brand_id_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("brand_id", "import_id", "first_id", name=op.f("pk_import_made")),
        sqlite_with_rowid=False,
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
        "campaign_picture",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mimetype", sa.String(length=20), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "campaign_id"],
            ["campaign.brand_id", "campaign.id"],
            name=op.f("fk_campaign_picture_brand_id_campaign_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "campaign_id", name=op.f("pk_campaign_picture")),
    )
    op.create_table(
        "chat_group",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("group_type_id", sa.BigInteger(), nullable=True),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("link", sa.String(length=500), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "group_type_id"],
            ["group_type.brand_id", "group_type.id"],
            name=op.f("fk_chat_group_brand_id_group_type_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"],
            ["store.brand_id", "store.id"],
            name=op.f("fk_chat_group_brand_id_store_id"),
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["staff.id"], name=op.f("fk_chat_group_owner_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_chat_group")),
        sa.UniqueConstraint("brand_id", "name", name=op.f("uq_chat_group_brand_id_name")),
    )
    with op.batch_alter_table("chat_group", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_chat_group_brand_id_owner_id"), ["brand_id", "owner_id"], unique=False
        )

    op.create_table(
        "campaign_group",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "campaign_id"],
            ["campaign.brand_id", "campaign.id"],
            name=op.f("fk_campaign_group_brand_id_campaign_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "group_id"],
            ["chat_group.brand_id", "chat_group.id"],
            name=op.f("fk_campaign_group_brand_id_group_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_campaign_group")),
        sa.UniqueConstraint(
            "brand_id",
            "campaign_id",
            "group_id",
            name=op.f("uq_campaign_group_brand_id_campaign_id_group_id"),
        ),
        sa.UniqueConstraint("brand_id", "token", name=op.f("uq_campaign_group_brand_id_token")),
    )
    op.create_table(
        "contact_change",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=True),
        sa.Column("confirmed", sa.Boolean(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_contact_change_brand_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_contact_change")),
        sa.UniqueConstraint(
            "brand_id",
            "member_id",
            "kind",
            "open",
            name=op.f("uq_contact_change_brand_id_member_id_kind_open"),
        ),
    )
    with op.batch_alter_table("contact_change", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_contact_change_brand_id_open_asked_at"),
            ["brand_id", "open", "asked_at"],
            unique=False,
        )

    op.create_table(
        "group_picture",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("group_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mimetype", sa.String(length=20), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "group_id"],
            ["chat_group.brand_id", "chat_group.id"],
            name=op.f("fk_group_picture_brand_id_group_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "group_id", name=op.f("pk_group_picture")),
    )
    op.create_table(
        "group_stay",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_source", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "group_id"],
            ["chat_group.brand_id", "chat_group.id"],
            name=op.f("fk_group_stay_brand_id_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_group_stay_brand_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_group_stay")),
        sa.UniqueConstraint(
            "brand_id",
            "group_id",
            "member_id",
            "current",
            name=op.f("uq_group_stay_brand_id_group_id_member_id_current"),
        ),
    )
    with op.batch_alter_table("group_stay", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_group_stay_brand_id_group_id_joined_at_id"),
            ["brand_id", "group_id", "joined_at", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_group_stay_brand_id_member_id"), ["brand_id", "member_id"], unique=False
        )

    op.create_table(
        "group_visitor",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_group_visitor_brand_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_group_visitor")),
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
        "touchpoint",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("slot", sa.String(length=40), nullable=True),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.String(length=120), nullable=False),
        sa.Column("brought_by_id", sa.BigInteger(), nullable=True),
        sa.Column("serving", sa.String(length=10), nullable=False),
        sa.Column("serves_id", sa.BigInteger(), nullable=True),
        sa.Column("standin_id", sa.BigInteger(), nullable=True),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=True),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("welcome", sa.String(length=500), nullable=False),
        sa.Column("ask", sa.String(length=10), nullable=False),
        sa.Column("ask_name", sa.Boolean(), nullable=False),
        sa.Column("ask_birthday", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "group_id"],
            ["chat_group.brand_id", "chat_group.id"],
            name=op.f("fk_touchpoint_brand_id_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "offer_id"],
            ["offer.brand_id", "offer.id"],
            name=op.f("fk_touchpoint_brand_id_offer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"],
            ["store.brand_id", "store.id"],
            name=op.f("fk_touchpoint_brand_id_store_id"),
        ),
        sa.ForeignKeyConstraint(["brought_by_id"], ["staff.id"], name=op.f("fk_touchpoint_brought_by_id")),
        sa.ForeignKeyConstraint(["serves_id"], ["staff.id"], name=op.f("fk_touchpoint_serves_id")),
        sa.ForeignKeyConstraint(["standin_id"], ["staff.id"], name=op.f("fk_touchpoint_standin_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_touchpoint")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_touchpoint_brand_id_code")),
        sa.UniqueConstraint("brand_id", "slot", name=op.f("uq_touchpoint_brand_id_slot")),
    )
    with op.batch_alter_table("touchpoint", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_touchpoint_brand_id_store_id"), ["brand_id", "store_id"], unique=False
        )

    op.create_table(
        "group_visit",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("campaign_group_id", sa.BigInteger(), nullable=False),
        sa.Column("visitor", sa.BigInteger(), nullable=False),
        sa.Column("visited_on", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "campaign_group_id"],
            ["campaign_group.brand_id", "campaign_group.id"],
            name=op.f("fk_group_visit_brand_id_campaign_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_group_visit_brand_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_group_visit")),
        sa.UniqueConstraint(
            "brand_id",
            "campaign_group_id",
            "visitor",
            "visited_on",
            name=op.f("uq_group_visit_brand_id_campaign_group_id_visitor_visited_on"),
        ),
    )
    with op.batch_alter_table("group_visit", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_group_visit_brand_id_campaign_group_id_member_id"),
            ["brand_id", "campaign_group_id", "member_id"],
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
        sa.Column("was_due_on", sa.Date(), nullable=True),
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

    op.create_table(
        "touchpoint_join",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("touchpoint_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.String(length=120), nullable=False),
        sa.Column("serves_id", sa.BigInteger(), nullable=True),
        sa.Column("brought_by_id", sa.BigInteger(), nullable=True),
        sa.Column("coupon_id", sa.BigInteger(), nullable=True),
        sa.Column("contact", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"],
            ["coupon.brand_id", "coupon.id"],
            name=op.f("fk_touchpoint_join_brand_id_coupon_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_touchpoint_join_brand_id_member_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"],
            ["store.brand_id", "store.id"],
            name=op.f("fk_touchpoint_join_brand_id_store_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "touchpoint_id"],
            ["touchpoint.brand_id", "touchpoint.id"],
            name=op.f("fk_touchpoint_join_brand_id_touchpoint_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_touchpoint_join")),
        sa.UniqueConstraint("brand_id", "member_id", name=op.f("uq_touchpoint_join_brand_id_member_id")),
    )
    with op.batch_alter_table("touchpoint_join", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_touchpoint_join_brand_id_coupon_id"), ["brand_id", "coupon_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_touchpoint_join_brand_id_joined_on"), ["brand_id", "joined_on"], unique=False
        )

    op.create_table(
        "touchpoint_scan",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("touchpoint_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("browser", sa.String(length=24), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"],
            ["store.brand_id", "store.id"],
            name=op.f("fk_touchpoint_scan_brand_id_store_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "touchpoint_id"],
            ["touchpoint.brand_id", "touchpoint.id"],
            name=op.f("fk_touchpoint_scan_brand_id_touchpoint_id"),
        ),
        sa.PrimaryKeyConstraint(
            "brand_id", "touchpoint_id", "day", "browser", name=op.f("pk_touchpoint_scan")
        ),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("touchpoint_scan", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_touchpoint_scan_brand_id_day_touchpoint_id"),
            ["brand_id", "day", "touchpoint_id"],
            unique=False,
        )

    op.create_table(
        "welcome_used",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("offer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact", sa.String(length=40), nullable=False),
        sa.Column("coupon_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"],
            ["coupon.brand_id", "coupon.id"],
            name=op.f("fk_welcome_used_brand_id_coupon_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "offer_id"],
            ["offer.brand_id", "offer.id"],
            name=op.f("fk_welcome_used_brand_id_offer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "offer_id", "contact", name=op.f("pk_welcome_used")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("brand", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("logo", sa.String(length=16), server_default=sa.text("''"), nullable=False)
        )
        batch_op.add_column(sa.Column("setup_closed_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=10), server_default="members", nullable=False))

    with op.batch_alter_table("import", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("told", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(
            sa.Column("progress", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )

    with op.batch_alter_table("member", schema=None) as batch_op:
        batch_op.add_column(sa.Column("locale", sa.String(length=10), nullable=True))

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
