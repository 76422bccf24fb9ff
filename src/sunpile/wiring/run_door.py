"""`sunpile door`: a process that serves stations' sockets beside the node of a shared database."""

import asyncio
from dataclasses import replace
from pathlib import Path

from sunpile.basics.errors import SettingInvalid, StoreUnreachable
from sunpile.settings import NodeSettings
from sunpile.store.database import Database
from sunpile.store.schema import current_revision, head_revision
from sunpile.wiring.doors import Doors, SharedStations
from sunpile.wiring.folder import Folder
from sunpile.wiring.ground import Ground, clock_for
from sunpile.wiring.running import settle_memory, start_loop, stop_event
from sunpile.wiring.station_side import StationSide

JOBS = ("announcements", "door")
"""What of a node's jobs a door does itself: what it has in its own memory."""


def door(folder: Path) -> None:
    """Serve stations until stopped, at the ports of the settings."""
    start_loop(_door(NodeSettings.load(folder)))


async def _door(settings: NodeSettings) -> None:
    if not settings.shared or settings.trades:
        raise SettingInvalid("shared", str(settings.shared).lower(), "true, with market = off and PostgreSQL")
    folder, clock = Folder(settings.folder), await clock_for(settings)
    database = Database(folder.database_url(settings.database), shared=True)
    if current_revision(database.engine) != head_revision():
        raise StoreUnreachable("the database has another schema than this release: start the node first")
    doors = Doors(database, clock, "door")
    ground = replace(Ground.open(settings, folder, clock, database), stations=SharedStations(database, doors))
    side = StationSide.open(ground, settings.interval_length, payment=None)
    side.join(doors)
    await doors.begin()
    await side.start()
    jobs = side.jobs()
    for name in jobs.keys() - set(JOBS):
        jobs.pop(name).close()
    tasks = [asyncio.create_task(job, name=name) for name, job in (jobs | doors.jobs()).items()]
    stopped = asyncio.create_task(stop_event().wait())
    settle_memory()
    try:
        done, _ = await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await side.stop()
        await doors.stop()
        database.close()
