"""Receipts of points, and where a pile's energy came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sunpile.basics.errors import ChainRefused
from sunpile.basics.ids import Address, PointId, ZoneId
from sunpile.basics.interval import Interval
from sunpile.basics.ports import Clock
from sunpile.basics.tariff import Tariff
from sunpile.basics.units import Wh
from sunpile.market import Clearing
from sunpile.sessions.receipt import SourceMix
from sunpile.settlement.batch import tariff_of
from sunpile.settlement.council import attest
from sunpile.settlement.proposal import Cleared, clear_interval
from sunpile.settlement.receipt import ChainPlace, Settled, make_receipt, receipt_to_json
from sunpile.store.settlement import SettlementStore, StoredBatch
from sunpile.wiring.chain_side import ChainSide

BATTERY = "battery"


@dataclass
class Receipts:
    """Makes receipts from what the store kept of settled batches."""

    zone: ZoneId
    length: int
    clock: Clock
    chain: ChainSide
    store: SettlementStore
    node_key: Address
    runs_by: str
    """Who runs the chain, in words."""

    async def receipt(self, zone: ZoneId, interval: int, point: PointId, full: bool) -> Mapping[str, Any] | None:
        """The receipt file of a point, full or shared; None if its interval is not settled."""
        stored = await self.store.batch(zone, interval)
        if stored is None or stored.state != "settled":
            return None
        return receipt_to_json(make_receipt(await self._settled(stored), point), shared=not full)

    async def _settled(self, stored: StoredBatch) -> Settled:
        deployment, batch = self.chain.deployment, stored.kept.proposal.batch
        seats = await self.chain.reader.seats_of(stored.interval, self.length)
        place = ChainPlace(
            chain_id=deployment.chain_id,
            market=self.chain.contracts.address("EnergyMarket"),
            registry=self.chain.contracts.address("Registry"),
            council=self.chain.contracts.address("Council"),
            code_hash=bytes.fromhex(deployment.code_hashes["EnergyMarket"][2:]),
            runs=self.runs_by,
            node_key=self.node_key,
        )
        return Settled(
            facts=stored.kept.facts,
            proposal=stored.kept.proposal,
            seats=seats,
            attestation=attest(seats, batch.digest(self.chain.reader.domain), stored.signatures),
            place=place,
            length=self.length,
        )

    async def retail_now(self) -> int:
        """What the grid takes for a kWh now [micro]; 0 before the first tariff."""
        interval = Interval.at(self.clock.now(), self.length).index
        try:
            tree = self.chain.deployment.tree
            _, word = await self.chain.contracts.call(self.chain.engine.rpc, "Registry", "tariffAt", tree, interval)
        except ChainRefused:
            return 0
        return tariff_of(word).retail

    async def mix(self, point: PointId, interval: Interval) -> SourceMix | None:
        """See `sessions.ports.SourceMixes`: sellers' fills pro rata, and what came from behind the same meter."""
        stored = await self.store.batch(self.zone, interval.index)
        if stored is None or stored.state != "settled":
            return None
        facts, proposal = stored.kept.facts, stored.kept.proposal
        included = {signed.reading.point: signed for signed in proposal.witness.readings}
        if point not in included:
            return None
        kinds = {record.point: record.kind for record in await self.store.points(self.zone)}
        return source_mix(point, included[point].reading.wh, clear_interval(facts, included), kinds, facts.tariff)


def source_mix(
    point: PointId, metered: Wh, cleared: Cleared, kinds: Mapping[PointId, str], tariff: Tariff
) -> SourceMix:
    """Sources of what `point` metered: own roof behind the meter, then neighbours pro rata, the rest is the grid's."""
    traded = max(cleared.netted[point], 0)
    matched = _fill(point, cleared)
    battery_sold, sold = _sold(cleared, kinds)
    from_battery = matched * battery_sold // sold if sold else 0
    own = max(metered - traded, 0)
    return SourceMix(
        roof=Wh(own + matched - from_battery), battery=Wh(from_battery), grid=Wh(traded - matched), retail=tariff.retail
    )


def _fill(point: PointId, cleared: Cleared) -> int:
    rows = zip(cleared.book.buyers.points.tolist(), cleared.clearing.buyer_fills.tolist(), strict=True)
    return dict(rows).get(point, 0)


def _sold(cleared: Cleared, kinds: Mapping[PointId, str]) -> tuple[int, int]:
    clearing: Clearing = cleared.clearing
    rows = list(zip(cleared.book.sellers.points.tolist(), clearing.seller_fills.tolist(), strict=True))
    return sum(fill for seller, fill in rows if kinds.get(PointId(seller)) == BATTERY), sum(fill for _, fill in rows)
