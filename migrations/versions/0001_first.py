"""The first schema.

Written from the models by tools/initial_migration.py.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attribute_definition",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_attribute_definition")),
        sa.UniqueConstraint("brand_id", "key", name=op.f("uq_attribute_definition_brand_id_key")),
    )
    op.create_table(
        "audit",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("verb", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_brand_id_at"), "audit", ["brand_id", "at"], unique=False)
    op.create_index(
        op.f("ix_audit_brand_id_subject_subject_id"),
        "audit",
        ["brand_id", "subject", "subject_id"],
        unique=False,
    )
    op.create_table(
        "brand",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("timezone", sa.String(length=60), nullable=False),
        sa.Column("region", sa.String(length=2), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("colour", sa.String(length=7), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brand")),
        sa.UniqueConstraint("code", name=op.f("uq_brand_code")),
    )
    op.create_table(
        "delivery",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("recipient_kind", sa.String(length=6), nullable=False),
        sa.Column("recipient_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=True),
        sa.Column("arm", sa.SmallInteger(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            "brand_id",
            "campaign_id",
            "recipient_kind",
            "recipient_id",
            "occurrence",
            name="uq_delivery_promise",
        ),
    )
    op.create_index(
        op.f("ix_delivery_brand_id_person_id_id"), "delivery", ["brand_id", "person_id", "id"], unique=False
    )
    op.create_index(
        "ix_delivery_due", "delivery", ["brand_id", "campaign_id", "state", "due_at"], unique=False
    )
    op.create_index("ix_delivery_lease", "delivery", ["state", "lease_until"], unique=False)
    op.create_table(
        "event",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subscriber", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("payload", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_next_at"), "event", ["next_at"], unique=False)
    op.create_table(
        "id_block",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_id_block")),
    )
    op.create_table(
        "idempotency",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("answer", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)
    op.create_table(
        "import",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("options", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("stage", sa.String(length=80), nullable=False),
        sa.Column("counts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_import")),
    )
    op.create_index(op.f("ix_import_brand_id_created_at"), "import", ["brand_id", "created_at"], unique=False)
    op.create_index(op.f("ix_import_state"), "import", ["state"], unique=False)
    op.create_table(
        "lifecycle_run",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("ran_on", sa.Date(), nullable=True),
        sa.Column("policy", sa.String(length=60), nullable=False),
        sa.Column("looked_at", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(length=30), nullable=True),
        sa.Column("error_facts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_lifecycle_run")),
    )
    op.create_table(
        "offer",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("type_key", sa.String(length=60), nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("stock", sa.BigInteger(), nullable=True),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("per_person", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("stock IS NULL OR issued <= stock", name=op.f("ck_offer_stock")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_offer")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_offer_brand_id_code")),
    )
    op.create_table(
        "plugin_setting",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("plugin", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("value", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "plugin", "key", name=op.f("pk_plugin_setting")),
    )
    op.create_table(
        "plugin_state",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("plugin", sa.String(length=60), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "plugin", name=op.f("pk_plugin_state")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("email", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("password", sa.String(length=200), nullable=True),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("email", name=op.f("uq_staff_email")),
    )
    op.create_table(
        "step_run",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("cursor", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("result", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_step_run")),
        sa.UniqueConstraint("brand_id", "name", "key", name=op.f("uq_step_run_brand_id_name_key")),
    )
    op.create_index(
        op.f("ix_step_run_done_at_updated_at"), "step_run", ["done_at", "updated_at"], unique=False
    )
    op.create_table(
        "campaign",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("arm_k", sa.BigInteger(), nullable=False),
        sa.Column("arm_c", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "offer_id"],
            ["offer.brand_id", "offer.id"],
            name=op.f("fk_campaign_brand_id_offer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_campaign")),
    )
    op.create_index(op.f("ix_campaign_brand_id_state"), "campaign", ["brand_id", "state"], unique=False)
    op.create_table(
        "dispatch",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("attempt_id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "delivery_id"],
            ["delivery.brand_id", "delivery.id"],
            name=op.f("fk_dispatch_brand_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_dispatch")),
    )
    op.create_index(
        op.f("ix_dispatch_brand_id_delivery_id"), "dispatch", ["brand_id", "delivery_id"], unique=False
    )
    op.create_table(
        "offer_allowance",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("offer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "offer_id"],
            ["offer.brand_id", "offer.id"],
            name=op.f("fk_offer_allowance_brand_id_offer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "offer_id", "person_id", name=op.f("pk_offer_allowance")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "offer_terms",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type_version", sa.Integer(), nullable=False),
        sa.Column("terms", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_days", sa.Integer(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "valid_days IS NOT NULL OR valid_until IS NOT NULL", name=op.f("ck_offer_terms_ends")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "offer_id"],
            ["offer.brand_id", "offer.id"],
            name=op.f("fk_offer_terms_brand_id_offer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_offer_terms")),
        sa.UniqueConstraint(
            "brand_id", "offer_id", "version", name=op.f("uq_offer_terms_brand_id_offer_id_version")
        ),
    )
    op.create_table(
        "receipt",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("once", sa.String(length=12), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "delivery_id"],
            ["delivery.brand_id", "delivery.id"],
            name=op.f("fk_receipt_brand_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_receipt")),
        sa.UniqueConstraint(
            "brand_id", "delivery_id", "once", name=op.f("uq_receipt_brand_id_delivery_id_once")
        ),
    )
    op.create_table(
        "staff_link",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_link_staff_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_staff_link")),
    )
    op.create_table(
        "staff_session",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_staff_session_brand_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_session_staff_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_staff_session")),
    )
    op.create_index(op.f("ix_staff_session_staff_id"), "staff_session", ["staff_id"], unique=False)
    op.create_table(
        "store",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_store_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_store")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_store_brand_id_code")),
    )
    op.create_table(
        "attempt",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dispatch_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=9), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=30), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "dispatch_id"],
            ["dispatch.brand_id", "dispatch.id"],
            name=op.f("fk_attempt_brand_id_dispatch_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_attempt")),
    )
    op.create_index(
        op.f("ix_attempt_brand_id_dispatch_id"), "attempt", ["brand_id", "dispatch_id"], unique=False
    )
    op.create_table(
        "campaign_version",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("audience", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("content", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "campaign_id"],
            ["campaign.brand_id", "campaign.id"],
            name=op.f("fk_campaign_version_brand_id_campaign_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_campaign_version")),
        sa.UniqueConstraint(
            "brand_id",
            "campaign_id",
            "version",
            name=op.f("uq_campaign_version_brand_id_campaign_id_version"),
        ),
    )
    op.create_table(
        "member",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("gender", sa.String(length=10), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("joined_on", sa.Date(), nullable=False),
        sa.Column("joined_given", sa.Boolean(), nullable=False),
        sa.Column("draw", sa.BigInteger(), nullable=False),
        sa.Column("dirty_on", sa.Date(), nullable=True),
        sa.Column("facts_seq", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_member_brand_id_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_member")),
        sa.UniqueConstraint("brand_id", "number", name=op.f("uq_member_brand_id_number")),
    )
    op.create_index(op.f("ix_member_brand_id_dirty_on"), "member", ["brand_id", "dirty_on"], unique=False)
    op.create_index(op.f("ix_member_brand_id_joined_on"), "member", ["brand_id", "joined_on"], unique=False)
    op.create_index(op.f("ix_member_brand_id_name"), "member", ["brand_id", "name"], unique=False)
    op.create_index(op.f("ix_member_brand_id_person_id"), "member", ["brand_id", "person_id"], unique=False)
    op.create_table(
        "staff_role",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"],
            ["store.brand_id", "store.id"],
            name=op.f("fk_staff_role_brand_id_store_id"),
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_role_staff_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_staff_role")),
        sa.UniqueConstraint("brand_id", "staff_id", name=op.f("uq_staff_role_brand_id_staff_id")),
    )
    op.create_index(op.f("ix_staff_role_staff_id"), "staff_role", ["staff_id"], unique=False)
    op.create_table(
        "consent",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_consent_brand_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_consent")),
    )
    op.create_index(
        op.f("ix_consent_brand_id_member_id_channel_purpose_at_id"),
        "consent",
        ["brand_id", "member_id", "channel", "purpose", "at", "id"],
        unique=False,
    )
    op.create_table(
        "consent_now",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_consent_now_brand_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "member_id", "channel", "purpose", name=op.f("pk_consent_now")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "coupon",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("occurrence", sa.String(length=40), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_coupon_brand_id_member_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "offer_id"], ["offer.brand_id", "offer.id"], name=op.f("fk_coupon_brand_id_offer_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_coupon")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_coupon_brand_id_code")),
        sa.UniqueConstraint(
            "brand_id",
            "offer_id",
            "member_id",
            "occurrence",
            name=op.f("uq_coupon_brand_id_offer_id_member_id_occurrence"),
        ),
        sa.UniqueConstraint("brand_id", "token", name=op.f("uq_coupon_brand_id_token")),
    )
    op.create_index(
        op.f("ix_coupon_brand_id_campaign_id_state"),
        "coupon",
        ["brand_id", "campaign_id", "state"],
        unique=False,
    )
    op.create_index(op.f("ix_coupon_brand_id_member_id"), "coupon", ["brand_id", "member_id"], unique=False)
    op.create_index(
        op.f("ix_coupon_brand_id_offer_id_state"), "coupon", ["brand_id", "offer_id", "state"], unique=False
    )
    op.create_index(
        op.f("ix_coupon_brand_id_person_id_id"), "coupon", ["brand_id", "person_id", "id"], unique=False
    )
    op.create_table(
        "member_attribute",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attribute_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "attribute_id"],
            ["attribute_definition.brand_id", "attribute_definition.id"],
            name=op.f("fk_member_attribute_brand_id_attribute_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_member_attribute_brand_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "member_id", "attribute_id", name=op.f("pk_member_attribute")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_member_attribute_brand_id_attribute_id_text"),
        "member_attribute",
        ["brand_id", "attribute_id", "text"],
        unique=False,
    )
    op.create_table(
        "member_identity",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("holder", sa.String(length=200), nullable=True),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_member_identity_brand_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_member_identity")),
        sa.UniqueConstraint(
            "brand_id", "kind", "holder", name=op.f("uq_member_identity_brand_id_kind_holder")
        ),
        sa.UniqueConstraint(
            "brand_id", "member_id", "kind", name=op.f("uq_member_identity_brand_id_member_id_kind")
        ),
    )
    op.create_index(
        op.f("ix_member_identity_brand_id_kind_value"),
        "member_identity",
        ["brand_id", "kind", "value"],
        unique=False,
    )
    op.create_table(
        "member_stage",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("recheck_on", sa.Date(), nullable=True),
        sa.Column("next_stage", sa.String(length=20), nullable=True),
        sa.Column("policy", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_member_stage_brand_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "member_id", name=op.f("pk_member_stage")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_member_stage_brand_id_recheck_on"), "member_stage", ["brand_id", "recheck_on"], unique=False
    )
    op.create_index(
        op.f("ix_member_stage_brand_id_stage"), "member_stage", ["brand_id", "stage"], unique=False
    )
    op.create_table(
        "orders",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ordered_on", sa.Date(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("lines_digest", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_orders_brand_id_member_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_orders_brand_id_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_orders")),
        sa.UniqueConstraint("brand_id", "source", "number", name=op.f("uq_orders_brand_id_source_number")),
    )
    op.create_index(
        "ix_orders_person", "orders", ["brand_id", "person_id", "ordered_on", "paid_minor"], unique=False
    )
    op.create_index("ix_orders_waiting", "orders", ["brand_id", "phone"], unique=False)
    op.create_table(
        "stage_change",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("from_stage", sa.String(length=20), nullable=True),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "member_id"],
            ["member.brand_id", "member.id"],
            name=op.f("fk_stage_change_brand_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_stage_change")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_stage_change_brand_id_member_id_decided_on"),
        "stage_change",
        ["brand_id", "member_id", "decided_on"],
        unique=False,
    )
    op.create_table(
        "coupon_change",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("coupon_id", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.String(length=10), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"],
            ["coupon.brand_id", "coupon.id"],
            name=op.f("fk_coupon_change_brand_id_coupon_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_coupon_change")),
    )
    op.create_index(
        op.f("ix_coupon_change_brand_id_coupon_id_id"),
        "coupon_change",
        ["brand_id", "coupon_id", "id"],
        unique=False,
    )
    op.create_table(
        "order_line",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("product", sa.String(length=120), nullable=False),
        sa.Column("category", sa.String(length=120), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "order_id"],
            ["orders.brand_id", "orders.id"],
            name=op.f("fk_order_line_brand_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("brand_id", "order_id", "position", name=op.f("pk_order_line")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "redemption",
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("coupon_id", sa.BigInteger(), nullable=False),
        sa.Column("open_coupon_id", sa.BigInteger(), nullable=True),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("basket_minor", sa.BigInteger(), nullable=False),
        sa.Column("saving_minor", sa.BigInteger(), nullable=False),
        sa.Column("till_number", sa.String(length=80), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("redeemed_on", sa.Date(), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reversed_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"],
            ["coupon.brand_id", "coupon.id"],
            name=op.f("fk_redemption_brand_id_coupon_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "order_id"],
            ["orders.brand_id", "orders.id"],
            name=op.f("fk_redemption_brand_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"],
            ["store.brand_id", "store.id"],
            name=op.f("fk_redemption_brand_id_store_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_redemption")),
        sa.UniqueConstraint("brand_id", "open_coupon_id", name=op.f("uq_redemption_brand_id_open_coupon_id")),
    )
    op.create_index(
        op.f("ix_redemption_brand_id_coupon_id"), "redemption", ["brand_id", "coupon_id"], unique=False
    )
    op.create_index(
        op.f("ix_redemption_brand_id_order_id"), "redemption", ["brand_id", "order_id"], unique=False
    )
    op.create_index(
        op.f("ix_redemption_brand_id_redeemed_on"), "redemption", ["brand_id", "redeemed_on"], unique=False
    )
    op.create_index(
        op.f("ix_redemption_brand_id_till_number"), "redemption", ["brand_id", "till_number"], unique=False
    )
    op.execute("INSERT INTO id_block (name, next) VALUES ('id', 1000)")
