"""Tables of webhooks: who wants to be told, and the outbox."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from sunpile.store.tables import Big, metadata

webhooks = Table(
    "webhooks",
    metadata,
    Column("hook", String(32), primary_key=True),
    Column("tenant", String(48), nullable=False, index=True),
    Column("url", String(2048), nullable=False),
    Column("events", Text, nullable=False, doc="JSON list of kinds or prefixes; empty = all"),
    Column("secret", String(64), nullable=False, doc="signs deliveries; hex"),
    Column("old_secret", String(64), nullable=False, server_default="", doc="signs beside it until `old_until`"),
    Column("old_until", Big, nullable=False, server_default="0"),
    Column("paused", Boolean, nullable=False, server_default="0"),
    Column("created_at", Big, nullable=False),
    Column("created_by", String(64), nullable=False),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("delivery", String(32), primary_key=True),
    Column("hook", String(32), ForeignKey("webhooks.hook"), nullable=False),
    Column("tenant", String(48), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("body", Text, nullable=False, doc="exactly what is sent and signed"),
    Column("made_at", Big, nullable=False),
    Column("state", String(12), nullable=False, doc="waiting, done or given-up"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", Big, nullable=False),
    Column("last_status", Integer, doc="HTTP status of the last attempt; null = no answer"),
    Column("last_fault", String(255), nullable=False, server_default=""),
    Index("ix_webhook_deliveries_state_due_at", "state", "due_at"),
    Index("ix_webhook_deliveries_hook_made_at", "hook", "made_at"),
)
