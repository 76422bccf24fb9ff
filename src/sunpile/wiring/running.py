"""Commands that run on: node, member, demo."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import uvloop

from sunpile.basics.errors import SunpileError
from sunpile.basics.ids import ZoneId
from sunpile.chain import Contracts
from sunpile.chain.rpc import Rpc
from sunpile.people.cli.commands import DemoResult, DemoWish, Progress
from sunpile.settings import MemberSettings, NodeSettings
from sunpile.store.database import Database
from sunpile.store.schema import upgrade
from sunpile.store.settlement import SettlementStore
from sunpile.wiring.demo import DemoPlan, play
from sunpile.wiring.folder import Folder
from sunpile.wiring.market_reader import MarketReader
from sunpile.wiring.member import Member, member_app
from sunpile.wiring.node import Node, open_node
from sunpile.wiring.node_client import node_info
from sunpile.wiring.serving import Serving, listen


def start_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work` on uvloop until it ends or SIGINT or SIGTERM asks for it."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for noisy in ("httpx2", "httpcore2", "websockets", "alembic", "pymodbus"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def node(folder: Path) -> None:
    """Run a node until it is stopped."""
    start_loop(_node(NodeSettings.load(folder)))


async def _node(settings: NodeSettings) -> None:
    running = await open_node(settings)
    try:
        await running.start()
        await _until_stopped(running)
    finally:
        await running.stop()


async def _until_stopped(running: Node) -> None:
    stop = stop_event()
    work = asyncio.create_task(running.run())
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if work.done():
        work.result()
    work.cancel()


def stop_event() -> asyncio.Event:
    """Set by SIGINT and SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    return stop


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


def demo(wish: DemoWish, progress: Progress, shown: Callable[[DemoResult], None]) -> DemoResult:
    """Play a town's day, show its result, and serve on unless told to exit."""
    plan = DemoPlan.of(wish)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
        return runner.run(_demo(plan, progress, shown))


async def _demo(plan: DemoPlan, progress: Progress, shown: Callable[[DemoResult], None]) -> DemoResult:
    stop = stop_event()
    return await play(plan, progress, shown, stop)
