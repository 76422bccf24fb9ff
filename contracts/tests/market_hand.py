"""A hand that plays the market in tests: a town on the contracts with the model beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boa
from boa import BoaError
from eth_abi import decode
from eth_utils import keccak
from model.clearing import Clearing, Row, Tariff
from model.market import FOREVER, Batch, Model
from roles import domain_of, role

SIDE_OFF = 1023
ROOT = keccak(text="witness")
ZERO = bytes(32)
ERROR = keccak(text="Error(string)")[:4]
TARIFF = Tariff(retail=300_000, feed_in=80_000, buy_fee=4_000, sell_fee=3_000)
RETAIL_CAP = 500_000
TOTALS = ("buyAbove", "buyAt", "sellBelow", "sellAt")
SEATS = [f"seat_{i}" for i in range(4)]
BATCH = (
    "uint32 zone,uint32 interval,uint32 round,uint64 price,"
    "uint64 buyAbove,uint64 buyAt,uint64 sellBelow,uint64 sellAt,uint256 tariff,"
    "bytes32 witnessRoot,bytes32 rows,bytes32 previous"
)
LATE = "uint32 zone,uint32 interval,uint32 round,uint256 tariff,bytes32 witnessRoot,bytes32 rows"
ORDER = "uint32 point,uint16 buy,uint16 sell,uint32 maxWh,uint32 until,uint64 nonce,uint64 deadline"


@contextmanager
def refused(contract: Any, reason: str) -> Iterator[None]:
    """The call inside must revert with exactly this reason."""
    try:
        yield
    except BoaError:
        said = reason_of(contract)
        assert said == reason, f"reverted with {said!r} and not with {reason!r}"
        return
    raise AssertionError(f"not refused; expected {reason!r}")


def reason_of(contract: Any) -> str:
    """What the contract's last call reverted with."""
    output = contract._computation.output
    return decode(["string"], output[4:])[0] if output[:4] == ERROR else f"no reason ({output.hex()})"


def pack(rows: list[tuple[int, int]]) -> list[int]:
    """Rows (point, Wh) as words of four."""
    lanes = [point << 32 | wh for point, wh in rows]
    lanes += [0] * (-len(lanes) % 4)
    return [lanes[i] << 192 | lanes[i + 1] << 128 | lanes[i + 2] << 64 | lanes[i + 3] for i in range(0, len(lanes), 4)]


def rows_hash(buyers: int, sellers: int, words: list[int]) -> bytes:
    """Hash of the rows, as the digest holds it."""
    return keccak(b"".join(number.to_bytes(32, "big") for number in (buyers, sellers, *words)))


@dataclass
class Proposal:
    """A batch as it is sent, every part open to change by a dishonest builder."""

    header: dict[str, Any]
    rows: list[tuple[int, int]]
    tariff: Tariff
    previous: bytes
    words: list[int] | None = None
    """Instead of the packed rows."""

    @property
    def packed(self) -> list[int]:
        return pack(self.rows) if self.words is None else self.words

    def struct(self) -> dict[str, Any]:
        """The values of the EIP-712 struct."""
        head = self.header
        return {
            "zone": head["zone"],
            "interval": head["interval"],
            "round": head["round"],
            "price": head["price"],
            # No seat can sign a total that the struct has no room for; the contract must refuse it before it looks.
            **{total: head[total] % 2**64 for total in TOTALS},
            "tariff": self.tariff.word,
            "witnessRoot": head["witnessRoot"],
            "rows": rows_hash(head["buyers"], head["sellers"], self.packed),
            "previous": self.previous,
        }

    def volume(self) -> int:
        """Matched Wh that follow from the totals."""
        head = self.header
        return min(head["buyAbove"] + head["buyAt"], head["sellBelow"] + head["sellAt"])


