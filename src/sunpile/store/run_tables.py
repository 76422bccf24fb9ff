"""Tables of runs: what was asked of which stations, and what came of it. Times are Unix seconds."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from sunpile.store.tables import Big, metadata

runs = Table(
    "runs",
    metadata,
    Column("run", String(48), primary_key=True),
    Column("tenant", String(48), nullable=False),
    Column("operation", String(48), nullable=False),
    Column("arguments", Text, nullable=False, doc="JSON"),
    Column("options", Text, nullable=False, doc="JSON"),
    Column("number", Big, nullable=False, doc="request number less the attempt"),
    Column("actor", String(64), nullable=False),
    Column("approver", String(64), nullable=False, server_default=""),
    Column("wants_approval", Boolean, nullable=False),
    Column("state", String(24), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("total", Integer, nullable=False),
    Column("counts", Text, nullable=False, doc="JSON: stations by state"),
    Column("works_from", Big, nullable=False, server_default="0"),
    Column("created_at", Big, nullable=False),
    Column("begun_at", Big),
    Column("ended_at", Big),
    Column("wish_key", String(128), doc="Idempotency-Key of whoever started it"),
    Column("wish_hash", String(64), nullable=False, doc="SHA-256 of what was wished"),
    UniqueConstraint("tenant", "wish_key", name="uq_runs_wish"),
    Index("ix_runs_tenant_created", "tenant", "created_at"),
    Index("ix_runs_state", "state"),
)

run_items = Table(
    "run_items",
    metadata,
    Column("run", String(48), ForeignKey("runs.run"), primary_key=True),
    Column("station", String(48), primary_key=True),
    Column("max_w", Integer, nullable=False),
    Column("offset_s", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("sent_at", Big),
    Column("answered_at", Big),
    Column("changed_at", Big, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("data", Text, doc="JSON of the answer beyond a status"),
    Column("rows", Integer, nullable=False, doc="rows of its report"),
    Column("parts", Integer, nullable=False, doc="parts of its report"),
    Index("ix_run_items_station", "station", "changed_at"),
)

run_asks = Table(
    "run_asks",
    metadata,
    Column("run", String(48), primary_key=True),
    Column("station", String(48), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("tenant", String(48), nullable=False),
    Column("at", Big, nullable=False),
    Column("max_w", Integer, nullable=False),
    Index("ix_run_asks_at", "at"),
)

run_parts = Table(
    "run_parts",
    metadata,
    Column("run", String(48), primary_key=True),
    Column("station", String(48), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("rows", Text, nullable=False, doc="JSON list in the words of OCPP 2.1"),
)
