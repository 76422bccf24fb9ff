"""`sunpile node`."""

import asyncio
import sys
from pathlib import Path

from sunpile.settings import NodeSettings
from sunpile.wiring.folder import Folder
from sunpile.wiring.node import Node, open_node
from sunpile.wiring.running import settle_memory, start_loop, stop_event
from sunpile.wiring.supervisor import Supervisor


def node(folder: Path, with_members: bool) -> None:
    """Run a node until it is stopped; `with_members` also the members whose folders lie in it."""
    start_loop(_node(NodeSettings.load(folder), with_members))


async def _node(settings: NodeSettings, with_members: bool) -> None:
    supervisor = Supervisor(settings.folder)
    running = await open_node(settings)
    try:
        await running.start()
        if with_members:
            await _start_members(supervisor, Folder(settings.folder), len(settings.members))
        settle_memory()
        await _until_stopped(running)
    finally:
        await supervisor.stop()
        await running.stop()


async def _start_members(supervisor: Supervisor, folder: Folder, count: int) -> None:
    for seat in range(count):
        path = folder.member(seat)
        if path.is_dir():
            command = [sys.executable, "-m", "sunpile", "member", "--folder", str(path)]
            await supervisor.start(f"member-{seat}", command)


async def _until_stopped(running: Node) -> None:
    stop = stop_event()
    work = asyncio.create_task(running.run())
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if work.done():
        work.result()
    work.cancel()
