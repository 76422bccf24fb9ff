"""`sunpile node`."""

import asyncio
from pathlib import Path

from sunpile.settings import NodeSettings
from sunpile.wiring.node import Node, open_node
from sunpile.wiring.running import start_loop, stop_event


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
