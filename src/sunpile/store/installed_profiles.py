"""Charging profiles as stations accepted them: implements `control.profile_book.InstalledProfiles`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from sunpile.basics.ids import StationId
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import Period, Profile, Schedule
from sunpile.control.composite import Installed
from sunpile.store.database import Database
from sunpile.store.scoped import scoped
from sunpile.store.site_tables import installed_profiles
from sunpile.store.tables import stations


class InstalledProfileStore:
    """`InstalledProfiles` on the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, station: StationId) -> Sequence[Installed]:
        """See `InstalledProfiles.of`."""
        query = select(installed_profiles).where(installed_profiles.c.station == station)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Installed(row.evse, _profile(json.loads(row.body))) for row in rows]

    async def put(self, station: StationId, installed: Installed) -> None:
        """See `InstalledProfiles.put`. One of the same purpose, level and EVSE is replaced, as stations do."""

        def work(connection: Connection) -> None:
            for item in _same_place(connection, station, installed):
                connection.execute(_delete(station, item))
            values = {"station": station, "evse": installed.evse, "profile": installed.profile.id}
            connection.execute(insert(installed_profiles).values(body=json.dumps(asdict(installed.profile)), **values))

        await self._database.write(work)

    async def clear(self, station: StationId, keep: Sequence[Installed]) -> None:
        """See `InstalledProfiles.clear`."""
        kept = {(item.evse, item.profile.id) for item in keep}

        def work(connection: Connection) -> None:
            query = select(installed_profiles).where(installed_profiles.c.station == station)
            for row in connection.execute(query).all():
                if (row.evse, row.profile) not in kept:
                    connection.execute(_delete(station, (row.evse, row.profile)))

        await self._database.write(work)

    async def owned(self, scope: Scope, station: str) -> bool:
        """See `InstalledProfiles.owned`."""
        query = scoped(stations, scope, stations.c.station).where(stations.c.station == station)
        return await self._database.read(lambda connection: connection.execute(query).first()) is not None


def _same_place(connection: Connection, station: StationId, installed: Installed) -> list[tuple[int, int]]:
    query = select(installed_profiles).where(installed_profiles.c.station == station)
    found: list[tuple[int, int]] = []
    for row in connection.execute(query).all():
        other = _profile(json.loads(row.body))
        same = (row.evse, other.purpose, other.stack_level) == (
            installed.evse,
            installed.profile.purpose,
            installed.profile.stack_level,
        )
        if row.profile == installed.profile.id or same:
            found.append((row.evse, row.profile))
    return found


def _delete(station: StationId, item: tuple[int, int]) -> Any:
    evse, profile = item
    return delete(installed_profiles).where(
        installed_profiles.c.station == station,
        installed_profiles.c.evse == evse,
        installed_profiles.c.profile == profile,
    )


def _profile(data: dict[str, Any]) -> Profile:
    schedules: list[Schedule] = []
    for fields in data.pop("schedules"):
        periods = [Period(**period) for period in fields.pop("periods")]
        schedules.append(Schedule(periods, **fields))
    return Profile(schedules=schedules, **data)
