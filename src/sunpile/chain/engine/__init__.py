"""Engines: the embedded chain of one machine, and any chain that others run."""

from pathlib import Path
from typing import Literal

from sunpile.basics.ports import Clock
from sunpile.chain.engine.anvil import AnvilEngine
from sunpile.chain.engine.ports import Block, Engine, Health
from sunpile.chain.engine.rpc import RpcEngine

__all__ = ["AnvilEngine", "Block", "Engine", "Health", "RpcEngine", "open_engine"]


def open_engine(
    kind: Literal["anvil", "rpc"],
    *,
    clock: Clock,
    chain_id: int,
    folder: Path,
    genesis_time: int = 0,
    port: int = 0,
    url: str = "",
    confirmations: int = 1,
) -> Engine:
    """The engine the settings ask for; not started yet. `folder` holds the journal of the embedded one."""
    if kind == "rpc":
        return RpcEngine(url, chain_id, confirmations=confirmations)
    return AnvilEngine(folder, clock, chain_id, genesis_time=genesis_time, port=port)
