"""Kill parts of a running town at random moments, and read how a day ended."""

import asyncio
import contextlib
import os
import random
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from sunpile.basics.errors import Unreachable
from sunpile.store.tables import cdrs, sessions
from sunpile.wiring.demo import Stage
from sunpile.wiring.node_client import node_info

SEED = int(os.environ.get("SUNPILE_SEED", "1"))
SOAK = os.environ.get("SUNPILE_SOAK") == "1"
NODE, ANVIL = "node", "anvil"


@dataclass(frozen=True)
class Kill:
    """One SIGKILL to come: when the town's clock has reached `at`, and some real time later."""

    at: int
    after: float
    victim: str


@dataclass
class Killer:
    """Carries out kills, one after the other."""

    stage: Stage
    kills: list[Kill]
    done: list[Kill] = field(default_factory=list)

    @classmethod
    def drawn(cls, stage: Stage, count: int, seed: int, joining: float = 0.3) -> "Killer":
        """`count` kills; a share of them while everybody joins, when the clock stands still."""
        dice, scenario = random.Random(f"kills/{seed}"), stage.town.scenario
        victims = [(NODE, ANVIL, f"member-{dice.randrange(4)}", NODE, ANVIL)[number % 5] for number in range(count)]
        dice.shuffle(victims)
        kills: list[Kill] = []
        for number, victim in enumerate(victims):
            early = number < count * joining
            at = scenario.begin if early else dice.randrange(scenario.first_begin, scenario.end)
            kills.append(Kill(at, dice.uniform(0.0, 1.5 if early else 0.25), victim))
        return cls(stage, sorted(kills, key=lambda kill: kill.at))

    async def run(self) -> None:
        """Until every kill is done."""
        for kill in self.kills:
            while self.stage.town.scheduler.now < kill.at:
                await asyncio.sleep(0.005)
            await asyncio.sleep(kill.after)
            while not self._strike(kill.victim):
                await asyncio.sleep(0.02)
            self.done.append(kill)

    def _strike(self, victim: str) -> bool:
        """False if it is down already: only a process that lives can be killed."""
        name = NODE if victim == ANVIL else victim
        process = self.stage.supervisor.children[name].process
        if process is None or process.returncode is not None:
            return False
        pid = anvil_of(process.pid) if victim == ANVIL else process.pid
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        return True


def anvil_of(node: int) -> int | None:
    """The chain engine that a node runs."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().partition("(")[2].rpartition(")")
            state, parent = rest.split()[:2]
        except (OSError, ValueError):
            continue
        if name == ANVIL and int(parent) == node and state != "Z":
            return int(stat.parent.name)
    return None


@dataclass
class Ending:
    """How a day ended: all money, all energy."""

    balances: dict[int, int]
    utility: int
    fees: int
    rewards: int
    """Of the whole council, and what it carries over: who signed which batch may differ."""
    market: dict[tuple[int, int], int]
    """Wh by (point, interval), as settled."""
    bills: list[tuple[Any, ...]]
    sessions: list[tuple[Any, ...]]
    """(station, EVSE, start, Wh, owed, paid)."""
    cdrs: int


async def ending(stage: Stage) -> Ending:
    """Read store and chain, which agree: the chain by its own views."""
    async with stage.opened() as (store, reader, reconciler):
        assert await reconciler.differences() == []
        contracts, rpc, zone = reconciler.contracts, reconciler.rpc, reconciler.zone
        points = [record.point for record in await store.points(zone)]
        seats = await reader.seats(stage.town.scenario.end)
        rewards = [await contracts.call(rpc, "Council", "rewards", seat) for seat in seats]
        carried = await contracts.call(rpc, "Council", "carry")
        batches = await store.settled(zone)
        charged = select(
            sessions.c.station,
            sessions.c.evse,
            sessions.c.started_at,
            sessions.c.wh,
            sessions.c.owed,
            sessions.c.paid,
        ).order_by(sessions.c.station, sessions.c.evse, sessions.c.started_at)
        database = store._database
        return Ending(
            balances=await reader.balances(points),
            utility=await contracts.call(rpc, "EnergyMarket", "utilityBalance", reconciler.tree),
            fees=await contracts.call(rpc, "EnergyMarket", "feePool"),
            rewards=sum(rewards) + carried,
            market={
                (signed.reading.point, batch.interval): signed.reading.wh
                for batch in batches
                for signed in batch.kept.proposal.witness.readings
            },
            bills=[tuple(row) for row in await store.bills(zone=zone)],
            sessions=await database.read(lambda c: [tuple(row) for row in c.execute(charged)]),
            cdrs=await database.read(lambda c: len(c.scalars(select(cdrs.c.cdr)).all())),
        )


async def play(stage: Stage, killer: Killer | None = None) -> None:
    """The day, with or without kills; returns when all of them are done and the node is there again."""
    hunt = asyncio.create_task(killer.run()) if killer else None
    try:
        await stage.play(lambda _progress: None)
        if hunt:
            await hunt
    finally:
        if hunt:
            hunt.cancel()
    await there(stage)


async def there(stage: Stage, seconds: float = 60) -> None:
    """Until the node answers."""
    async with asyncio.timeout(seconds):
        while True:
            with contextlib.suppress(Unreachable):
                await node_info(stage.page)
                return
            await asyncio.sleep(0.1)
