"""Tables of doors: which process has which station's socket, and what processes tell each other. Unix seconds."""

from sqlalchemy import Column, Index, String, Table, Text

from sunpile.store.tables import Big, metadata

doors = Table(
    "doors",
    metadata,
    Column("door", String(32), primary_key=True),
    Column("beat_at", Big, nullable=False, doc="when it was last heard of"),
)

station_doors = Table(
    "station_doors",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("door", String(32), nullable=False, doc="empty: the station has hung up"),
    Column("generation", Big, nullable=False, doc="of its newest connection at any door"),
    Column("version", String(8), nullable=False),
    Column("since", Big, nullable=False),
    Index("ix_station_doors_door", "door"),
)

door_mail = Table(
    "door_mail",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("door", String(32), nullable=False, doc="whom it is for; 'node': the one process with the jobs"),
    Column("sender", String(32), nullable=False),
    Column("kind", String(16), nullable=False, doc="command, answer, fence, event, notice"),
    Column("station", String(48), nullable=False),
    Column("generation", Big, nullable=False),
    Column("about", String(32), nullable=False, server_default="", doc="number of the command that is answered"),
    Column("body", Text, nullable=False, doc="JSON"),
    Column("at", Big, nullable=False),
    Index("ix_door_mail_door_id", "door", "id"),
)
