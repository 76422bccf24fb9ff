"""What people may ask of a node: the write side behind API and command line (`people.ports.Operations`)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sunpile.basics.errors import Conflict, Forbidden, Inconsistent, NotFound
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address, DriverId, EvseId, PointId, StationId, ZoneId
from sunpile.basics.keys import Key
from sunpile.basics.pile import connector_number, text32
from sunpile.basics.reading import SignedReading
from sunpile.basics.units import Wh
from sunpile.money.topups import TopUps
from sunpile.people.wishes import (
    DepositWish,
    OrderWish,
    PileCard,
    PileWish,
    PointWish,
    ReadingResult,
    TariffWish,
    TopUpResult,
    TopUpWish,
)
from sunpile.settlement.ports import PointRecord
from sunpile.store.settlement import SettlementStore
from sunpile.store.solar import DeviceStore
from sunpile.wiring.chain_side import ChainSide
from sunpile.wiring.driver_operations import DriverOperations
from sunpile.wiring.readings import Readings
from sunpile.wiring.receipts import Receipts


@dataclass
class NodeOperations(DriverOperations):
    """Implements `Operations`. Everything it answers is durable; everything on chain happens once per content."""

    zone: ZoneId
    chain: ChainSide
    node_key: Key
    settlement: SettlementStore
    devices: DeviceStore
    readings: Readings
    top_ups: TopUps
    receipts: Receipts

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
                profile = 2 if self.ocpp_url.startswith("wss:") else 1
                password = await self.stations.add(pile.station, pile.max_w, pile.evses, profile=profile)
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

    async def grid_price(self) -> int:
        """What the grid takes now."""
        return await self.receipts.retail_now()

    async def top_up(self, top_up: TopUpWish) -> TopUpResult:
        """Money in."""
        with self.clock.work():
            driver = DriverId(top_up.driver) if top_up.driver else None
            done = await self.top_ups.begin(
                top_up.rail, top_up.minor, Address(top_up.address.lower()), driver, top_up.reference
            )
        return TopUpResult(done.reference, done.nano, done.state)

    async def _relay(self, kind: str, contract: str, function: str, *args: object) -> None:
        content = keccak256(self.chain.contracts.encode(contract, function, *args)).hex()[:60]
        await self.chain.send("operator", f"{kind}:{content}", contract, function, *args)


def vrs(signature: bytes) -> tuple[int, bytes, bytes]:
    """A 65-byte signature as (v, r, s)."""
    return signature[64], signature[:32], signature[32:64]
