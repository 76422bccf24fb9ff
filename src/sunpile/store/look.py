"""What `sunpile doctor` reads of a store that may be of a node that does not run."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from sunpile.store.database import Database
from sunpile.store.tables import devices, refused_attempts, stations

REFUSED_SHOWN = 20


async def known_stations(database: Database) -> Sequence[Row[Any]]:
    """Every station, with when it was last seen and in which version."""
    return await database.read(lambda connection: connection.execute(select(stations)).all())


async def newest_refusals(database: Database) -> Sequence[Row[Any]]:
    """The newest attempts to connect that were refused."""
    query = select(refused_attempts).order_by(refused_attempts.c.at.desc()).limit(REFUSED_SHOWN)
    return await database.read(lambda connection: connection.execute(query).all())


async def polled_devices(database: Database) -> Sequence[Row[Any]]:
    """Every inverter and meter, with what its last reading said."""
    return await database.read(lambda connection: connection.execute(select(devices)).all())
