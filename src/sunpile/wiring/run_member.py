"""`sunpile member`."""

import asyncio
import logging
from pathlib import Path
from typing import Any

from sunpile.basics.errors import SunpileError
from sunpile.basics.ids import ZoneId
from sunpile.chain import Contracts
from sunpile.chain.rpc import Rpc
from sunpile.settings import MemberSettings
from sunpile.store.database import Database
from sunpile.store.schema import upgrade
from sunpile.store.settlement import SettlementStore
from sunpile.wiring.folder import Folder
from sunpile.wiring.market_reader import MarketReader
from sunpile.wiring.member import Member, member_app
from sunpile.wiring.node_client import node_info
from sunpile.wiring.running import start_loop, stop_event
from sunpile.wiring.serving import Serving, listen


def member(folder: Path) -> None:
    """Run a council member until it is stopped."""
    start_loop(_member(MemberSettings.load(folder)))


async def _member(settings: MemberSettings) -> None:
    folder = Folder(settings.folder)
    sock = listen(settings.host, settings.port, "this member")
    key = folder.key("member")
    database = Database(folder.database_url(settings.database))
    upgrade(database.engine)
    info = await _patiently(settings.node_url)
    rpc = Rpc(settings.rpc_url)
    reader = MarketReader(rpc, Contracts(info["contracts"]), int(info["chain_id"]))
    seat = Member(key, SettlementStore(database), reader, ZoneId(info["zone"]), info["interval_length"])
    serving = Serving(member_app(seat), sock)
    await serving.start()
    try:
        await stop_event().wait()
    finally:
        await serving.stop()
        await rpc.close()
        database.close()


async def _patiently(node_url: str) -> dict[str, Any]:
    """The node's description; it may start later than its members."""
    while True:
        try:
            return await node_info(node_url)
        except SunpileError as fault:
            logging.getLogger("sunpile.member").info("%s; trying again", fault.detail)
            await asyncio.sleep(0.5)
