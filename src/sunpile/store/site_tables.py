"""Tables of sites under load management."""

from sqlalchemy import Column, Integer, String, Table, Text

from sunpile.store.tables import metadata

sites = Table(
    "sites",
    metadata,
    Column("tenant", String(48), primary_key=True),
    Column("site", String(64), primary_key=True),
    Column("body", Text, nullable=False, doc="fuses, outlets, policy as JSON"),
)

site_outlets = Table(
    "site_outlets",
    metadata,
    Column("station", String(48), primary_key=True, doc="an outlet belongs to one site"),
    Column("evse", Integer, primary_key=True),
    Column("tenant", String(48), nullable=False),
    Column("site", String(64), nullable=False),
)
