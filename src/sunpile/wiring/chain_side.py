"""The chain as a node holds it: engine, contracts, one submitter for each key, indexer, reader."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from sunpile.basics.errors import SunpileError, Unreachable
from sunpile.basics.ports import Clock
from sunpile.chain import ChainEvent, Contracts, Deployment, Indexer, Receipt, Submitter, open_engine
from sunpile.chain.engine import Engine
from sunpile.settings import NodeSettings
from sunpile.store.chain import Events, Submissions
from sunpile.store.database import Database
from sunpile.wiring.folder import Folder
from sunpile.wiring.market_reader import MarketReader

Listener = Callable[[ChainEvent], Awaitable[None]]
WATCH_S = 300
"""Between two looks at the chain [s]: a third of the grace in which a closing channel must be settled."""
log = logging.getLogger("sunpile.chain")


def engine_for(settings: NodeSettings, folder: Folder, clock: Clock) -> Engine:
    """The engine the settings ask for, not started."""
    return open_engine(
        settings.engine,
        clock=clock,
        chain_id=settings.chain_id,
        folder=folder.chain,
        genesis_time=settings.genesis_time,
        port=settings.rpc_port,
        url=settings.rpc_url,
        confirmations=settings.confirmations,
    )


@dataclass
class ChainSide:
    """Everything a node does with its chain."""

    engine: Engine
    clock: Clock
    deployment: Deployment
    contracts: Contracts
    submitters: dict[str, Submitter]
    """By role of `wiring.folder.ROLES`."""
    indexer: Indexer
    reader: MarketReader
    listeners: list[Listener] = field(default_factory=list[Listener])
    _indexing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def open(
        cls, engine: Engine, clock: Clock, deployment: Deployment, folder: Folder, database: Database
    ) -> "ChainSide":
        """Join a started `engine` to what is deployed on it."""
        contracts = deployment.contracts()
        book = Submissions(database)
        roles = ("admin", "operator", "relayer", "minter", "utility", "payee")
        return cls(
            engine=engine,
            clock=clock,
            deployment=deployment,
            contracts=contracts,
            submitters={role: Submitter(engine, folder.key(role), book) for role in roles},
            indexer=Indexer(engine, contracts, Events(database), first=deployment.block),
            reader=MarketReader(engine.rpc, contracts, deployment.chain_id),
        )

    async def start(self) -> None:
        """Take up what an earlier process left on its way."""
        for submitter in self.submitters.values():
            await submitter.start()

    async def send(self, role: str, content_id: str, contract: str, function: str, *args: object) -> Receipt:
        """Call `function` as `role`, once per `content_id`, and return when it is final and indexed."""
        data = self.contracts.encode(contract, function, *args)
        await self.catch_up()
        receipt = await self.submitters[role].submit(content_id, self.contracts.address(contract), data)
        await self.index()
        return receipt

    async def catch_up(self) -> None:
        """Bring an embedded chain that slept to the present: calls are tried at the time of its newest block."""
        if self.engine.on_demand and (await self.engine.health()).time < self.clock.now():
            await self.engine.mine(self.clock.now())

    async def index(self) -> None:
        """Read new final blocks and tell the listeners."""
        async with self._indexing:
            events = await self.indexer.step()
        # Outside the lock: a listener may send, and what it sends is indexed before it goes on.
        for event in events:
            for listener in self.listeners:
                try:
                    await listener(event)
                except SunpileError as fault:
                    log.warning("%s in block %d could not be acted on: %s", event.event, event.block, fault.detail)

    async def watch(self) -> None:
        """Until cancelled: read new blocks also while this node sends nothing."""
        while True:
            with self.clock.work():
                try:
                    await self.index()
                except Unreachable as fault:
                    log.warning("%s; the chain is read again later", fault.detail)
            await self.clock.sleep_until(self.clock.now() + WATCH_S)

    def events(self, receipt: Receipt, name: str) -> list[dict[str, Any]]:
        """Arguments of the events called `name` in a receipt."""
        return [args for _, event, args in self.contracts.events(receipt.logs) if event == name]

    async def stop(self) -> None:
        """Let go; what is on its way is saved."""
        for submitter in self.submitters.values():
            await submitter.close()
        await self.engine.stop()
