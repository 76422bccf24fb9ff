"""station management: staff, tokens, tariffs, sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("label", sa.String(length=128), nullable=False),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("stations", sa.Text(), server_default="[]", nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_used_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("revoked_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_keys_hash")),
    )
    op.create_index(op.f("ix_api_keys_tenant"), "api_keys", ["tenant"], unique=False)
    op.create_table(
        "audit_heads",
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "audit_log",
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("object", sa.String(length=255), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_tenant_at", "audit_log", ["tenant", "at"], unique=False)
    op.create_index("ix_audit_log_tenant_object", "audit_log", ["tenant", "object"], unique=False)
    op.create_table(
        "battery_swaps",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("request", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event", sa.String(length=24), nullable=False),
        sa.Column("token", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_battery_swaps")),
    )
    op.create_index("ix_battery_swaps_station_request", "battery_swaps", ["station", "request"], unique=False)
    op.create_table(
        "display_messages",
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("message", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("station", sa.String(length=48), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "message", name=op.f("pk_display_messages")),
    )
    op.create_table(
        "local_lists",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("changed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("station", name=op.f("pk_local_lists")),
    )
    op.create_table(
        "meter_keys",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("evse", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("registered_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("station", "evse", "since", name=op.f("pk_meter_keys")),
    )
    op.create_table(
        "payment_holds",
        sa.Column("hold", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("evse", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=48), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("made_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("hold", name=op.f("pk_payment_holds")),
        sa.UniqueConstraint("token", name=op.f("uq_payment_holds_token")),
    )
    op.create_index("ix_payment_holds_state_due_at", "payment_holds", ["state", "due_at"], unique=False)
    op.create_index("ix_payment_holds_station", "payment_holds", ["station", "evse", "state"], unique=False)
    op.create_table(
        "reservations",
        sa.Column("reservation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("evse", sa.Integer(), nullable=True),
        sa.Column("connector_type", sa.String(length=20), nullable=True),
        sa.Column("token", sa.String(length=255), nullable=False),
        sa.Column("token_kind", sa.String(length=20), nullable=False),
        sa.Column("token_group", sa.String(length=255), nullable=True),
        sa.Column("expires_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), server_default="", nullable=False),
        sa.Column("ocpp_transaction", sa.String(length=48), nullable=True),
        sa.Column("made_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ended_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("reservation", name=op.f("pk_reservations")),
    )
    op.create_index("ix_reservations_station_state", "reservations", ["station", "state"], unique=False)
    op.create_index("ix_reservations_tenant_made_at", "reservations", ["tenant", "made_at"], unique=False)
    op.create_table(
        "session_costs",
        sa.Column("session", sa.String(length=48), nullable=False),
        sa.Column("tariff", sa.String(length=60), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("nano", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("final", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("sent_nano", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("sent_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("difference", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_session_costs")),
    )
    op.create_table(
        "session_decisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("session", sa.String(length=48), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("start_wh", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("end_wh", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("wh", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_decisions")),
    )
    op.create_index("ix_session_decisions_session", "session_decisions", ["session"], unique=False)
    op.create_table(
        "settlements",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("payment", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("nano", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("settled_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ocpp_transaction", sa.String(length=48), nullable=True),
        sa.Column("receipt", sa.String(length=50), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("station", "payment", "status", name=op.f("pk_settlements")),
    )
    op.create_table(
        "signed_values",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("session", sa.String(length=48), nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("evse", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("encoding", sa.String(length=50), server_default="", nullable=False),
        sa.Column("sent_key", sa.Text(), nullable=True),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("key_differs", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("received_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_signed_values")),
    )
    op.create_index(op.f("ix_signed_values_session"), "signed_values", ["session"], unique=False)
    op.create_table(
        "signin_flows",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("binding", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.String(length=128), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_signin_flows")),
    )
    op.create_index(op.f("ix_signin_flows_expires_at"), "signin_flows", ["expires_at"], unique=False)
    op.create_table(
        "staff",
        sa.Column("staff", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("email", sa.String(length=254), server_default="", nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("disabled", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("staff", name=op.f("pk_staff")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_staff_issuer_subject")),
    )
    op.create_index(op.f("ix_staff_tenant"), "staff", ["tenant"], unique=False)
    op.create_table(
        "tariff_uses",
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("object", sa.String(length=255), nullable=False),
        sa.Column("tariff", sa.String(length=60), nullable=False),
        sa.Column("changed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "scope", "object", name=op.f("pk_tariff_uses")),
    )
    op.create_table(
        "tariffs",
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("tariff", sa.String(length=60), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "tariff", name=op.f("pk_tariffs")),
    )
    op.create_table(
        "tenants",
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_tenants")),
    )
    op.create_table(
        "token_groups",
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("token_group", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("limits", sa.Text(), server_default="{}", nullable=False),
        sa.Column("master_pass", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("changed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "token_group", name=op.f("pk_token_groups")),
    )
    op.create_table(
        "token_policies",
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("unknown", sa.String(length=16), nullable=False),
        sa.Column("time_zone", sa.String(length=48), server_default="UTC", nullable=False),
        sa.Column("changed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_token_policies")),
    )
    op.create_table(
        "tokens",
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("token", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("driver", sa.String(length=48), nullable=True),
        sa.Column("token_group", sa.String(length=255), nullable=True),
        sa.Column("parent", sa.String(length=255), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("valid_from", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("valid_until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("limits", sa.Text(), server_default="{}", nullable=False),
        sa.Column("language", sa.String(length=8), server_default="", nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rail", sa.String(length=16), server_default="contract", nullable=False),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("changed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "token", name=op.f("pk_tokens")),
    )
    op.create_index("ix_tokens_parent", "tokens", ["tenant", "parent"], unique=False)
    op.create_index("ix_tokens_token_group", "tokens", ["tenant", "token_group"], unique=False)
    op.create_table(
        "used_web_passwords",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("evse", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("used_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("station", "evse", "step", name=op.f("pk_used_web_passwords")),
    )
    op.create_table(
        "web_payment_secrets",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("evse", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("validity_s", sa.Integer(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("station", "evse", name=op.f("pk_web_payment_secrets")),
    )
    op.create_table(
        "webhooks",
        sa.Column("hook", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("url", sa.String(length=2048), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("old_secret", sa.String(length=64), server_default="", nullable=False),
        sa.Column(
            "old_until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("paused", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("hook", name=op.f("pk_webhooks")),
    )
    op.create_index(op.f("ix_webhooks_tenant"), "webhooks", ["tenant"], unique=False)
    op.create_table(
        "staff_invites",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["staff"], ["staff.staff"], name=op.f("fk_staff_invites_staff")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_staff_invites")),
    )
    op.create_table(
        "staff_passkeys",
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("staff", sa.String(length=32), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("label", sa.String(length=64), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_used_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["staff"], ["staff.staff"], name=op.f("fk_staff_passkeys_staff")),
        sa.PrimaryKeyConstraint("credential", name=op.f("pk_staff_passkeys")),
    )
    op.create_index(op.f("ix_staff_passkeys_staff"), "staff_passkeys", ["staff"], unique=False)
    op.create_table(
        "staff_sessions",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fresh_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["staff"], ["staff.staff"], name=op.f("fk_staff_sessions_staff")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_staff_sessions")),
    )
    op.create_index(op.f("ix_staff_sessions_staff"), "staff_sessions", ["staff"], unique=False)
    op.create_table(
        "webhook_deliveries",
        sa.Column("delivery", sa.String(length=32), nullable=False),
        sa.Column("hook", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_fault", sa.String(length=255), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["hook"], ["webhooks.hook"], name=op.f("fk_webhook_deliveries_hook")),
        sa.PrimaryKeyConstraint("delivery", name=op.f("pk_webhook_deliveries")),
    )
    op.create_index("ix_webhook_deliveries_hook_made_at", "webhook_deliveries", ["hook", "made_at"], unique=False)
    op.create_index("ix_webhook_deliveries_state_due_at", "webhook_deliveries", ["state", "due_at"], unique=False)
    op.create_index(
        "ix_sessions_token_started_at", "sessions", [sa.text("upper(id_token)"), "started_at"], unique=False
    )
