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

installed_profiles = Table(
    "installed_profiles",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("evse", Integer, primary_key=True, doc="0 = all, or the station"),
    Column("profile", Integer, primary_key=True, doc="its number on the station"),
    Column("body", Text, nullable=False, doc="the profile as JSON"),
)
