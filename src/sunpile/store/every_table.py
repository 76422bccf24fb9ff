"""Every table of the store, by being imported: what migrations and backups go by."""

from sunpile.store import (
    certificate_tables,
    door_tables,
    identity_tables,
    run_tables,
    session_tables,
    site_tables,
    station_tables,
    token_tables,
    upkeep_tables,
    webhook_tables,
)
from sunpile.store.tables import metadata

MODULES = (
    certificate_tables,
    door_tables,
    identity_tables,
    run_tables,
    session_tables,
    site_tables,
    station_tables,
    token_tables,
    upkeep_tables,
    webhook_tables,
)
"""Where the tables stand that are not in `tables`."""

__all__ = ["MODULES", "metadata"]
