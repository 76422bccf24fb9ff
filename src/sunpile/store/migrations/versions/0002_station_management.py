"""station management: stations, fleet, certificates, sites."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert_rules",
        sa.Column("rule", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("rule", name=op.f("pk_alert_rules")),
    )
    op.create_index(op.f("ix_alert_rules_tenant"), "alert_rules", ["tenant"], unique=False)
    op.create_table(
        "alerts",
        sa.Column("alert", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("rule", sa.String(length=48), nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("clear_since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("count", sa.Integer(), server_default="1", nullable=False),
        sa.Column("escalated", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("acknowledged_by", sa.String(length=64), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("closed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("alert", name=op.f("pk_alerts")),
    )
    op.create_index("ix_alerts_station_state", "alerts", ["station", "state"], unique=False)
    op.create_index("ix_alerts_tenant_state", "alerts", ["tenant", "state"], unique=False)
    op.create_table(
        "config_templates",
        sa.Column("template", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("selection", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("stations", sa.Text(), server_default="[]", nullable=False),
        sa.Column("updated_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("template", name=op.f("pk_config_templates")),
        sa.UniqueConstraint("tenant", "name", name=op.f("uq_config_templates_tenant_name")),
    )
    op.create_table(
        "connection_spans",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("station", "since", name=op.f("pk_connection_spans")),
    )
    op.create_index("ix_connection_spans_until", "connection_spans", ["until"], unique=False)
    op.create_table(
        "customer_requests",
        sa.Column("request", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("erase", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("data", sa.Text(), server_default="", nullable=False),
        sa.Column("next_part", sa.Integer(), server_default="0", nullable=False),
        sa.Column("complete", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("asked_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("request", "station", name=op.f("pk_customer_requests")),
    )
    op.create_table(
        "device_variables",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("component", sa.String(length=50), nullable=False),
        sa.Column("component_instance", sa.String(length=50), nullable=False),
        sa.Column("evse", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("connector", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("variable", sa.String(length=50), nullable=False),
        sa.Column("variable_instance", sa.String(length=50), nullable=False),
        sa.Column("attribute", sa.String(length=8), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("mutability", sa.String(length=12), server_default="", nullable=False),
        sa.Column("characteristics", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint(
            "station",
            "component",
            "component_instance",
            "evse",
            "connector",
            "variable",
            "variable_instance",
            "attribute",
            name=op.f("pk_device_variables"),
        ),
    )
    op.create_table(
        "door_mail",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("door", sa.String(length=32), nullable=False),
        sa.Column("sender", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("generation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("about", sa.String(length=32), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_door_mail")),
    )
    op.create_index("ix_door_mail_door_id", "door_mail", ["door", "id"], unique=False)
    op.create_table(
        "doors",
        sa.Column("door", sa.String(length=32), nullable=False),
        sa.Column("beat_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("door", name=op.f("pk_doors")),
    )
    op.create_table(
        "file_tickets",
        sa.Column("nonce", sa.String(length=32), nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("issued_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("expires_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("used_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_file_tickets")),
    )
    op.create_index(op.f("ix_file_tickets_expires_at"), "file_tickets", ["expires_at"], unique=False)
    op.create_table(
        "firmware_campaigns",
        sa.Column("campaign", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("campaign", name=op.f("pk_firmware_campaigns")),
    )
    op.create_index(op.f("ix_firmware_campaigns_tenant"), "firmware_campaigns", ["tenant"], unique=False)
    op.create_table(
        "installed_certificates",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("algorithm", sa.String(length=8), nullable=False),
        sa.Column("issuer_name", sa.String(length=128), nullable=False),
        sa.Column("issuer_key", sa.String(length=128), nullable=False),
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint(
            "station",
            "kind",
            "algorithm",
            "issuer_name",
            "issuer_key",
            "serial",
            name=op.f("pk_installed_certificates"),
        ),
    )
    op.create_table(
        "installed_profiles",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("evse", sa.Integer(), nullable=False),
        sa.Column("profile", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("station", "evse", "profile", name=op.f("pk_installed_profiles")),
    )
    op.create_table(
        "known_certificates",
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("pem", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "fingerprint", name=op.f("pk_known_certificates")),
    )
    op.create_index("ix_known_certificates_serial", "known_certificates", ["serial"], unique=False)
    op.create_table(
        "maintenance_windows",
        sa.Column("window", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("station", sa.String(length=48), server_default="", nullable=False),
        sa.Column("site", sa.String(length=64), server_default="", nullable=False),
        sa.Column("begins", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ends", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("availability", sa.Boolean(), nullable=False),
        sa.Column("phase", sa.String(length=8), server_default="planned", nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("window", name=op.f("pk_maintenance_windows")),
    )
    op.create_index(op.f("ix_maintenance_windows_tenant"), "maintenance_windows", ["tenant"], unique=False)
    op.create_table(
        "profile_upgrades",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("profile", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("station", name=op.f("pk_profile_upgrades")),
    )
    op.create_table(
        "refused_certificate_requests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("sentence", sa.String(length=512), nullable=False),
        sa.Column("csr", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_certificate_requests")),
    )
    op.create_index(
        "ix_refused_certificate_requests_station", "refused_certificate_requests", ["station", "at"], unique=False
    )
    op.create_table(
        "report_schedules",
        sa.Column("schedule", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("last_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("schedule", name=op.f("pk_report_schedules")),
    )
    op.create_index(op.f("ix_report_schedules_tenant"), "report_schedules", ["tenant"], unique=False)
    op.create_table(
        "run_asks",
        sa.Column("run", sa.String(length=48), nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("max_w", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run", "station", "attempt", name=op.f("pk_run_asks")),
    )
    op.create_index("ix_run_asks_at", "run_asks", ["at"], unique=False)
    op.create_table(
        "run_parts",
        sa.Column("run", sa.String(length=48), nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run", "station", "attempt", "part", name=op.f("pk_run_parts")),
    )
    op.create_table(
        "runs",
        sa.Column("run", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("operation", sa.String(length=48), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("approver", sa.String(length=64), server_default="", nullable=False),
        sa.Column("wants_approval", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column(
            "works_from", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("created_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("begun_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ended_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("wish_key", sa.String(length=128), nullable=True),
        sa.Column("wish_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_runs")),
        sa.UniqueConstraint("tenant", "wish_key", name="uq_runs_wish"),
    )
    op.create_index("ix_runs_state", "runs", ["state"], unique=False)
    op.create_index("ix_runs_tenant_created", "runs", ["tenant", "created_at"], unique=False)
    op.create_table(
        "samples",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("evse", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("register_wh", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("power_w", sa.Integer(), nullable=True),
        sa.Column("current_ma", sa.Integer(), nullable=True),
        sa.Column("voltage_mv", sa.Integer(), nullable=True),
        sa.Column("soc_permille", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("station", "evse", "at", name=op.f("pk_samples")),
        postgresql_partition_by="RANGE (at)",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "security_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("received_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=50), nullable=False),
        sa.Column("info", sa.String(length=255), server_default="", nullable=False),
        sa.Column("critical", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_events")),
    )
    op.create_index("ix_security_events_station", "security_events", ["station", "received_at"], unique=False)
    op.create_index("ix_security_events_tenant", "security_events", ["tenant", "received_at"], unique=False)
    op.create_table(
        "site_outlets",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("evse", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("station", "evse", name=op.f("pk_site_outlets")),
    )
    op.create_table(
        "sites",
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "site", name=op.f("pk_sites")),
    )
    op.create_table(
        "station_certificates",
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("use", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("not_before", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("not_after", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("request", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("outcome", sa.String(length=512), server_default="", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revoked_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.String(length=32), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_station_certificates")),
    )
    op.create_index("ix_station_certificates_key_hash", "station_certificates", ["key_hash"], unique=False)
    op.create_index("ix_station_certificates_serial", "station_certificates", ["serial"], unique=False)
    op.create_index("ix_station_certificates_station", "station_certificates", ["station"], unique=False)
    op.create_index("ix_station_certificates_tenant", "station_certificates", ["tenant", "not_after"], unique=False)
    op.create_table(
        "station_deviations",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("deviation", sa.String(length=48), nullable=False),
        sa.Column("count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("station", "deviation", name=op.f("pk_station_deviations")),
    )
    op.create_table(
        "station_doors",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("door", sa.String(length=32), nullable=False),
        sa.Column("generation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.String(length=8), nullable=False),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("station", name=op.f("pk_station_doors")),
    )
    op.create_index("ix_station_doors_door", "station_doors", ["door"], unique=False)
    op.create_table(
        "station_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("received_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("value", sa.Text(), server_default="", nullable=False),
        sa.Column("severity", sa.Integer(), nullable=True),
        sa.Column("cleared", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("detail", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station_events")),
    )
    op.create_index("ix_station_events_station_received_at", "station_events", ["station", "received_at"], unique=False)
    op.create_table(
        "station_messages",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("message", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("changed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("station", "message", name=op.f("pk_station_messages")),
    )
    op.create_table(
        "station_secrets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station_secrets")),
    )
    op.create_index("ix_station_secrets_station", "station_secrets", ["station"], unique=False)
    op.create_table(
        "status_history",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("evse", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_history")),
    )
    op.create_index("ix_status_history_station_at", "status_history", ["station", "at"], unique=False)
    op.create_table(
        "stored_files",
        sa.Column("file", sa.String(length=48), nullable=False),
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("station", sa.String(length=48), server_default="", nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("detail", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("file", name=op.f("pk_stored_files")),
    )
    op.create_index("ix_stored_files_sha256", "stored_files", ["sha256"], unique=False)
    op.create_index("ix_stored_files_tenant_kind_at", "stored_files", ["tenant", "kind", "at"], unique=False)
    op.create_table(
        "trusted_roots",
        sa.Column("tenant", sa.String(length=48), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("pem", sa.Text(), nullable=False),
        sa.Column("not_after", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "fingerprint", name=op.f("pk_trusted_roots")),
    )
    op.create_table(
        "firmware_targets",
        sa.Column("campaign", sa.String(length=48), nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("request", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run", sa.String(length=48), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("status", sa.String(length=40), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign"], ["firmware_campaigns.campaign"], name=op.f("fk_firmware_targets_campaign")
        ),
        sa.PrimaryKeyConstraint("campaign", "station", name=op.f("pk_firmware_targets")),
    )
    op.create_index("ix_firmware_targets_station_state", "firmware_targets", ["station", "state"], unique=False)
    op.create_table(
        "run_items",
        sa.Column("run", sa.String(length=48), nullable=False),
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("max_w", sa.Integer(), nullable=False),
        sa.Column("offset_s", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("answered_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("changed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.run"], name=op.f("fk_run_items_run")),
        sa.PrimaryKeyConstraint("run", "station", name=op.f("pk_run_items")),
    )
    op.create_index("ix_run_items_station", "run_items", ["station", "changed_at"], unique=False)
    op.create_table(
        "station_cards",
        sa.Column("station", sa.String(length=48), nullable=False),
        sa.Column("name", sa.String(length=128), server_default="", nullable=False),
        sa.Column("public_name", sa.String(length=128), server_default="", nullable=False),
        sa.Column("site", sa.String(length=64), server_default="", nullable=False),
        sa.Column("latitude", sa.Integer(), nullable=True),
        sa.Column("longitude", sa.Integer(), nullable=True),
        sa.Column("access_notes", sa.Text(), server_default="", nullable=False),
        sa.Column("tags", sa.Text(), server_default="[]", nullable=False),
        sa.Column(
            "created_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.ForeignKeyConstraint(["station"], ["stations.station"], name=op.f("fk_station_cards_station")),
        sa.PrimaryKeyConstraint("station", name=op.f("pk_station_cards")),
    )
    op.create_index("ix_station_cards_site", "station_cards", ["site"], unique=False)
    op.add_column("refused_attempts", sa.Column("address", sa.String(length=64), server_default="", nullable=False))
    op.add_column("refused_attempts", sa.Column("offered", sa.String(length=128), server_default="", nullable=False))
    op.add_column("refused_attempts", sa.Column("tls", sa.String(length=64), server_default="", nullable=False))
    op.add_column("session_messages", sa.Column("detail", sa.Text(), nullable=True))
    op.add_column(
        "session_messages",
        sa.Column("dismissed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
    )
    op.create_index(
        "ix_session_messages_held",
        "session_messages",
        ["held"],
        unique=False,
        sqlite_where=sa.text("held IS NOT NULL"),
        postgresql_where=sa.text("held IS NOT NULL"),
    )
    op.add_column("sessions", sa.Column("rail", sa.String(length=16), server_default="channel", nullable=False))
    op.add_column("sessions", sa.Column("authorised", sa.String(length=32), nullable=True))
    op.add_column("sessions", sa.Column("token_kind", sa.String(length=32), server_default="", nullable=False))
    op.add_column("sessions", sa.Column("parent", sa.String(length=255), nullable=True))
    op.add_column("sessions", sa.Column("reservation", sa.Integer(), nullable=True))
    op.add_column(
        "sessions", sa.Column("remote_start", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )
    op.add_column("sessions", sa.Column("signed", sa.Boolean(), server_default="0", nullable=False))
    op.add_column("stations", sa.Column("security_profile", sa.Integer(), server_default="1", nullable=False))
    op.add_column(
        "stations", sa.Column("registration", sa.String(length=12), server_default="Accepted", nullable=False)
    )
    op.add_column("stations", sa.Column("leniency", sa.Text(), server_default="[]", nullable=False))