@dataclass
class Hand:
    """Contracts and model of one town. Every act is done on both."""

    token: Any
    council: Any
    registry: Any
    market: Any
    model: Model
    tariffs: dict[int, list[tuple[int, Tariff]]] = field(default_factory=dict)
    """Tree -> (first interval, tariff), rising."""
    nonce: int = 0

    # ------------------------------------------------------------ the town

    def time(self, now: int) -> None:
        """Move the clock of chain and model."""
        boa.env.timestamp = now
        self.model.now = now

    def at(self, zone: int, interval: int, second: int = 0) -> None:
        """Move the clock to a second of an interval."""
        self.time(interval * self.model.zones[zone].length + second)

    def tree(self, length: int = 900, retail_cap: int = RETAIL_CAP) -> int:
        utility, source = role("utility").address, role("admin").address
        tree = self.registry.createTree(length, retail_cap, utility, source, sender=role("admin").address)
        self.model.utility[tree] = 0
        return tree

    def publish(self, tree: int, first: int, tariff: Tariff = TARIFF) -> None:
        values = (tariff.retail, tariff.feed_in, tariff.buy_fee, tariff.sell_fee)
        self.registry.publishTariff(tree, first, *values, sender=role("admin").address)
        self.tariffs.setdefault(tree, []).append((first, tariff))

    def zone(self, tree: int, billed: bool = False) -> int:
        operator, certifier = role("zone_operator").address, role("certifier").address
        zone = self.registry.createZone(tree, operator, certifier, billed, sender=role("admin").address)
        length, cap = self.registry.treeOf(tree)[0], self.registry.treeOf(tree)[1]
        self.model.add_zone(zone, tree, length, cap, billed)
        return zone

    def point(self, zone: int, cap: int = 10_000, parent: int = 0) -> int:
        owner, key = role("point_owner").address, role("point_owner").address
        operator = role("zone_operator").address
        point = self.registry.registerPoint(zone, owner, key, cap, parent, ZERO, sender=operator)
        self.model.add_point(point, zone, cap)
        return point

    def tariff_of(self, zone: int, interval: int) -> tuple[int, Tariff]:
        """(index, tariff) in force."""
        entries = self.tariffs[self.model.zones[zone].tree]
        index = max(i for i, (first, _) in enumerate(entries) if first <= interval)
        return index, entries[index][1]

    # ---------------------------------------------------------------- money

    def mint(self, to: Any, amount: int) -> None:
        self.nonce += 1
        reference = b"hand" + self.nonce.to_bytes(28, "big")
        self.token.mint(to.address, amount, reference, sender=role("minter").address)
        self.token.approve(self.market.address, 2**256 - 1, sender=to.address)

    def deposit(self, point: int, amount: int) -> None:
        self.mint(role("holder"), amount)
        self.market.deposit(point, amount, sender=role("holder").address)
        self.model.deposit(point, amount)

    def deposit_utility(self, tree: int, amount: int) -> None:
        self.mint(role("utility"), amount)
        self.market.depositUtility(tree, amount, sender=role("utility").address)
        self.model.deposit_utility(tree, amount)

    # --------------------------------------------------------------- orders

    def place(
        self, point: int, buy: int | None = 500, sell: int | None = 500, max_wh: int = 10_000, until: int = FOREVER
    ) -> None:
        limits = [SIDE_OFF if limit is None else limit for limit in (buy, sell)]
        self.market.placeOrder(point, *limits, max_wh, until, sender=role("point_owner").address)
        self.model.place(point, buy, sell, max_wh, until)

    def cancel(self, point: int) -> None:
        self.market.cancelOrder(point, sender=role("point_owner").address)
        self.model.cancel(point)

    def request(self, point: int, amount: int) -> None:
        owner = role("point_owner").address
        self.market.requestWithdrawal(point, amount, owner, sender=owner)
        self.model.request(point, amount)

    def withdraw(self, point: int) -> None:
        assert self.market.withdraw(point, sender=role("stranger").address) == self.model.withdraw(point)

    # --------------------------------------------------------------- batches

    def propose(self, zone: int, interval: int, net: dict[int, int], round_: int = 0) -> tuple[Batch, Proposal]:
        """An honest batch from net Wh by point: as the model has it, and as it is sent."""
        index, tariff = self.tariff_of(zone, interval)
        batch = self.model.build(zone, interval, net, tariff)
        return batch, self.proposal_of(batch, index, round_)

    def proposal_of(self, batch: Batch, index: int, round_: int = 0) -> Proposal:
        clearing: Clearing = batch.clearing
        rows: list[Row] = clearing.buyers + clearing.sellers
        header = {
            "zone": batch.zone,
            "interval": batch.interval,
            "round": round_,
            "price": clearing.price,
            "buyers": len(clearing.buyers),
            "sellers": len(clearing.sellers),
            "buyAbove": clearing.buy_above,
            "buyAt": clearing.buy_at,
            "sellBelow": clearing.sell_below,
            "sellAt": clearing.sell_at,
            "tariffIndex": index,
            "witnessRoot": ROOT,
        }
        previous = self.market.lastDigest(batch.zone)
        return Proposal(header, [(row.point, row.wh) for row in rows], batch.tariff, previous)

    def owed_of(self, proposal: Proposal) -> tuple[Any, ...]:
        """What `payOwed` wants to know of a batch."""
        return False, tuple(proposal.header.values()), proposal.tariff.word, proposal.previous

    def sign(self, struct: str, members: str, values: dict, seats: list[int]) -> list[tuple[int, bytes, bytes]]:
        domain = domain_of(self.market, "sunpile")
        return [role(SEATS[seat]).sign(domain, struct, members, **values) for seat in seats]

    def send(self, proposal: Proposal, seats: list[int] | None = None) -> None:
        """Settle on chain, signed by all seats or by some."""
        seats = list(range(4)) if seats is None else seats
        signatures = self.sign("Batch", BATCH, proposal.struct(), seats)
        mask = sum(1 << seat for seat in seats)
        header = tuple(proposal.header.values())
        self.market.settle(header, proposal.packed, mask, signatures, sender=role("relayer").address)

    def settle(self, zone: int, interval: int, net: dict[int, int]) -> Batch:
        """An honest batch on chain and in the model."""
        batch, proposal = self.propose(zone, interval, net)
        self.send(proposal)
        self.model.settle(batch)
        return batch

    def late_header(self, batch: Batch, index: int, round_: int) -> tuple:
        counts = (len(batch.clearing.buyers), len(batch.clearing.sellers))
        return (batch.zone, batch.interval, round_, *counts, index, ROOT)

    def settle_late(self, zone: int, interval: int, net: dict[int, int], round_: int = 0) -> Batch:
        """Late Wh, on chain and in the model."""
        batch, index = self.late(zone, interval, net)
        self.send_late(batch, index, round_)
        self.model.settle_late(batch)
        return batch

    def late(self, zone: int, interval: int, net: dict[int, int]) -> tuple[Batch, int]:
        index, tariff = self.tariff_of(zone, interval)
        rows = [[Row(p, abs(wh), None) for p, wh in sorted(net.items()) if wh * sign > 0] for sign in (1, -1)]
        fills = dict.fromkeys(net, 0)
        return Batch(zone, interval, tariff, Clearing(0, 0, rows[0], rows[1], 0, 0, 0, 0, fills)), index

    def send_late(self, batch: Batch, index: int, round_: int = 0) -> None:
        buyers, sellers = batch.clearing.buyers, batch.clearing.sellers
        words = pack([(row.point, row.wh) for row in buyers + sellers])
        header = self.late_header(batch, index, round_)
        values = {
            "zone": batch.zone,
            "interval": batch.interval,
            "round": round_,
            "tariff": batch.tariff.word,
            "witnessRoot": ROOT,
            "rows": rows_hash(len(buyers), len(sellers), words),
        }
        signatures = self.sign("Late", LATE, values, [0, 1, 2])
        self.market.settleLate(header, words, 7, signatures, sender=role("relayer").address)

    # ---------------------------------------------------------------- checks

    def check(self, points: list[int] | None = None) -> None:
        """Chain and model agree on every balance (of all points or of some), and no money is lost or made."""
        for point in self.model.accounts if points is None else points:
            account = self.model.accounts[point]
            assert self.market.balanceOf(point) == account.balance, f"balance of point {point}"
        for tree, nano in self.model.utility.items():
            assert self.market.utilityBalance(tree) == nano, f"utility of tree {tree}"
        assert self.market.feePool() == self.model.fee_pool
        assert self.market.held() == self.model.held == self.model.total()
        assert self.token.balanceOf(self.market.address) == self.model.held

    def check_orders(self, interval: int, points: list[int] | None = None) -> None:
        """Chain and model agree on the orders in force in an interval."""
        points = list(self.model.accounts) if points is None else points
        words = self.market.ordersAt(points, interval)
        for point, word in zip(points, words, strict=True):
            account = self.model.accounts[point]
            order = account.order_at(interval)
            assert word >> 68 == (order is not None), f"point {point} in force: {account}"
            assert word & 0xFFFFFF == account.cap_at(interval), f"cap of point {point}"
            if order is not None:
                limits = [SIDE_OFF if limit is None else limit for limit in (order.buy, order.sell)]
                assert [word >> 58 & 1023, word >> 48 & 1023] == limits
                assert word >> 24 & 0xFFFFFF == order.max_wh

    def events(self, *names: str) -> list[tuple[Any, ...]]:
        """(name, values...) of the market's last call, in order."""
        logs = [log for log in self.market.get_logs() if type(log).__name__ in names]
        return [(type(log).__name__, *list(log)[1:]) for log in logs]

    def event(self, name: str) -> dict[str, Any]:
        """Values by name of the only event of that name in the market's last call."""
        (log,) = [log for log in self.market.get_logs() if type(log).__name__ == name]
        return log._asdict()
