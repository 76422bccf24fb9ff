"""Store = chain: every batch, every balance, every account, recomputed from what the store has and compared.

A point's balance is its deposits less withdrawals plus its bills, less what stayed unpaid; the utility's account, the
fee pool and the council's rewards follow from events. One nano or one Wh of difference is found.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sunpile.basics.ids import ZoneId
from sunpile.chain import ChainEvent, Contracts
from sunpile.chain.contracts import Read
from sunpile.chain.ports import EventBook
from sunpile.chain.rpc import Rpc
from sunpile.people.cli.commands import Difference
from sunpile.settlement.ports import PointRecord
from sunpile.store.settlement import SettlementStore
from sunpile.wiring.market_reader import MarketReader

PAGE = 5000
LOOKS_AGAIN = 2
LOOK_SECONDS = 1.0


@dataclass
class Books:
    """What the events of the chain come to."""

    deposits: dict[int, int] = field(default_factory=lambda: defaultdict[int, int](int))
    """Nano put in less taken out, by point."""
    owed_paid: dict[bytes, int] = field(default_factory=dict[bytes, int])
    """Digests of owed batches that were paid."""
    owed: dict[tuple[int, int, bool], bytes] = field(default_factory=dict[tuple[int, int, bool], bytes])
    """(interval, round, late) of batches that wait for the utility."""
    utility: int = 0
    """Nano on the utility's account."""
    fees: int = 0
    """Nano in the fee pool."""
    settled: dict[int, bytes] = field(default_factory=dict[int, bytes])
    """Digest by interval."""
    unpaid: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict[tuple[int, int], int](int))
    """Nano by (point, interval)."""

    def add(self, event: ChainEvent, zone: int, tree: int) -> None:
        """Take one event of `EnergyMarket`."""
        args, name = event.args, event.event
        if name == "Deposited":
            self.deposits[args["point"]] += args["amount"]
        elif name == "Withdrawn":
            self.deposits[args["point"]] -= args["amount"]
        elif name == "UtilityDeposited" and args["tree"] == tree:
            self.utility += args["amount"]
        elif name == "UtilityWithdrawn" and args["tree"] == tree:
            self.utility -= args["amount"]
        elif name == "RewardPaid":
            self.fees -= args["amount"]
        elif name == "Unpaid":
            self.unpaid[args["point"], args["interval"]] += args["nano"]
        elif name in ("BatchSettled", "LateSettled") and args["zone"] == zone:
            self._settled(args, late=name == "LateSettled")
        elif name == "OwedPaid" and args["zone"] == zone:
            self.utility -= args["nano"]
            self.owed_paid[bytes.fromhex(args["digest"][2:])] = args["nano"]

    def _settled(self, args: dict[str, object], late: bool) -> None:
        interval, round_, digest = int(str(args["interval"])), int(str(args["round"])), str(args["digest"])
        self.utility += int(str(args["gridIncome"])) - (0 if args["owed"] else int(str(args["gridCost"])))
        if args["owed"]:
            self.owed[interval, round_, late] = bytes.fromhex(digest[2:])
        if not late:
            self.fees += int(str(args["fees"]))
            self.settled[interval] = bytes.fromhex(digest[2:])

    def waits(self, interval: int, round_: int, late: bool) -> bool:
        """The batch's feed-in is still owed."""
        digest = self.owed.get((interval, round_, late))
        return digest is not None and digest not in self.owed_paid


