"""The part of a node that trades: chain, meters, interval loop, council, money in."""

from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from typing import Any

from sunpile.basics.ids import ZoneId
from sunpile.basics.keys import Key
from sunpile.chain import RpcProxy
from sunpile.money.accounts import Accounts
from sunpile.money.topups import SandboxRail, TopUps
from sunpile.people.feed import EventHub
from sunpile.people.reads import NodeInfo
from sunpile.sessions.voucher import channels_domain
from sunpile.store.chain import Events
from sunpile.store.people import StoreView
from sunpile.store.settlement import SettlementStore
from sunpile.wiring.chain_side import ChainSide
from sunpile.wiring.channel_chain import ChannelContract, ChannelWatch, TokenMint
from sunpile.wiring.council_client import CouncilClient
from sunpile.wiring.devices import Devices
from sunpile.wiring.ground import Ground, ocpp_url
from sunpile.wiring.interval_loop import IntervalLoop
from sunpile.wiring.operations import NodeOperations
from sunpile.wiring.piles import PileEnergy
from sunpile.wiring.readings import Readings
from sunpile.wiring.receipts import Receipts
from sunpile.wiring.station_side import Payment, StationSide
from sunpile.wiring.view import NodeView

TOP_UP_MAX = 10**8
"""Largest top-up in minor units: a million of the currency."""


@dataclass(frozen=True)
class Trade:
    """What the market's parts share."""

    ground: Ground
    chain: ChainSide
    zone: ZoneId
    length: int
    """Interval length [s]."""
    runs_by: str
    """Who runs the chain, in words."""
    settlement: SettlementStore
    node_key: Key
    receipts: Receipts

    @classmethod
    async def open(cls, ground: Ground, chain: ChainSide) -> "Trade":
        """Read what is deployed."""
        zone = ZoneId(chain.deployment.zone)
        length, health = await chain.reader.length_of(zone), await chain.engine.health()
        settlement, node_key = SettlementStore(ground.database), ground.folder.key("node")
        receipts = Receipts(zone, length, ground.clock, chain, settlement, node_key.address, health.runs_by)
        return cls(ground, chain, zone, length, health.runs_by, settlement, node_key, receipts)

    def payment(self) -> Payment:
        """How drivers pay: by the contract's channels."""
        deployment = self.chain.deployment
        return Payment(
            domain=channels_domain(deployment.chain_id, self.chain.contracts.address("Channels")),
            payee=self.ground.folder.key("payee").address,
            chain=ChannelContract(self.chain),
            mixes=self.receipts,
        )

    def info(self) -> NodeInfo:
        """What a client needs before its first signature."""
        settings, deployment = self.ground.settings, self.chain.deployment
        return NodeInfo(
            chain_id=deployment.chain_id,
            contracts=dict(deployment.addresses),
            zone=deployment.zone,
            tree=deployment.tree,
            interval_length=self.length,
            payee=self.ground.folder.key("payee").address,
            node_signer=self.node_key.address,
            rpc="",
            members=settings.members,
            currency=settings.currency,
            seats=len(deployment.seats),
            engine=settings.engine,
            operator=self.runs_by,
            now=self.ground.clock.now(),
        )


@dataclass
class MarketSide:
    """Everything of a node that `market: off` leaves out."""

    trade: Trade
    view: NodeView
    devices: Devices
    council: CouncilClient
    loop: IntervalLoop
    top_ups: TopUps
    operations: NodeOperations
    rpc: RpcProxy

    @classmethod
    def open(cls, trade: Trade, stations: StationSide) -> "MarketSide":
        """Join the parts; the chain runs, nothing else does yet."""
        ground, settings = trade.ground, trade.ground.settings
        trade.chain.listeners.append(ChannelWatch(stations.sessions).hear)
        devices = Devices(ground.database, ground.board, ground.clock, trade.length, settings.live_poll)
        readings = _readings(trade, devices)
        council = CouncilClient(settings.members, trade.chain.reader.domain)
        view = NodeView(ground.database, ground.board, trade.info, trade.chain, trade.length)
        changed = Publisher(view, ground.hub, ground, trade.zone).changed
        loop = IntervalLoop(
            trade.zone,
            trade.length,
            settings.grace,
            ground.clock,
            trade.chain,
            trade.settlement,
            readings,
            council,
            changed,
        )
        top_ups = _top_ups(trade)
        operations = _operations(trade, stations, devices, readings, top_ups)
        return cls(trade, view, devices, council, loop, top_ups, operations, RpcProxy(trade.chain.engine))

    async def start(self, stations: StationSide) -> None:
        """Go on where an earlier process stopped."""
        await self.trade.chain.start()
        await self.trade.chain.index()
        await ChannelWatch(stations.sessions).recall(Events(self.trade.ground.database))

    def jobs(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs until the node stops."""
        return {
            "devices": self.devices.run(),
            "intervals": self.loop.run(),
            "top-ups": self.top_ups.run(),
            "chain": self.trade.chain.watch(),
        }

    async def stop(self) -> None:
        """Let go of council and chain."""
        await self.council.close()
        await self.trade.chain.stop()


def _readings(trade: Trade, devices: Devices) -> Readings:
    piles = PileEnergy(trade.ground.sessions, trade.ground.stations)
    return Readings(
        trade.zone,
        trade.length,
        trade.node_key,
        trade.ground.clock,
        trade.settlement,
        trade.chain.reader,
        sources=[devices.energy, piles.energy],
        estimates=[devices.estimate],
    )


def _top_ups(trade: Trade) -> TopUps:
    settings = trade.ground.settings
    rails = [SandboxRail()] if settings.sandbox else []
    mint = TokenMint(trade.chain)
    return TopUps(trade.ground.accounts, rails, mint, trade.ground.clock, settings.currency, minor_max=TOP_UP_MAX)


def _operations(
    trade: Trade, stations: StationSide, devices: Devices, readings: Readings, top_ups: TopUps
) -> NodeOperations:
    ground = trade.ground
    return NodeOperations(
        zone=trade.zone,
        clock=ground.clock,
        chain=trade.chain,
        node_key=trade.node_key,
        settlement=trade.settlement,
        stations=ground.stations,
        devices=devices.store,
        session_store=ground.sessions,
        sessions=stations.sessions,
        readings=readings,
        accounts=Accounts(ground.accounts, ground.clock),
        top_ups=top_ups,
        receipts=trade.receipts,
        ocpp_url=ocpp_url(ground.settings),
    )


@dataclass
class Publisher:
    """Tells live pages of batches and of time."""

    view: StoreView
    hub: EventHub
    ground: Ground
    zone: ZoneId

    async def changed(self, interval: int, state: str) -> None:
        """See `interval_loop.Changed`."""
        if not self.hub.listeners:
            return
        self.hub.publish("clock", {"now": self.ground.clock.now()})
        detail = await self.view.interval(self.zone, interval)
        if detail is not None and state == "settled":
            self.hub.publish("interval", asdict(detail.summary))
            self.hub.publish("batch", asdict(detail.batch))
