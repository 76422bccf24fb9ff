"""What runs until it is told to end: its loop, its log, its signals, its memory."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import uvloop


def start_loop(work: Coroutine[Any, Any, Any], level: int = logging.INFO) -> Any:
    """Run `work` on uvloop until it ends or SIGINT or SIGTERM asks for it."""
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for noisy in ("httpx2", "httpcore2", "websockets", "sunpile.chargers.websockets", "alembic", "pymodbus"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def stop_event() -> asyncio.Event:
    """Set by SIGINT and SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    return stop


def settle_memory() -> None:
    """Call once all is open: what is here now stays, so the collector need not look at it again.

    A full collection of a node's own half a million objects would hold up every station for a fifth of a second, and
    10,000 connections for longer; little of what a station's message makes forms a cycle, so it may be rare.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 1_000)
