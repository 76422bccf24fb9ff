"""Tables of upkeep: what stations are, what they told, what was sent to them. Units as in `tables`."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from sunpile.store.tables import Big, metadata

station_cards = Table(
    "station_cards",
    metadata,
    Column("station", String(48), ForeignKey("stations.station"), primary_key=True),
    Column("name", String(128), nullable=False, server_default="", doc="as staff call it"),
    Column("public_name", String(128), nullable=False, server_default="", doc="as drivers see it"),
    Column("site", String(64), nullable=False, server_default=""),
    Column("latitude", Integer, doc="millionths of a degree"),
    Column("longitude", Integer, doc="millionths of a degree"),
    Column("access_notes", Text, nullable=False, server_default="", doc="how to get there"),
    Column("tags", Text, nullable=False, server_default="[]", doc="JSON list of texts"),
    Column("created_at", Big, nullable=False, server_default="0"),
    Index("ix_station_cards_site", "site"),
)

station_deviations = Table(
    "station_deviations",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("deviation", String(48), primary_key=True, doc="name of the leniency that was used"),
    Column("count", Big, nullable=False),
    Column("last_at", Big, nullable=False),
)

connection_spans = Table(
    "connection_spans",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("since", Big, primary_key=True),
    Column("until", Big, doc="null: connected now"),
    Index("ix_connection_spans_until", "until"),
)

status_history = Table(
    "status_history",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("station", String(48), nullable=False),
    Column("evse", Integer, nullable=False),
    Column("at", Big, nullable=False),
    Column("status", String(24), nullable=False),
    Column("error_code", String(64)),
    Index("ix_status_history_station_at", "station", "at"),
)

# One row per EVSE and moment. PostgreSQL: a partition per day, made when its first row comes. SQLite: the table is its
# own covering index.
samples = Table(
    "samples",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("evse", Integer, primary_key=True, autoincrement=False),
    Column("at", Big, primary_key=True, autoincrement=False),
    Column("register_wh", Big),
    Column("power_w", Integer),
    Column("current_ma", Integer),
    Column("voltage_mv", Integer),
    Column("soc_permille", Integer),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (at)",
)

device_variables = Table(
    "device_variables",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("component", String(50), primary_key=True, doc="empty: a configuration key of OCPP 1.6"),
    Column("component_instance", String(50), primary_key=True),
    Column("evse", Integer, primary_key=True, autoincrement=False, doc="-1: none"),
    Column("connector", Integer, primary_key=True, autoincrement=False, doc="-1: none"),
    Column("variable", String(50), primary_key=True),
    Column("variable_instance", String(50), primary_key=True),
    Column("attribute", String(8), primary_key=True, doc="Actual, Target, MinSet, MaxSet"),
    Column("value", Text, doc="null: not readable"),
    Column("mutability", String(12), nullable=False, server_default="", doc="ReadOnly, WriteOnly, ReadWrite"),
    Column("characteristics", Text, nullable=False, server_default="", doc="JSON as reported"),
    Column("at", Big, nullable=False, doc="when the station last said so"),
)

config_templates = Table(
    "config_templates",
    metadata,
    Column("template", String(48), primary_key=True),
    Column("tenant", String(48), nullable=False),
    Column("name", String(128), nullable=False),
    Column("selection", Text, nullable=False, doc="JSON: vendor, model, firmware, version"),
    Column("wanted", Text, nullable=False, doc="JSON list of variables with values"),
    Column("stations", Text, nullable=False, server_default="[]", doc="JSON list: assigned by name"),
    Column("updated_at", Big, nullable=False),
    UniqueConstraint("tenant", "name"),
)

station_events = Table(
    "station_events",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("station", String(48), nullable=False),
    Column("at", Big, nullable=False, doc="the station's time"),
    Column("received_at", Big, nullable=False),
    Column("kind", String(12), nullable=False, doc="monitor, security, firmware, publish or log"),
    Column("name", String(160), nullable=False, doc="component.variable, type of security event, status"),
    Column("value", Text, nullable=False, server_default=""),
    Column("severity", Integer, doc="0 danger ... 9 debug"),
    Column("cleared", Boolean, nullable=False, server_default="0"),
    Column("detail", Text, nullable=False, server_default="{}", doc="JSON"),
    Index("ix_station_events_station_received_at", "station", "received_at"),
)

alert_rules = Table(
    "alert_rules",
    metadata,
    Column("rule", String(48), primary_key=True),
    Column("tenant", String(48), nullable=False, index=True),
    Column("body", Text, nullable=False, doc="JSON"),
    Column("updated_at", Big, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert", String(48), primary_key=True),
    Column("tenant", String(48), nullable=False),
    Column("rule", String(48), nullable=False),
    Column("station", String(48), nullable=False),
    Column("subject", String(160), nullable=False, doc="what of the station: EVSE, variable, certificate"),
    Column("kind", String(32), nullable=False),
    Column("severity", Integer, nullable=False, doc="0 danger ... 9 debug"),
    Column("state", String(16), nullable=False, doc="pending, open, acknowledged, closed"),
    Column("opened_at", Big, nullable=False),
    Column("last_at", Big, nullable=False),
    Column("clear_since", Big, doc="since when its cause has been gone"),
    Column("count", Integer, nullable=False, server_default="1"),
    Column("escalated", Boolean, nullable=False, server_default="0"),
    Column("detail", Text, nullable=False, server_default=""),
    Column("acknowledged_by", String(64)),
    Column("acknowledged_at", Big),
    Column("closed_at", Big),
    Index("ix_alerts_tenant_state", "tenant", "state"),
    Index("ix_alerts_station_state", "station", "state"),
)

maintenance_windows = Table(
    "maintenance_windows",
    metadata,
    Column("window", String(48), primary_key=True),
    Column("tenant", String(48), nullable=False, index=True),
    Column("station", String(48), nullable=False, server_default="", doc="empty: the whole site"),
    Column("site", String(64), nullable=False, server_default=""),
    Column("begins", Big, nullable=False),
    Column("ends", Big, nullable=False),
    Column("reason", Text, nullable=False),
    Column("availability", Boolean, nullable=False, doc="take out of service meanwhile"),
    Column("phase", String(8), nullable=False, server_default="planned", doc="planned, begun, over"),
    Column("created_by", String(64), nullable=False),
)

report_schedules = Table(
    "report_schedules",
    metadata,
    Column("schedule", String(48), primary_key=True),
    Column("tenant", String(48), nullable=False, index=True),
    Column("body", Text, nullable=False, doc="JSON"),
    Column("last_at", Big, nullable=False, server_default="0"),
)

stored_files = Table(
    "stored_files",
    metadata,
    Column("file", String(48), primary_key=True),
    Column("tenant", String(48), nullable=False),
    Column("kind", String(16), nullable=False, doc="firmware, log or report"),
    Column("station", String(48), nullable=False, server_default=""),
    Column("name", String(255), nullable=False, doc="as shown; never a path"),
    Column("size", Big, nullable=False, doc="bytes"),
    Column("sha256", String(64), nullable=False, doc="where its content lies"),
    Column("at", Big, nullable=False),
    Column("detail", Text, nullable=False, server_default="{}", doc="JSON: MD5, signature, run, version ..."),
    Index("ix_stored_files_tenant_kind_at", "tenant", "kind", "at"),
    Index("ix_stored_files_sha256", "sha256"),
)

file_tickets = Table(
    "file_tickets",
    metadata,
    Column("nonce", String(32), primary_key=True),
    Column("station", String(48), nullable=False),
    Column("purpose", String(8), nullable=False, doc="up or down"),
    Column("subject", String(64), nullable=False, doc="file to fetch, or log and run to bring"),
    Column("issued_at", Big, nullable=False),
    Column("expires_at", Big, nullable=False, index=True),
    Column("used_at", Big),
)

firmware_campaigns = Table(
    "firmware_campaigns",
    metadata,
    Column("campaign", String(48), primary_key=True),
    Column("tenant", String(48), nullable=False, index=True),
    Column("body", Text, nullable=False, doc="JSON: image, waves, thresholds"),
    Column("state", String(12), nullable=False, doc="running, paused, aborted, done"),
    Column("created_at", Big, nullable=False),
    Column("created_by", String(64), nullable=False),
)

firmware_targets = Table(
    "firmware_targets",
    metadata,
    Column("campaign", String(48), ForeignKey("firmware_campaigns.campaign"), primary_key=True),
    Column("station", String(48), primary_key=True),
    Column("wave", Integer, nullable=False),
    Column("request", Big, nullable=False),
    Column("run", String(48)),
    Column("state", String(12), nullable=False, doc="waiting, asked, busy, installed, failed"),
    Column("status", String(40), nullable=False, server_default=""),
    Column("at", Big, nullable=False),
    Index("ix_firmware_targets_station_state", "station", "state"),
)

customer_requests = Table(
    "customer_requests",
    metadata,
    Column("request", Big, primary_key=True, autoincrement=False),
    Column("tenant", String(48), nullable=False),
    Column("station", String(48), primary_key=True),
    Column("erase", Boolean, nullable=False),
    Column("status", String(40), nullable=False),
    Column("data", Text, nullable=False, server_default=""),
    Column("next_part", Integer, nullable=False, server_default="0"),
    Column("complete", Boolean, nullable=False, server_default="0"),
    Column("asked_at", Big, nullable=False),
)
