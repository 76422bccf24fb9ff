"""`sunpile member`."""

import asyncio
import logging
from pathlib import Path

from sunpile.basics.errors import Unreachable
from sunpile.basics.ids import ZoneId
from sunpile.chain.rpc import Rpc
from sunpile.settings import MemberSettings
from sunpile.store.database import Database
from sunpile.store.schema import upgrade
from sunpile.store.settlement import SettlementStore
from sunpile.wiring.folder import Folder
from sunpile.wiring.market_reader import MarketReader
from sunpile.wiring.member import Member, member_app
from sunpile.wiring.running import start_loop, stop_event
from sunpile.wiring.serving import Serving, listen


def member(folder: Path) -> None:
    """Run a council member until it is stopped."""
    start_loop(_member(MemberSettings.load(folder)))


async def _member(settings: MemberSettings) -> None:
    folder = Folder(settings.folder)
    sock = listen(settings.host, settings.port, "this member")
    key = folder.key("member")
    deployment = folder.deployment()
    database = Database(folder.database_url(settings.database))
    upgrade(database.engine)
    rpc = Rpc(settings.rpc_url)
    reader = MarketReader(rpc, deployment.contracts(), deployment.chain_id)
    zone = ZoneId(deployment.zone)
    try:
        length = await _patiently(reader, zone)
        serving = Serving(member_app(Member(key, SettlementStore(database), reader, zone, length)), sock)
        await serving.start()
        await stop_event().wait()
        await serving.stop()
    finally:
        await rpc.close()
        database.close()


async def _patiently(reader: MarketReader, zone: ZoneId) -> int:
    """Interval length of the zone, by the chain; the chain may start later than its members."""
    while True:
        try:
            return await reader.length_of(zone)
        except Unreachable as fault:
            logging.getLogger("sunpile.member").info("%s; trying again", fault.detail)
            await asyncio.sleep(0.5)
