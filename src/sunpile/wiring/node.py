"""A node: every port joined to its adapter, started in order, stopped in the opposite one."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, field
from typing import Any

from sunpile.basics.ids import ZoneId
from sunpile.basics.keys import Key
from sunpile.basics.ports import Clock
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
from sunpile.sessions.voucher import channels_domain
from sunpile.settings import NodeSettings
from sunpile.store.accounts import AccountDatabase
from sunpile.store.chain import Events
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
from sunpile.wiring.serving import Serving, listen, shown_host
from sunpile.wiring.view import NodeView

DAY_S = 86_400
FRAMES_KEPT_S = 30 * DAY_S
"""How long the raw talk with piles is kept, to look into a fault."""
TOP_UP_MAX = 10**8
"""Largest top-up in minor units: a million of the currency."""
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
        await ChannelWatch(self.sessions).recall(Events(self.database))
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
            "chain": self.chain.watch(),
            "forgetting": self._forget(),
        }

    async def _forget(self) -> None:
        while True:
            with self.clock.work():
                await self.stations.forget(self.clock.now() - FRAMES_KEPT_S)
            await self.clock.sleep_until(self.clock.now() + DAY_S)

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


@dataclass(frozen=True)
class Ground:
    """What every part of a node stands on."""

    settings: NodeSettings
    folder: Folder
    clock: Clock
    database: Database
    chain: ChainSide
    hub: EventHub
    board: PowerBoard
    zone: ZoneId
    length: int
    """Interval length [s]."""
    runs_by: str
    """Who runs the chain, in words."""


@dataclass(frozen=True)
class Shelves:
    """The chapters' stores over one database."""

    settlement: SettlementStore
    stations: StationStore
    sessions: SessionDatabase
    accounts: AccountDatabase


async def _join(
    settings: NodeSettings, folder: Folder, clock: Clock, database: Database, chain: ChainSide, sock: Any
) -> Node:
    zone, hub = ZoneId(chain.deployment.zone), EventHub()
    length, health = await chain.reader.length_of(zone), await chain.engine.health()
    ground = Ground(settings, folder, clock, database, chain, hub, PowerBoard(hub), zone, length, health.runs_by)
    shelves = Shelves(
        SettlementStore(database), StationStore(database), SessionDatabase(database), AccountDatabase(database)
    )
    node_key = folder.key("node")
    receipts = Receipts(zone, length, clock, chain, shelves.settlement, node_key.address, health.runs_by)
    sessions, csms = _piles(ground, shelves, receipts)
    devices = Devices(database, ground.board, clock, length, settings.live_poll)
    readings = _readings(ground, shelves, node_key, devices)
    council = CouncilClient(settings.members, chain.reader.domain)
    view = NodeView(database, ground.board, _info(ground), chain, length)
    changed = Publisher(view, hub, clock, zone).changed
    loop = IntervalLoop(zone, length, settings.grace, clock, chain, shelves.settlement, readings, council, changed)
    top_ups = _top_ups(ground, shelves)
    operations = _operations(ground, shelves, node_key, devices, sessions, readings, top_ups, receipts)
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
        stations=shelves.stations,
    )


def _piles(ground: Ground, shelves: Shelves, receipts: Receipts) -> tuple[Sessions, Csms]:
    """The piles' door and the sessions behind it, which ask piles back through it."""
    commands = PileCommands()
    sessions = _sessions(ground, shelves.sessions, commands, receipts)
    ground.chain.listeners.append(ChannelWatch(sessions).hear)
    inbox = PileInbox(sessions, shelves.stations, ground.board, ground.clock)
    plan = Plan(clock_aligned_s=ground.length, sample_s=ground.settings.sample_interval)
    commands.csms = Csms(shelves.stations, inbox, ground.clock, plan)
    return sessions, commands.csms


def _readings(ground: Ground, shelves: Shelves, node_key: Key, devices: Devices) -> Readings:
    piles = PileEnergy(shelves.sessions, shelves.stations)
    return Readings(
        ground.zone,
        ground.length,
        node_key,
        ground.clock,
        shelves.settlement,
        ground.chain.reader,
        sources=[devices.energy, piles.energy],
        estimates=[devices.estimate],
    )


def _top_ups(ground: Ground, shelves: Shelves) -> TopUps:
    rails = [SandboxRail()] if ground.settings.sandbox else []
    mint, currency = TokenMint(ground.chain), ground.settings.currency
    return TopUps(shelves.accounts, rails, mint, ground.clock, currency, minor_max=TOP_UP_MAX)


def _operations(
    ground: Ground,
    shelves: Shelves,
    node_key: Key,
    devices: Devices,
    sessions: Sessions,
    readings: Readings,
    top_ups: TopUps,
    receipts: Receipts,
) -> NodeOperations:
    return NodeOperations(
        zone=ground.zone,
        clock=ground.clock,
        chain=ground.chain,
        node_key=node_key,
        settlement=shelves.settlement,
        stations=shelves.stations,
        devices=devices.store,
        session_store=shelves.sessions,
        sessions=sessions,
        readings=readings,
        accounts=Accounts(shelves.accounts, ground.clock),
        top_ups=top_ups,
        receipts=receipts,
        ocpp_url=f"ws://{shown_host(ground.settings.host)}:{ground.settings.ocpp_port}/ocpp",
    )


def _sessions(ground: Ground, store: SessionDatabase, commands: PileCommands, receipts: Receipts) -> Sessions:
    chain, settings, hub = ground.chain, ground.settings, ground.hub

    def changed(session: Session) -> None:
        hub.publish(
            "session",
            {"session": session.session, "station": session.station, "evse": session.evse, "state": session.state}
            | {"wh": session.wh, "owed": session.owed, "paid": session.paid},
        )

    return Sessions(
        store,
        commands,
        ground.clock,
        domain=channels_domain(chain.deployment.chain_id, chain.contracts.address("Channels")),
        payee=ground.folder.key("payee").address,
        chain=ChannelContract(chain),
        mixes=receipts,
        rules=SessionRules(interval_length=ground.length, currency=settings.currency),
        factors=Co2Factors(grid=settings.co2_grid),
        changed=changed,
    )


def _info(ground: Ground) -> Callable[[], NodeInfo]:
    settings, deployment = ground.settings, ground.chain.deployment
    payee, node_signer = ground.folder.key("payee").address, ground.folder.key("node").address

    def info() -> NodeInfo:
        return NodeInfo(
            chain_id=deployment.chain_id,
            contracts=dict(deployment.addresses),
            zone=deployment.zone,
            tree=deployment.tree,
            interval_length=ground.length,
            payee=payee,
            node_signer=node_signer,
            rpc="",
            members=settings.members,
            currency=settings.currency,
            seats=len(deployment.seats),
            engine=settings.engine,
            operator=ground.runs_by,
            now=ground.clock.now(),
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
