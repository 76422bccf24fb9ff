"""Every table and column. Amounts are integers (Wh, nano, micro/kWh), times Unix seconds UTC, hashes bytes."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)
Big = BigInteger().with_variant(Integer, "sqlite")

# -- chargers -------------------------------------------------------------------------------------------------

stations = Table(
    "stations",
    metadata,
    Column("station", String(48), primary_key=True, doc="identity, last part of the OCPP URL"),
    Column("tenant", String(48), nullable=False, server_default="default"),
    Column("password_salt", LargeBinary, nullable=False),
    Column("password_hash", LargeBinary, nullable=False, doc="sha256(salt + 20-byte random password)"),
    Column("ocpp_version", String(8), doc="1.6 or 2.0.1, of the last connection"),
    Column("vendor", String(64)),
    Column("model", String(64)),
    Column("serial", String(64)),
    Column("firmware", String(64)),
    Column("max_w", Integer, nullable=False),
    Column("last_seen", Big),
    Column("boot_at", Big),
    Column("security_profile", Integer, nullable=False, server_default="1", doc="0 to 3; never lowered"),
    Column("registration", String(12), nullable=False, server_default="Accepted", doc="Accepted, Pending or Rejected"),
    Column("leniency", Text, nullable=False, server_default="[]", doc="JSON list of deviations that are put up with"),
)

connectors = Table(
    "connectors",
    metadata,
    Column("station", String(48), ForeignKey("stations.station"), primary_key=True),
    Column("evse", Integer, primary_key=True),
    Column("point", Integer, doc="metering point on chain"),
    Column("price", Integer, nullable=False, server_default="0", doc="micro/kWh a driver pays here"),
    Column("status", String(24), nullable=False, server_default="Unavailable"),
    Column("error_code", String(64)),
    Column("status_at", Big),
)

frames = Table(
    "ocpp_frames",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("station", String(48), nullable=False),
    Column("at", Big, nullable=False),
    Column("incoming", Boolean, nullable=False),
    Column("frame", Text, nullable=False, doc="the frame as it was on the wire"),
    Index("ix_ocpp_frames_station_at", "station", "at"),
)

refused_attempts = Table(
    "refused_attempts",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("station", String(255), nullable=False, doc="identity as it was asked for"),
    Column("at", Big, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("address", String(64), nullable=False, server_default="", doc="of the other side"),
    Column("offered", String(128), nullable=False, server_default="", doc="WebSocket subprotocols it offered"),
    Column("tls", String(64), nullable=False, server_default="", doc="TLS version and cipher; empty without TLS"),
)

registers = Table(
    "meter_registers",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("evse", Integer, primary_key=True),
    Column("at", Big, primary_key=True, doc="the pile's time of the sample"),
    Column("wh", Big, primary_key=True, doc="Energy.Active.Import.Register"),
    Column("taken_at", Big, nullable=False, doc="`at`, but not later than it was received"),
    Column("received_at", Big, nullable=False),
    Column("kind", String(16), nullable=False, doc="clock, sample, begin, end"),
    Column("held", String(48), doc="why it can never be billed; other doubts are judged from all samples at each use"),
    Index("ix_meter_registers_taken_at", "taken_at"),
)

register_borders = Table(
    "register_borders",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("evse", Integer, primary_key=True),
    Column("at", Big, primary_key=True, doc="an interval's end"),
    Column("wh", Big, nullable=False, doc="the register up to which energy has been reported to the market"),
    Column("energy", Big, doc="Wh reported for the interval that ends here; null = not reported yet"),
)

# -- sessions, drivers, money -----------------------------------------------------------------------------------

drivers = Table(
    "drivers",
    metadata,
    Column("driver", String(48), primary_key=True),
    Column("id_token", String(36), unique=True),
    Column("address", String(42), doc="payer of the channel"),
    Column("api_key_hash", LargeBinary, unique=True),
    Column("pays", Boolean, nullable=False, server_default="1", doc="false = the pile owner's own car, nothing to pay"),
    Column("created_at", Big, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session", String(48), primary_key=True),
    Column("station", String(48), nullable=False),
    Column("evse", Integer, nullable=False),
    Column("driver", String(48)),
    Column("id_token", String(36)),
    Column("ocpp_transaction", String(48), nullable=False, doc="the pile's or our id of the OCPP transaction"),
    Column("state", String(16), nullable=False, doc="active, waiting (ended, messages missing), ended, held"),
    Column("begun", Boolean, nullable=False, doc="its start has been seen, not only later messages"),
    Column("pays", Boolean, nullable=False, server_default="1", doc="false = the pile owner's own car"),
    Column("started_at", Big, nullable=False),
    Column("ended_at", Big),
    Column("start_wh", Big),
    Column("end_wh", Big),
    Column("last_at", Big, nullable=False, doc="of the newest register counted in `wh`"),
    Column("last_wh", Big, doc="the newest register counted in `wh`"),
    Column("wh", Big, nullable=False, server_default="0", doc="metered so far"),
    Column("first_seq", Integer),
    Column("last_seq", Integer),
    Column("seqs", Text, nullable=False, server_default="", doc="sequence numbers seen, as 0-4,6-6"),
    Column("price", Integer, nullable=False, doc="micro/kWh shown before the start"),
    Column("channel", LargeBinary, doc="id of the payment channel"),
    Column("owed", Big, nullable=False, server_default="0", doc="nano, for energy metered so far"),
    Column("paid", Big, nullable=False, server_default="0", doc="nano, covered by vouchers of this session"),
    Column("late_since", Big, doc="since when a voucher has been missing"),
    Column("waits_since", Big, doc="our time since when missing messages or a stop are awaited"),
    Column("stop_reason", String(32)),
    Column("held_reason", String(48)),
    Column("doubts", Text, nullable=False, server_default="", doc="what a person should look at, comma separated"),
    Column("rail", String(16), nullable=False, server_default="channel", doc="channel, contract or prepaid"),
    Column("authorised", String(32), doc="AuthorizationStatus last answered for its token"),
    Column("token_kind", String(32), nullable=False, server_default="", doc="kind of the id token (2.x)"),
    Column("parent", String(255), doc="group token answered with it"),
    Column("reservation", Integer, doc="number of the reservation it used up"),
    Column("remote_start", Big, doc="number of the remote start it came from"),
    Column("signed", Boolean, nullable=False, server_default="0", doc="signed meter values came with it"),
    UniqueConstraint("station", "ocpp_transaction"),
    Index("ix_sessions_station_state", "station", "state"),
    Index("ix_sessions_driver_state", "driver", "state"),
)

session_messages = Table(
    "session_messages",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("key", String(128), primary_key=True, doc="content id: same key and body is a duplicate"),
    Column("body_hash", LargeBinary, nullable=False),
    Column("answer", Text, nullable=False),
    Column("received_at", Big, nullable=False),
    Column("held", String(48)),
    Column("detail", Text, doc="JSON of what it said, kept for one that is held"),
    Column("dismissed_at", Big, doc="when staff had looked at it"),
    Index(
        "ix_session_messages_held",
        "held",
        sqlite_where=text("held IS NOT NULL"),
        postgresql_where=text("held IS NOT NULL"),
    ),
)

cdrs = Table(
    "cdrs",
    metadata,
    Column("cdr", String(48), primary_key=True),
    Column("session", String(48), nullable=False, index=True),
    Column("body", Text, nullable=False, doc="the charge detail record as JSON, final"),
    Column("created_at", Big, nullable=False),
)

vouchers = Table(
    "vouchers",
    metadata,
    Column("channel", LargeBinary, primary_key=True),
    Column("cumulative", Big, primary_key=True, doc="nano"),
    Column("signature", LargeBinary, nullable=False),
    Column("session", String(48)),
    Column("received_at", Big, nullable=False),
)

channels = Table(
    "channels",
    metadata,
    Column("channel", LargeBinary, primary_key=True),
    Column("driver", String(48), nullable=False),
    Column("payer", String(42), nullable=False),
    Column("payee", String(42), nullable=False),
    Column("signer", String(42), nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("deposit", Big, nullable=False),
    Column("settled", Big, nullable=False, server_default="0"),
    Column("best", Big, nullable=False, server_default="0", doc="highest accepted cumulative, nano"),
    Column("owed", Big, nullable=False, server_default="0", doc="metered in all its sessions, nano"),
    Column("opened_at", Big, nullable=False, server_default="0"),
    Column("state", String(16), nullable=False, doc="open, closing, closed"),
)

top_ups = Table(
    "top_ups",
    metadata,
    Column("reference", String(64), primary_key=True, doc="the rail's reference; minted once on chain"),
    Column("rail", String(16), nullable=False),
    Column("driver", String(48), doc="null = the owner of a point tops up"),
    Column("address", String(42), nullable=False, doc="who receives the tokens"),
    Column("minor", Big, nullable=False, doc="minor units of the currency"),
    Column("nano", Big, nullable=False),
    Column("state", String(16), nullable=False, doc="pending, confirmed, minted, failed"),
    Column("created_at", Big, nullable=False),
)

# -- solar, market, settlement ------------------------------------------------------------------------------------

devices = Table(
    "devices",
    metadata,
    Column("device", String(48), primary_key=True),
    Column("point", Integer, nullable=False),
    Column("kind", String(16), nullable=False, doc="inverter, meter, battery"),
    Column("host", String(128), nullable=False),
    Column("port", Integer, nullable=False),
    Column("unit", Integer, nullable=False),
    Column("max_w", Integer, nullable=False),
    Column("last_seen", Big),
    Column("last_error", String(200)),
)

device_registers = Table(
    "device_registers",
    metadata,
    Column("device", String(48), primary_key=True),
    Column("at", Big, primary_key=True),
    Column("import_wh", Big, nullable=False),
    Column("export_wh", Big, nullable=False),
    Column("w", Integer, nullable=False),
    Column("soc_permille", Integer),
    Column("epoch", Integer, nullable=False, server_default="0", doc="rises when the meter's registers start anew"),
    Column("held", String(48), doc="why it is not billed; null = trusted"),
)

points = Table(
    "points",
    metadata,
    Column("point", Integer, primary_key=True),
    Column("zone", Integer, nullable=False),
    Column("kind", String(16), nullable=False, doc="pile, home, battery, roof"),
    Column("owner", String(42), nullable=False),
    Column("meter_key", String(42), nullable=False),
    Column("node_signs", Boolean, nullable=False, doc="the node signs for it, it cannot itself"),
    Column("parent", Integer, nullable=False, server_default="0", doc="the meter it stands behind, 0 = none"),
    Column("cap_wh", Integer, nullable=False),
    Column("label", String(64), nullable=False, server_default="", doc="off chain only"),
    Column("x", Integer, nullable=False, server_default="0", doc="place on the page's map, 0..1000"),
    Column("y", Integer, nullable=False, server_default="0"),
)

readings = Table(
    "readings",
    metadata,
    Column("point", Integer, primary_key=True),
    Column("interval", Big, primary_key=True),
    Column("wh", Big, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("received_at", Big, nullable=False),
    Column("differing", Boolean, nullable=False, server_default="0", doc="a second valid reading differed"),
    Column("second_wh", Big, doc="that second reading, kept as evidence"),
    Column("second_salt", LargeBinary),
    Column("second_signature", LargeBinary),
    Index("ix_readings_interval", "interval"),
)

batches = Table(
    "batches",
    metadata,
    Column("zone", Integer, primary_key=True),
    Column("interval", Big, primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("body", Text, nullable=False, doc="the proposal and the chain's facts it was built on, as JSON"),
    Column("digest", LargeBinary, nullable=False),
    Column("witness_root", LargeBinary, nullable=False),
    Column("signatures", Text, nullable=False, server_default="[]", doc="JSON list of [seat, hex]"),
    Column("refusals", Text, nullable=False, server_default="[]", doc="JSON list of [seat, reason]"),
    Column("state", String(16), nullable=False, doc="proposed, attested, sent, settled, voided"),
    Column("price", Integer, nullable=False),
    Column("volume_wh", Big, nullable=False),
    Column("chain_tx", LargeBinary),
    Column("gas", Big),
    Column("created_at", Big, nullable=False),
)

late_batches = Table(
    "late_batches",
    metadata,
    Column("zone", Integer, primary_key=True),
    Column("interval", Big, primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("body", Text, nullable=False, doc="the late proposal as JSON: what members signed"),
    Column("digest", LargeBinary, nullable=False),
    Column("signatures", Text, nullable=False, server_default="[]", doc="JSON list of [seat, hex]"),
    Column("state", String(16), nullable=False, doc="proposed, attested, sent, settled, refused"),
    Column("chain_tx", LargeBinary),
    Column("gas", Big),
    Column("created_at", Big, nullable=False),
)

bills = Table(
    "bills",
    metadata,
    Column("zone", Integer, primary_key=True),
    Column("interval", Big, primary_key=True),
    Column("point", Integer, primary_key=True),
    Column("kind", String(8), primary_key=True, doc="batch or late"),
    Column("wh", Big, nullable=False, doc="the row's Wh after netting behind a meter, import positive"),
    Column("matched_wh", Big, nullable=False, doc="same sign as wh"),
    Column("grid_wh", Big, nullable=False, doc="same sign as wh"),
    Column("nano", Big, nullable=False, doc="due, positive is received"),
    Column("unpaid", Big, nullable=False, server_default="0", doc="nano the utility claims outside the chain"),
    Index("ix_bills_point_interval", "point", "interval"),
)

# -- chain ------------------------------------------------------------------------------------------------------------

chain_events = Table(
    "chain_events",
    metadata,
    Column("block", Big, primary_key=True),
    Column("log_index", Integer, primary_key=True),
    Column("block_hash", LargeBinary, nullable=False),
    Column("block_time", Big, nullable=False),
    Column("chain_tx", LargeBinary, nullable=False),
    Column("contract", String(32), nullable=False),
    Column("event", String(48), nullable=False),
    Column("args", Text, nullable=False, doc="JSON"),
    Index("ix_chain_events_event", "event"),
)

chain_cursor = Table(
    "chain_cursor",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("block", Big, nullable=False),
    Column("block_hash", LargeBinary, nullable=False),
)

chain_submissions = Table(
    "chain_submissions",
    metadata,
    Column("sender", String(42), primary_key=True),
    Column("nonce", Big, primary_key=True),
    Column("content_id", String(80), nullable=False, unique=True, doc="idempotency key of the effect"),
    Column("state", String(16), nullable=False, doc="unstarted, sent, mined, failed"),
    Column("to", String(42), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("gas_limit", Big, nullable=False),
    Column("attempts", Text, nullable=False, doc="JSON list of {raw, hash, max_fee, tip, at, head}"),
    Column("block", Big),
    Column("gas_used", Big),
    Column("reason", String(200), doc="revert reason"),
    Column("receipt", Text, doc="JSON of the receipt, kept because a chain may drop old ones"),
    Column("created_at", Big, nullable=False),
)

facts = Table(
    "facts",
    metadata,
    Column("key", String(64), primary_key=True, doc="small persistent facts: deployment, node key address, schema"),
    Column("value", Text, nullable=False),
)
