"""What people may ask of a node: the write side behind API and command line (`people.ports.Operations`)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sunpile.basics.errors import Conflict, Forbidden, Inconsistent, NotFound
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address, DriverId, EvseId, PointId, SessionId, StationId, ZoneId
from sunpile.basics.keys import Key
from sunpile.basics.pile import connector_number, text32
from sunpile.basics.ports import Clock
from sunpile.basics.reading import SignedReading
from sunpile.basics.units import Wh, money
from sunpile.money.accounts import Accounts
from sunpile.money.topups import TopUps
from sunpile.people.wishes import (
    ActiveSession,
    ChannelWish,
    DepositWish,
    DriverCard,
    OrderWish,
    PileCard,
    PileWish,
    PointWish,
    Quote,
    ReadingResult,
    StartResult,
    TariffWish,
    TopUpResult,
    TopUpWish,
)
from sunpile.sessions.ports import Authorisation3009
from sunpile.sessions.service import Account, Sessions
from sunpile.settlement.ports import PointRecord
from sunpile.store.chargers import StationStore
from sunpile.store.sessions import SessionDatabase
from sunpile.store.settlement import SettlementStore
from sunpile.store.solar import DeviceStore
from sunpile.wiring.chain_side import ChainSide
from sunpile.wiring.readings import Readings
from sunpile.wiring.receipts import Receipts


@dataclass
class NodeOperations:
    """Implements `Operations`. Everything it answers is durable; everything on chain happens once per content."""

    zone: ZoneId
    clock: Clock
    chain: ChainSide
    node_key: Key
    settlement: SettlementStore
    stations: StationStore
    devices: DeviceStore
    session_store: SessionDatabase
    sessions: Sessions
    readings: Readings
    accounts: Accounts
    top_ups: TopUps
    receipts: Receipts
    ocpp_url: str
    """URL of the piles' door, without the identity."""

    # -- market -------------------------------------------------------------------------------------------------

    async def add_readings(self, readings: Sequence[SignedReading]) -> list[ReadingResult]:
        """Readings that meters push."""
        with self.clock.work():
            answers = await self.readings.take(readings)
        return [
            ReadingResult(item.reading.point, item.reading.interval, answer.status.value, answer.reason)
            for item, answer in zip(readings, answers, strict=True)
        ]

    async def place_order(self, order: OrderWish) -> None:
        """Hand a signed order to the chain."""
        with self.clock.work():
            args = (order.point, order.buy, order.sell, order.max_wh, order.until, order.nonce, order.deadline)
            await self._relay("order", "EnergyMarket", "placeOrderSigned", *args, *vrs(order.signature))

    async def deposit(self, deposit: DepositWish) -> None:
        """Hand a signed deposit to the chain."""
        with self.clock.work():
            args = (deposit.point, deposit.sender, deposit.amount, deposit.valid_after, deposit.valid_before)
            signature = vrs(deposit.signature)
            await self._relay("deposit", "EnergyMarket", "depositWithAuthorization", *args, deposit.nonce, *signature)

    async def publish_tariff(self, tariff: TariffWish) -> None:
        """Publish a tariff as the tree's source."""
        with self.clock.work():
            args = (tariff.from_interval, tariff.retail, tariff.feed_in, tariff.buy_fee, tariff.sell_fee)
            tree = self.chain.deployment.tree
            await self.chain.send(
                "operator", f"tariff:{tree}:{tariff.from_interval}", "Registry", "publishTariff", tree, *args
            )

    async def receipt(self, zone: ZoneId, interval: int, point: PointId, full: bool) -> Mapping[str, Any] | None:
        """The receipt of a point."""
        return await self.receipts.receipt(zone, interval, point, full)

    # -- points and piles -----------------------------------------------------------------------------------------

    async def register_point(self, point: PointWish) -> PointId:
        """Register a metering point on chain, keep it, and poll its devices."""
        if point.zone != self.zone:
            raise NotFound(f"zone {point.zone} is not run by this node; it runs zone {self.zone}")
        with self.clock.work():
            meter_key = point.meter_key or self.node_key.address
            commitment = keccak256(self.node_key.secret + repr(asdict(point)).encode())
            args = (point.zone, point.owner, meter_key, point.cap_wh, point.parent, commitment)
            receipt = await self.chain.send(
                "operator", f"point:{commitment.hex()[:60]}", "Registry", "registerPoint", *args
            )
            made = self.chain.events(receipt, "PointRegistered")
            if not made:
                raise Inconsistent("registerPoint made no PointRegistered event")
            index = PointId(int(made[0]["point"]))
            await self.settlement.put_point(
                PointRecord(
                    point=index,
                    zone=self.zone,
                    kind=point.kind,
                    owner=Address(point.owner.lower()),
                    meter_key=Address(meter_key.lower()),
                    node_signs=point.meter_key is None,
                    parent=PointId(point.parent) if point.parent else None,
                    cap=Wh(point.cap_wh),
                    label=point.label,
                    x=point.x,
                    y=point.y,
                )
            )
            for number, device in enumerate(point.devices):
                where = (device.kind, device.host, device.port, device.unit, device.max_w)
                await self.devices.put(f"{index}-{number}", index, *where)
        return index

    async def register_pile(self, pile: PileWish) -> PileCard:
        """Register a station: its EVSEs on chain, signed by their owner, and its password here."""
        with self.clock.work():
            for (_, point), signature in zip(pile.evses, pile.signatures, strict=True):
                await self._register_plate(pile, point, signature)
            try:
                password = await self.stations.add(pile.station, pile.max_w, pile.evses)
            except Conflict:
                # The same wish again, its answer lost: the installer needs a password that works.
                if await self._evses_of(pile.station) != dict(pile.evses):
                    raise
                password = await self.stations.renew_password(pile.station)
            for evse, _ in pile.evses:
                await self.session_store.set_price(StationId(pile.station), EvseId(evse), pile.price)
        return PileCard(self.ocpp_url, pile.station, password)

    async def _register_plate(self, pile: PileWish, point: int, signature: bytes) -> None:
        owner = await self.chain.contracts.call(self.chain.engine.rpc, "Registry", "ownerOf", point)
        if owner.lower() != pile.owner.lower():
            raise Forbidden(f"point {point} belongs to another owner")
        content = keccak256(signature).hex()[:60]
        plate = (text32(pile.place), connector_number(pile.connector), text32(pile.model), pile.price)
        known = await self.chain.contracts.call(self.chain.engine.rpc, "Registry", "pileOf", point)
        if (known["place"], known["connector"], known["model"], known["price"]) == plate:
            return
        nonce = await self.chain.contracts.call(self.chain.engine.rpc, "Registry", "nonceOf", point) + 1
        args = (point, *plate, nonce, pile.deadline, *vrs(signature))
        await self.chain.send("operator", f"pile:{content}", "Registry", "registerPile", *args)

    async def _evses_of(self, station: str) -> dict[int, int]:
        points = await self.stations.points()
        return {int(evse): int(point) for (name, evse), point in points.items() if name == station}

    # -- drivers ----------------------------------------------------------------------------------------------------

    async def create_driver(self, id_token: str | None) -> DriverCard:
        """Open an account."""
        with self.clock.work():
            try:
                account, api_key = await self.accounts.open(id_token)
            except Conflict:
                if id_token is None:
                    raise
                # The same wish again, its answer lost: whoever issues the card needs a key that works.
                account, api_key = await self.accounts.reopen(id_token)
        return DriverCard(account.driver, api_key)

    async def top_up(self, top_up: TopUpWish) -> TopUpResult:
        """Money in."""
        with self.clock.work():
            driver = DriverId(top_up.driver) if top_up.driver else None
            done = await self.top_ups.begin(
                top_up.rail, top_up.minor, Address(top_up.address.lower()), driver, top_up.reference
            )
        return TopUpResult(done.reference, done.nano, done.state)

    async def quote(self, station: str, evse: int) -> Quote:
        """The price before the start, beside the grid's now."""
        found = await self.sessions.quote(StationId(station), EvseId(evse))
        pile = await self.session_store.look(lambda desk: desk.pile(StationId(station), EvseId(evse)))
        step = self.sessions.rules.step_wh
        return Quote(
            station=station,
            evse=evse,
            status=pile.status if pile else "",
            price=found.price,
            grid_price=await self.receipts.retail_now(),
            step_wh=step,
            step_nano=money(step, found.price),
        )

    async def open_channel(self, driver: DriverId, channel: ChannelWish) -> str:
        """Open a payment channel."""
        with self.clock.work():
            name = await self.sessions.open_channel(
                driver,
                Address(channel.payer.lower()),
                Address(channel.signer.lower()),
                channel.deposit,
                channel.salt,
                Authorisation3009(channel.valid_after, channel.valid_before, channel.signature),
            )
        return "0x" + name.hex()

    async def remote_start(self, driver: DriverId, station: str, evse: int) -> StartResult:
        """Ask a pile to start."""
        with self.clock.work():
            account = await self.accounts.account(driver)
            started = await self.sessions.remote_start(driver, account.id_token, StationId(station), EvseId(evse))
        return StartResult(started.status, station, evse)

    async def remote_stop(self, driver: DriverId, session: str) -> None:
        """Ask a pile to stop."""
        with self.clock.work():
            if await self.sessions.remote_stop(driver, SessionId(session)) != "Accepted":
                raise Conflict("the pile did not accept the stop")

    async def active_session(self, driver: DriverId) -> ActiveSession | None:
        """A driver's session under way."""
        account = await self.sessions.active(driver)
        return active_session(account) if account else None

    async def accept_voucher(self, driver: DriverId, session: str, cumulative: int, signature: bytes) -> ActiveSession:
        """Pay on."""
        with self.clock.work():
            account = await self.sessions.accept_voucher(driver, SessionId(session), cumulative, signature)
        return active_session(account)

    async def session_receipt(self, session: str) -> Mapping[str, Any] | None:
        """The receipt of a closed session."""
        found = await self.sessions.receipt(SessionId(session))
        return asdict(found) if found else None

    async def _relay(self, kind: str, contract: str, function: str, *args: object) -> None:
        content = keccak256(self.chain.contracts.encode(contract, function, *args)).hex()[:60]
        await self.chain.send("operator", f"{kind}:{content}", contract, function, *args)


def vrs(signature: bytes) -> tuple[int, bytes, bytes]:
    """A 65-byte signature as (v, r, s)."""
    return signature[64], signature[:32], signature[32:64]


def active_session(account: Account) -> ActiveSession:
    """A session under way, as its driver sees it."""
    session = account.session
    return ActiveSession(
        session=session.session,
        state=session.state,
        wh=session.wh,
        owed=session.owed,
        paid=session.paid,
        due_cumulative=account.due_cumulative,
        channel="0x" + session.channel.hex() if session.channel else None,
        price=session.price,
    )
