"""A node: every port joined to its adapter, started in order, stopped in the opposite one."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from dataclasses import asdict, dataclass, field
from typing import Any

from sunpile.basics.clock import Clock
from sunpile.basics.ids import ZoneId
from sunpile.basics.typed_data import Domain
from sunpile.chain import RpcProxy
from sunpile.chargers import Csms, Plan
from sunpile.money.accounts import Accounts
from sunpile.money.topups import SandboxRail, TopUps
from sunpile.people.api.app import create_app
from sunpile.people.board import PowerBoard
from sunpile.people.feed import EventHub
from sunpile.people.ports import ApiSettings
from sunpile.people.reads import NodeInfo
from sunpile.sessions.model import Session, SessionRules
from sunpile.sessions.receipt import Co2Factors
from sunpile.sessions.service import Sessions
from sunpile.settings import NodeSettings
from sunpile.store.accounts import AccountDatabase
from sunpile.store.chargers import StationStore
from sunpile.store.database import Database
from sunpile.store.people import StoreView
from sunpile.store.schema import upgrade
from sunpile.store.sessions import SessionDatabase
from sunpile.store.settlement import SettlementStore
from sunpile.wiring.chain_side import ChainSide, engine_for
from sunpile.wiring.channel_chain import ChannelContract, ChannelWatch, TokenMint
from sunpile.wiring.clock import MachineClock, TownClock
from sunpile.wiring.council_client import CouncilClient
from sunpile.wiring.devices import Devices
from sunpile.wiring.folder import Folder
from sunpile.wiring.interval_loop import IntervalLoop
from sunpile.wiring.operations import NodeOperations
from sunpile.wiring.piles import PileCommands, PileEnergy, PileInbox
from sunpile.wiring.readings import Readings
from sunpile.wiring.receipts import Receipts
from sunpile.wiring.serving import Serving, listen

log = logging.getLogger("sunpile.node")


async def clock_for(settings: NodeSettings) -> Clock:
    """The clock the settings ask for, running."""
    if settings.clock == "machine":
        return MachineClock()
    host, _, port = settings.clock.removeprefix("town://").rpartition(":")
    clock = TownClock(host, int(port), "node")
    await clock.join()
    return clock


@dataclass
class Node:
    """The parts of a running node."""

    settings: NodeSettings
    folder: Folder
    clock: Clock
    database: Database
    chain: ChainSide
    hub: EventHub
    csms: Csms
    loop: IntervalLoop
    operations: NodeOperations
    devices: Devices
    sessions: Sessions
    top_ups: TopUps
    serving: Serving
    council: CouncilClient
    stations: StationStore
    tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    async def start(self) -> None:
        """Listen and go on where an earlier process stopped."""
        await self.chain.start()
        await self.chain.index()
        await self.csms.start(self.settings.host, self.settings.ocpp_port)
        await self.serving.start()
        for name, job in self._jobs().items():
            self.tasks.append(asyncio.create_task(job, name=name))
        if isinstance(self.clock, TownClock):
            self.clock.ready()

    def _jobs(self) -> dict[str, Coroutine[Any, Any, None]]:
        return {
            "devices": self.devices.run(),
            "intervals": self.loop.run(),
            "sessions": self.sessions.run(),
            "top-ups": self.top_ups.run(),
        }

    async def run(self) -> None:
        """Until cancelled, or a job of the node fails."""
        done, _ = await asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            log.error("%s ended", task.get_name())
            task.result()

    async def stop(self) -> None:
        """End everything; nothing acknowledged is lost, however this ends."""
        self.hub.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.serving.stop()
        await self.csms.stop()
        await self.stations.flush()
        await self.council.close()
        await self.chain.stop()
        self.database.close()


async def open_node(settings: NodeSettings) -> Node:
    """Join all parts of a node; nothing listens yet, but the chain runs."""
    folder = Folder(settings.folder)
    deployment = folder.deployment()
    sock = listen(settings.host, settings.http_port, "page and API")
    clock = await clock_for(settings)
    database = Database(folder.database_url(settings.database))
    upgrade(database.engine)
    engine = engine_for(settings, folder, clock)
    await engine.start()
    try:
        chain = ChainSide.open(engine, clock, deployment, folder, database)
        return await _join(settings, folder, clock, database, chain, sock)
    except BaseException:
        with contextlib.suppress(Exception):
            await engine.stop()
        raise


async def _join(
    settings: NodeSettings, folder: Folder, clock: Clock, database: Database, chain: ChainSide, sock: Any
) -> Node:
    zone, node_key = ZoneId(chain.deployment.zone), folder.key("node")
    length = await chain.reader.length_of(zone)
    settlement, stations = SettlementStore(database), StationStore(database)
    session_store = SessionDatabase(database)
    hub = EventHub()
    board = PowerBoard(hub)
    health = await chain.engine.health()
    receipts = Receipts(zone, length, clock, chain, settlement, node_key.address, health.runs_by)
    commands = PileCommands()
    sessions = _sessions(settings, chain, folder, clock, session_store, commands, receipts, hub, length)
    chain.listeners.append(ChannelWatch(sessions).hear)
    csms = Csms(
        stations,
        PileInbox(sessions, stations, board, clock),
        clock,
        Plan(clock_aligned_s=length, sample_s=settings.sample_interval),
    )
    commands.csms = csms
    devices = Devices(database, board, clock, length, settings.live_poll)
    piles = PileEnergy(session_store, stations)
    sources, estimates = [devices.energy, piles.energy], [devices.estimate]
    readings = Readings(zone, length, node_key, clock, settlement, chain.reader, sources, estimates)
    council = CouncilClient(settings.members, chain.reader.domain)
    accounts = AccountDatabase(database)
    rails = [SandboxRail()] if settings.sandbox else []
    top_ups = TopUps(accounts, rails, TokenMint(chain), clock, settings.currency, minor_max=10**8)
    info = _info(settings, folder, chain, clock, length, health.runs_by)
    view = StoreView(database, board, info)
    publisher = Publisher(view, hub, clock, zone)
    loop = IntervalLoop(zone, length, settings.grace, clock, chain, settlement, readings, council, publisher.changed)
    operations = NodeOperations(
        zone=zone,
        clock=clock,
        chain=chain,
        node_key=node_key,
        settlement=settlement,
        stations=stations,
        devices=devices.store,
        session_store=session_store,
        sessions=sessions,
        readings=readings,
        accounts=Accounts(accounts, clock),
        top_ups=top_ups,
        receipts=receipts,
        ocpp_url=f"ws://{settings.host}:{settings.ocpp_port}/ocpp",
    )
    app = create_app(view, operations, RpcProxy(chain.engine), hub, _api_settings(settings, folder))
    return Node(
        settings=settings,
        folder=folder,
        clock=clock,
        database=database,
        chain=chain,
        hub=hub,
        csms=csms,
        loop=loop,
        operations=operations,
        devices=devices,
        sessions=sessions,
        top_ups=top_ups,
        serving=Serving(app, sock),
        council=council,
        stations=stations,
    )


def _sessions(
    settings: NodeSettings,
    chain: ChainSide,
    folder: Folder,
    clock: Clock,
    store: SessionDatabase,
    commands: PileCommands,
    receipts: Receipts,
    hub: EventHub,
    length: int,
) -> Sessions:
    def changed(session: Session) -> None:
        hub.publish(
            "session",
            {"session": session.session, "station": session.station, "evse": session.evse, "state": session.state}
            | {"wh": session.wh, "owed": session.owed, "paid": session.paid},
        )

    return Sessions(
        store,
        commands,
        clock,
        domain=Domain("sunpile channels", chain.deployment.chain_id, chain.contracts.address("Channels")),
        payee=folder.key("payee").address,
        chain=ChannelContract(chain),
        mixes=receipts,
        rules=SessionRules(interval_length=length, currency=settings.currency),
        factors=Co2Factors(grid=settings.co2_grid),
        changed=changed,
    )


def _info(settings: NodeSettings, folder: Folder, chain: ChainSide, clock: Clock, length: int, operator: str) -> Any:
    payee, node_key = folder.key("payee").address, folder.key("node").address
    deployment = chain.deployment

    def info() -> NodeInfo:
        return NodeInfo(
            chain_id=deployment.chain_id,
            contracts=dict(deployment.addresses),
            zone=deployment.zone,
            tree=deployment.tree,
            interval_length=length,
            payee=payee,
            node_signer=node_key,
            rpc="",
            members=settings.members,
            currency=settings.currency,
            seats=len(deployment.seats),
            engine=settings.engine,
            operator=operator,
            now=clock.now(),
        )

    return info


def _api_settings(settings: NodeSettings, folder: Folder) -> ApiSettings:
    return ApiSettings(
        admin_token=folder.admin_token(),
        open_town=settings.open_town,
        rpc_open=True,
        time_zone=settings.time_zone,
    )


@dataclass
class Publisher:
    """Tells live pages of batches and of time."""

    view: StoreView
    hub: EventHub
    clock: Clock
    zone: ZoneId

    async def changed(self, interval: int, state: str) -> None:
        """See `interval_loop.Changed`."""
        if not self.hub.listeners:
            return
        self.hub.publish("clock", {"now": self.clock.now()})
        detail = await self.view.interval(self.zone, interval)
        if detail is not None and state == "settled":
            self.hub.publish("interval", asdict(detail.summary))
            self.hub.publish("batch", asdict(detail.batch))
