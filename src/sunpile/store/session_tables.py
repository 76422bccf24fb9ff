"""Tables of what proves and corrects a session: signed meter values, the meters' keys, what staff decided."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from sunpile.store.tables import Big, metadata

signed_values = Table(
    "signed_values",
    metadata,
    Column("digest", String(64), primary_key=True, doc="SHA-256 of station and text"),
    Column("session", String(48), nullable=False, index=True),
    Column("station", String(48), nullable=False),
    Column("evse", Integer, nullable=False),
    Column("text", Text, nullable=False, doc="as it was signed"),
    Column("encoding", String(50), nullable=False, server_default="", doc="as the station names it"),
    Column("sent_key", Text, doc="public key that came with it; compared, never trusted"),
    Column("verdict", String(16), nullable=False, doc="valid, invalid, no key, unverified"),
    Column("key", Text, doc="registered public key it was checked with"),
    Column("key_differs", Boolean, nullable=False, server_default="0", doc="the key sent is not the one registered"),
    Column("received_at", Big, nullable=False),
)

meter_keys = Table(
    "meter_keys",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("evse", Integer, primary_key=True, autoincrement=False),
    Column("since", Big, primary_key=True, autoincrement=False, doc="from when it counts; the newest before a session"),
    Column("key", Text, nullable=False, doc="hex of the SubjectPublicKeyInfo"),
    Column("registered_by", String(64), nullable=False),
)

session_decisions = Table(
    "session_decisions",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("session", String(48), nullable=False),
    Column("kind", String(16), nullable=False, doc="registers, zero, signed, hold, correct, credit"),
    Column("start_wh", Big),
    Column("end_wh", Big),
    Column("wh", Big, doc="energy billed by it; null: none"),
    Column("actor", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Big, nullable=False),
    Index("ix_session_decisions_session", "session"),
)
