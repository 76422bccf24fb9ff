"""A node: every port joined to its adapter, started in order, stopped in the opposite one."""

import asyncio
import contextlib
import logging
import socket
from dataclasses import dataclass, field, replace
from functools import partial

from sunpile.basics.errors import SettingInvalid
from sunpile.money.accounts import Accounts
from sunpile.people.api.app import create_app
from sunpile.people.ports import ApiSettings
from sunpile.settings import NodeSettings
from sunpile.store.database import Database
from sunpile.store.people import StoreView
from sunpile.store.schema import upgrade
from sunpile.wiring import off_market
from sunpile.wiring.chain_side import ChainSide, engine_for
from sunpile.wiring.clock import TownClock
from sunpile.wiring.doors import Doors, SharedStations
from sunpile.wiring.energy import MarketEnergy
from sunpile.wiring.folder import Folder
from sunpile.wiring.ground import Ground, clock_for, ocpp_url
from sunpile.wiring.market_side import MarketSide, Trade
from sunpile.wiring.serving import Serving, listen
from sunpile.wiring.station_side import StationSide

log = logging.getLogger("sunpile.node")


@dataclass
class Node:
    """The parts of a running node."""

    ground: Ground
    stations: StationSide
    market: MarketSide | None
    """None with `market = off`."""
    serving: Serving
    doors: Doors | None = None
    """Other processes with stations' sockets; None without `shared`."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    async def start(self) -> None:
        """Listen and go on where an earlier process stopped."""
        if self.market is not None:
            await self.market.start(self.stations)
        await self.stations.start()
        await self.serving.start()
        jobs = self.stations.jobs() | (self.market.jobs() if self.market is not None else {})
        jobs |= self.doors.jobs() if self.doors is not None else {}
        self.tasks += [asyncio.create_task(job, name=name) for name, job in jobs.items()]
        if isinstance(self.ground.clock, TownClock):
            self.ground.clock.ready()

    async def run(self) -> None:
        """Until cancelled, or a job of the node fails."""
        done, _ = await asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            log.error("%s ended", task.get_name())
            task.result()

    async def stop(self) -> None:
        """End everything; nothing acknowledged is lost, however this ends."""
        self.ground.hub.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.serving.stop()
        await self.stations.stop()
        if self.doors is not None:
            await self.doors.stop()
        if self.market is not None:
            await self.market.stop()
        self.ground.database.close()


async def open_node(settings: NodeSettings) -> Node:
    """Join all parts of a node; nothing listens yet, but the chain runs where there is one."""
    if settings.shared and settings.trades:
        raise SettingInvalid("shared", "true", "false where market = on: a market has one process")
    folder = Folder(settings.folder)
    deployment = folder.deployment() if settings.trades else None
    sock = listen(settings.host, settings.http_port, "page and API")
    clock = await clock_for(settings)
    database = Database(folder.database_url(settings.database), settings.shared)
    upgrade(database.engine)
    ground = Ground.open(settings, folder, clock, database)
    if deployment is None:
        return await _station_node(ground, sock)
    engine = engine_for(settings, folder, clock)
    await engine.start()
    try:
        return await _market_node(ground, ChainSide.open(engine, clock, deployment, folder, database), sock)
    except BaseException:
        with contextlib.suppress(Exception):
            await engine.stop()
        raise


async def _market_node(ground: Ground, chain: ChainSide, sock: socket.socket) -> Node:
    trade = await Trade.open(ground, chain)
    view = StoreView(ground.database, ground.board, trade.info)
    energy = MarketEnergy(view, ground.board, ground.clock, trade.length)
    stations = StationSide.open(ground, trade.length, trade.payment(), energy)
    market = MarketSide.open(trade, stations)
    routers, door = stations.routers(), stations.staff.door
    app = create_app(market.view, market.operations, market.rpc, ground.hub, _api_settings(ground), routers, door)
    return Node(ground, stations, market, Serving(app, sock))


async def _station_node(ground: Ground, sock: socket.socket) -> Node:
    doors = None
    if ground.settings.shared:
        doors = Doors(ground.database, ground.clock, "node")
        ground = replace(ground, stations=SharedStations(ground.database, doors))
        await doors.begin()
    stations = StationSide.open(ground, ground.settings.interval_length, payment=None)
    operations = off_market.StationOperations(
        clock=ground.clock,
        stations=ground.stations,
        session_store=ground.sessions,
        sessions=stations.sessions,
        accounts=Accounts(ground.accounts, ground.clock),
        ocpp_url=ocpp_url(ground.settings),
    )
    view = StoreView(ground.database, ground.board, partial(off_market.info, ground))
    routers, door = stations.routers(), stations.staff.door
    app = create_app(view, operations, off_market.NoRpc(), ground.hub, _api_settings(ground), routers, door)
    if doors is not None:
        stations.join(doors)
    return Node(ground, stations, None, Serving(app, sock), doors=doors)


def _api_settings(ground: Ground) -> ApiSettings:
    return ApiSettings(
        admin_token=ground.folder.admin_token(),
        open_town=ground.settings.open_town,
        rpc_open=ground.settings.rpc_open,
        time_zone=ground.settings.time_zone,
        market=ground.settings.trades,
    )