@dataclass
class Reconciler:
    """Compares a node's store with its chain."""

    zone: ZoneId
    tree: int
    store: SettlementStore
    events: EventBook
    contracts: Contracts
    rpc: Rpc
    reader: MarketReader

    async def differences(self) -> list[Difference]:
        """Everything that is not equal; empty if all is well.

        A node that runs changes store and chain one after the other, so what differs is looked at again: a real
        difference stays the same.
        """
        found = await self._look()
        for _ in range(LOOKS_AGAIN if found else 0):
            await asyncio.sleep(LOOK_SECONDS)
            again = await self._look()
            found = [difference for difference in found if difference in again]
        return found

    async def _look(self) -> list[Difference]:
        books = await self._books()
        records = await self.store.points()
        found = await self._points(records)
        found += await self._batches(books)
        found += await self._balances(books, records)
        found += await self._accounts(books, records)
        return found

    async def _books(self) -> Books:
        books, after = Books(), -1
        while True:
            page = await self.events.events(None, after, PAGE)
            # A page may end inside a block: its last block is read again with the next one, so leave it out here.
            whole = page if len(page) < PAGE else [event for event in page if event.block < page[-1].block]
            for event in whole:
                if event.contract == "EnergyMarket":
                    books.add(event, self.zone, self.tree)
            if len(page) < PAGE:
                return books
            after = whole[-1].block

    async def _points(self, records: Sequence[PointRecord]) -> list[Difference]:
        count = await self.contracts.call(self.rpc, "Registry", "pointCount")
        found = _compare("number of metering points", len(records), count)
        infos = await self.contracts.call_many(
            self.rpc, [("Registry", "pointInfo", (record.point,)) for record in records]
        )
        for record, info in zip(records, infos, strict=True):
            stored = (record.owner, record.zone, record.parent or 0, record.cap)
            on_chain = (info["owner"].lower(), info["zone"], info["parent"], info["cap"])
            found += _compare(f"point {record.point}", stored, on_chain)
        return found

    async def _batches(self, books: Books) -> list[Difference]:
        found: list[Difference] = []
        batches = {batch.interval: batch for batch in await self.store.settled(self.zone)}
        reads: list[Read] = [("EnergyMarket", "digestAt", (self.zone, interval)) for interval in batches]
        on_chain = dict(zip(batches, await self.contracts.call_many(self.rpc, reads), strict=True))
        for interval in sorted(batches.keys() | books.settled.keys()):
            batch = batches.get(interval)
            stored = batch.digest.hex() if batch else "no batch"
            found += _compare(f"digest of interval {interval}", stored, on_chain.get(interval, b"").hex() or "a batch")
            found += _compare(
                f"BatchSettled of interval {interval}", stored, books.settled.get(interval, b"").hex() or "no event"
            )
        return found

    async def _balances(self, books: Books, records: Sequence[PointRecord]) -> list[Difference]:
        expected: dict[int, int] = defaultdict(int, books.deposits)
        unpaid: dict[tuple[int, int], int] = defaultdict(int)
        withheld = await self._withheld(books)
        for bill in await self.store.bills(zone=self.zone):
            expected[bill.point] += bill.nano + bill.unpaid - withheld.get((bill.interval, bill.point, bill.kind), 0)
            if bill.unpaid:
                unpaid[bill.point, bill.interval] += bill.unpaid
        balances = await self.reader.balances([record.point for record in records])
        found: list[Difference] = []
        for point, balance in balances.items():
            found += _compare(f"balance of point {point} [nano]", expected[point], balance)
        for place in sorted(unpaid.keys() | books.unpaid.keys()):
            found += _compare(f"unpaid of (point, interval) {place} [nano]", unpaid[place], books.unpaid[place])
        return found

    async def _withheld(self, books: Books) -> dict[tuple[int, int, str], int]:
        """Feed-in of owed batches, which nobody has been credited yet, by (interval, point, kind)."""
        withheld: dict[tuple[int, int, str], int] = {}
        for interval, round_, late in books.owed:
            if not books.waits(interval, round_, late):
                continue
            kind = "late" if late else "batch"
            feed_in = (await self.reader.facts(self.zone, interval)).tariff.feed_in
            for bill in await self.store.bills(interval, interval, zone=self.zone):
                if bill.kind == kind and bill.grid_wh < 0:
                    withheld[interval, bill.point, kind] = -bill.grid_wh * feed_in
        return withheld

    async def _accounts(self, books: Books, records: Sequence[PointRecord]) -> list[Difference]:
        market = self.contracts.address("EnergyMarket")
        reads: list[Read] = [
            ("EnergyMarket", "utilityBalance", (self.tree,)),
            ("EnergyMarket", "feePool", ()),
            ("EnergyMarket", "held", ()),
            ("SettlementToken", "balanceOf", (market,)),
            ("SettlementToken", "totalSupply", ()),
            ("SettlementToken", "attestedReserve", ()),
        ]
        utility, fees, held, tokens, supply, reserve = await self.contracts.call_many(self.rpc, reads)
        balances = await self.reader.balances([record.point for record in records])
        found = _compare("utility account [nano]", books.utility, utility)
        found += _compare("fee pool [nano]", books.fees, fees)
        found += _compare("sum of all accounts [nano]", sum(balances.values()) + utility + fees, held)
        if tokens < held:
            found.append(Difference("tokens the market holds [nano]", f"at least {held}", str(tokens)))
        if supply > reserve:
            found.append(Difference("token supply [nano]", f"at most the reserve {reserve}", str(supply)))
        return found


def _compare(what: str, store: object, chain: object) -> list[Difference]:
    return [] if store == chain else [Difference(what, str(store), str(chain))]
