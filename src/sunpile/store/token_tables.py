"""Tables of tokens, local lists, reservations, tariffs, display messages and payment without an account."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, func

from sunpile.store.tables import Big, metadata, sessions

tokens = Table(
    "tokens",
    metadata,
    Column("tenant", String(48), primary_key=True),
    Column("token", String(255), primary_key=True, doc="upper case"),
    Column("kind", String(20), nullable=False),
    Column("driver", String(48)),
    Column("token_group", String(255)),
    Column("parent", String(255)),
    Column("status", String(16), nullable=False, doc="accepted, blocked, expired, invalid"),
    Column("valid_from", Big),
    Column("valid_until", Big),
    Column("limits", Text, nullable=False, server_default="{}", doc="TokenLimits as JSON"),
    Column("language", String(8), nullable=False, server_default=""),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("rail", String(16), nullable=False, server_default="contract", doc="contract or prepaid"),
    Column("notes", Text, nullable=False, server_default=""),
    Column("changed_at", Big, nullable=False),
    Index("ix_tokens_token_group", "tenant", "token_group"),
    Index("ix_tokens_parent", "tenant", "parent"),
)

token_groups = Table(
    "token_groups",
    metadata,
    Column("tenant", String(48), primary_key=True),
    Column("token_group", String(255), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("limits", Text, nullable=False, server_default="{}"),
    Column("master_pass", Boolean, nullable=False, server_default="0"),
    Column("changed_at", Big, nullable=False),
)

token_policies = Table(
    "token_policies",
    metadata,
    Column("tenant", String(48), primary_key=True),
    Column("unknown", String(16), nullable=False, doc="refuse or accept"),
    Column("time_zone", String(48), nullable=False, server_default="UTC"),
    Column("changed_at", Big, nullable=False),
)

local_lists = Table(
    "local_lists",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("version", Integer, nullable=False, doc="that the station last accepted; 0: none"),
    Column("entries", Text, nullable=False, doc="what it accepted, as canonical JSON"),
    Column("state", String(24), nullable=False, doc="in step, sent, drift, unsupported, failed"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("changed_at", Big, nullable=False),
)

reservations = Table(
    "reservations",
    metadata,
    Column("reservation", Integer, primary_key=True, autoincrement=False),
    Column("tenant", String(48), nullable=False),
    Column("station", String(48), nullable=False),
    Column("evse", Integer),
    Column("connector_type", String(20)),
    Column("token", String(255), nullable=False),
    Column("token_kind", String(20), nullable=False),
    Column("token_group", String(255)),
    Column("expires_at", Big, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(64), nullable=False, server_default=""),
    Column("ocpp_transaction", String(48)),
    Column("made_at", Big, nullable=False),
    Column("ended_at", Big),
    Index("ix_reservations_station_state", "station", "state"),
    Index("ix_reservations_tenant_made_at", "tenant", "made_at"),
)

tariffs = Table(
    "tariffs",
    metadata,
    Column("tenant", String(48), primary_key=True),
    Column("tariff", String(60), primary_key=True),
    Column("body", Text, nullable=False, doc="Tariff as JSON"),
    Column("changed_at", Big, nullable=False),
)

tariff_uses = Table(
    "tariff_uses",
    metadata,
    Column("tenant", String(48), primary_key=True),
    Column("scope", String(16), primary_key=True, doc="tenant, station, evse, group or token"),
    Column("object", String(255), primary_key=True, doc="empty, station, station/evse, group or token"),
    Column("tariff", String(60), nullable=False),
    Column("changed_at", Big, nullable=False),
)

session_costs = Table(
    "session_costs",
    metadata,
    Column("session", String(48), primary_key=True),
    Column("tariff", String(60), nullable=False),
    Column("body", Text, nullable=False, doc="the tariff as it was at the start, as JSON"),
    Column("nano", Big, nullable=False, server_default="0", doc="cost so far, with tax"),
    Column("final", Boolean, nullable=False, server_default="0"),
    Column("sent_nano", Big, doc="what the station was last told"),
    Column("sent_at", Big),
    Column("difference", Text, nullable=False, server_default="", doc="how the station's own reckoning differs"),
)

display_messages = Table(
    "display_messages",
    metadata,
    Column("tenant", String(48), primary_key=True),
    Column("message", Integer, primary_key=True, autoincrement=False),
    Column("station", String(48), doc="null: all stations of the tenant"),
    Column("body", Text, nullable=False),
    Column("changed_at", Big, nullable=False),
)

station_messages = Table(
    "station_messages",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("message", Integer, primary_key=True, autoincrement=False),
    Column("body_hash", LargeBinary, nullable=False, doc="of what the station accepted"),
    Column("status", String(32), nullable=False, doc="Accepted, or why not"),
    Column("changed_at", Big, nullable=False),
)

holds = Table(
    "payment_holds",
    metadata,
    Column("hold", String(48), primary_key=True, doc="content id"),
    Column("tenant", String(48), nullable=False),
    Column("station", String(48), nullable=False),
    Column("evse", Integer, nullable=False),
    Column("token", String(48), nullable=False, unique=True, doc="one-time token of the start"),
    Column("state", String(16), nullable=False),
    Column("body", Text, nullable=False),
    Column("due_at", Big, doc="when time next changes it"),
    Column("made_at", Big, nullable=False),
    Index("ix_payment_holds_state_due_at", "state", "due_at"),
    Index("ix_payment_holds_station", "station", "evse", "state"),
)

web_payment_secrets = Table(
    "web_payment_secrets",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("evse", Integer, primary_key=True, autoincrement=False, doc="0: all of the station"),
    Column("secret", String(64), nullable=False, doc="shared with the station: WebPaymentsCtrlr.SharedSecret"),
    Column("validity_s", Integer, nullable=False),
    Column("length", Integer, nullable=False),
    Column("changed_at", Big, nullable=False),
)

used_passwords = Table(
    "used_web_passwords",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("evse", Integer, primary_key=True, autoincrement=False),
    Column("step", Big, primary_key=True, autoincrement=False, doc="number of the time step"),
    Column("used_at", Big, nullable=False),
)

settlements = Table(
    "settlements",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("payment", String(255), primary_key=True, doc="reference of the payment terminal"),
    Column("status", String(16), primary_key=True),
    Column("nano", Big, nullable=False),
    Column("settled_at", Big, nullable=False),
    Column("ocpp_transaction", String(48)),
    Column("receipt", String(50), nullable=False),
    Column("body", Text, nullable=False),
    Column("received_at", Big, nullable=False),
)

battery_swaps = Table(
    "battery_swaps",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("station", String(48), nullable=False),
    Column("request", Big, nullable=False),
    Column("event", String(24), nullable=False),
    Column("token", String(255), nullable=False),
    Column("body", Text, nullable=False),
    Column("at", Big, nullable=False),
    Index("ix_battery_swaps_station_request", "station", "request"),
)

Index("ix_sessions_token_started_at", func.upper(sessions.c.id_token), sessions.c.started_at)
