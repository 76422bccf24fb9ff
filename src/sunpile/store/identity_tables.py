"""Tables of identity: tenants, staff, sign-in, keys, and the audit log. Secrets are kept as SHA-256 only."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from sunpile.store.tables import Big, metadata

tenants = Table(
    "tenants",
    metadata,
    Column("tenant", String(48), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("created_at", Big, nullable=False),
)

staff = Table(
    "staff",
    metadata,
    Column("staff", String(32), primary_key=True),
    Column("tenant", String(48), nullable=False, index=True),
    Column("name", String(128), nullable=False),
    Column("role", String(16), nullable=False),
    Column("email", String(254), nullable=False, server_default=""),
    Column("issuer", String(255), doc="null: no OpenID provider"),
    Column("subject", String(255)),
    Column("disabled", Boolean, nullable=False, server_default="0"),
    Column("created_at", Big, nullable=False),
    UniqueConstraint("issuer", "subject"),
)

staff_passkeys = Table(
    "staff_passkeys",
    metadata,
    Column("credential", LargeBinary, primary_key=True),
    Column("staff", String(32), ForeignKey("staff.staff"), nullable=False, index=True),
    Column("public_key", LargeBinary, nullable=False, doc="COSE"),
    Column("sign_count", Big, nullable=False),
    Column("label", String(64), nullable=False, server_default=""),
    Column("created_at", Big, nullable=False),
    Column("last_used_at", Big),
)

staff_invites = Table(
    "staff_invites",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("staff", String(32), ForeignKey("staff.staff"), nullable=False),
    Column("expires_at", Big, nullable=False),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("hash", LargeBinary, primary_key=True, doc="sha256 of the cookie"),
    Column("staff", String(32), ForeignKey("staff.staff"), nullable=False, index=True),
    Column("created_at", Big, nullable=False),
    Column("seen_at", Big, nullable=False),
    Column("fresh_at", Big, nullable=False, doc="when a passkey was last shown; 0 = never"),
)

signin_flows = Table(
    "signin_flows",
    metadata,
    Column("hash", LargeBinary, primary_key=True, doc="sha256 of the handle or state"),
    Column("kind", String(12), nullable=False),
    Column("binding", LargeBinary, nullable=False),
    Column("secret", String(128), nullable=False, doc="challenge or nonce"),
    Column("verifier", String(128), nullable=False),
    Column("subject", String(32), nullable=False),
    Column("expires_at", Big, nullable=False, index=True),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("tenant", String(48), nullable=False, index=True),
    Column("label", String(128), nullable=False),
    Column("permissions", Text, nullable=False, doc="JSON list"),
    Column("stations", Text, nullable=False, server_default="[]", doc="JSON list; empty = all"),
    Column("per_minute", Integer, nullable=False),
    Column("expires_at", Big),
    Column("created_by", String(64), nullable=False),
    Column("created_at", Big, nullable=False),
    Column("last_used_at", Big),
    Column("revoked_at", Big),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("tenant", String(48), primary_key=True),
    Column("number", Big, primary_key=True, autoincrement=False, doc="from 1, without gaps"),
    Column("at", Big, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("object", String(255), nullable=False),
    Column("before", Text, nullable=False, doc="JSON, exactly as it was hashed"),
    Column("after", Text, nullable=False, doc="JSON, exactly as it was hashed"),
    Column("reason", Text, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("ix_audit_log_tenant_at", "tenant", "at"),
    Index("ix_audit_log_tenant_object", "tenant", "object"),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("tenant", String(48), primary_key=True),
    Column("number", Big, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
