"""A batch: what one interval comes to, in the bytes the council signs and `EnergyMarket` checks.

The digest is the EIP-712 hash of `Batch`; each batch names the digest before it, so a zone's batches form a chain. It
commits the rows and the four totals at the price, and rows stand best first, so every fill follows from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sunpile.basics.errors import BatchInvalid
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address, PointId, ZoneId
from sunpile.basics.tariff import Tariff
from sunpile.basics.typed_data import Domain, Struct
from sunpile.basics.units import MicroPerKwh, Wh

BATCH = Struct(
    "Batch",
    (
        ("zone", "uint32"),
        ("interval", "uint32"),
        ("round", "uint32"),
        ("price", "uint64"),
        ("buyAbove", "uint64"),
        ("buyAt", "uint64"),
        ("sellBelow", "uint64"),
        ("sellAt", "uint64"),
        ("tariff", "uint256"),
        ("witnessRoot", "bytes32"),
        ("rows", "bytes32"),
        ("previous", "bytes32"),
    ),
)
LATE = Struct(
    "Late",
    (
        ("zone", "uint32"),
        ("interval", "uint32"),
        ("round", "uint32"),
        ("tariff", "uint256"),
        ("witnessRoot", "bytes32"),
        ("rows", "bytes32"),
    ),
)
ROW_LIMIT = 2**32
"""Points and Wh have 32 bits in a row."""
ROWS_A_WORD = 4

Row = tuple[PointId, Wh]
"""A point and the magnitude of its netted energy [Wh], > 0."""


def market_domain(chain_id: int, market: Address) -> Domain:
    """The EIP-712 domain of readings, orders and batches: the `EnergyMarket` contract."""
    return Domain("sunpile", chain_id, market)


def tariff_word(tariff: Tariff) -> int:
    """A tariff as one 256-bit word, as the contract keeps it."""
    return tariff.retail << 144 | tariff.feed_in << 96 | tariff.buy_fee << 48 | tariff.sell_fee


def tariff_of(word: int) -> Tariff:
    """The tariff in a packed word."""
    fields = (MicroPerKwh(word >> shift & 2**48 - 1) for shift in (144, 96, 48, 0))
    return Tariff(*fields)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a batch: buyers, best limit first, then sellers, best limit first."""

    buyers: tuple[Row, ...]
    sellers: tuple[Row, ...]

    def __len__(self) -> int:
        return len(self.buyers) + len(self.sellers)

    def words(self) -> tuple[int, ...]:
        """Four rows a 256-bit word, the first in the highest bits, zeros behind the last.

        Raises
        ------
        BatchInvalid
            if a point or an energy does not fit.
        """
        packed: list[int] = []
        for point, wh in (*self.buyers, *self.sellers):
            if not (0 < point < ROW_LIMIT and 0 < wh < ROW_LIMIT):
                raise BatchInvalid(f"row of point {point}: {wh} Wh does not fit a row")
            packed.append(point << 32 | wh)
        packed += [0] * (-len(packed) % ROWS_A_WORD)
        groups = (packed[i : i + ROWS_A_WORD] for i in range(0, len(packed), ROWS_A_WORD))
        return tuple(a << 192 | b << 128 | c << 64 | d for a, b, c, d in groups)

    @classmethod
    def from_words(cls, words: Sequence[int], buyers: int, sellers: int) -> "Rows":
        """The rows in packed `words`, of which the first `buyers` buy and the next `sellers` sell.

        Raises
        ------
        BatchInvalid
            if the words are too few, too many or not padded with zeros.
        """
        packed = [word >> shift & 2**64 - 1 for word in words for shift in (192, 128, 64, 0)]
        count = buyers + sellers
        if len(packed) - count not in range(ROWS_A_WORD) or any(packed[count:]):
            raise BatchInvalid(f"rows: {len(words)} words do not hold {count} rows and zeros behind them")
        rows = [(PointId(row >> 32), Wh(row & 2**32 - 1)) for row in packed[:count]]
        return cls(tuple(rows[:buyers]), tuple(rows[buyers:]))

    def hash(self) -> bytes:
        """keccak256 of the two counts and the packed words."""
        head = len(self.buyers).to_bytes(32, "big") + len(self.sellers).to_bytes(32, "big")
        return keccak256(head + b"".join(word.to_bytes(32, "big") for word in self.words()))


@dataclass(frozen=True, slots=True)
class Header:
    """The first argument of `settle`, in the contract's order."""

    zone: ZoneId
    interval: int
    """Interval index."""
    round: int
    """How many times this interval was proposed before, from 0."""
    price: int
    """micro-currency per kWh."""
    buyers: int
    """Number of buyers' rows."""
    sellers: int
    """Number of sellers' rows."""
    buy_above: int
    """Energy of live buyers whose limit is above the price [Wh]."""
    buy_at: int
    """Energy of live buyers whose limit is the price [Wh]."""
    sell_below: int
    """Energy of live sellers whose limit is below the price [Wh]."""
    sell_at: int
    """Energy of live sellers whose limit is the price [Wh]."""
    tariff_index: int
    """Which published tariff holds in the interval."""
    witness_root: bytes
    """Merkle root of the signed readings, 32 bytes."""

    @property
    def volume(self) -> int:
        """Matched energy [Wh]."""
        return min(self.buy_above + self.buy_at, self.sell_below + self.sell_at)

    def abi(self) -> tuple[int | bytes, ...]:
        """The struct as the contract takes it."""
        groups = (self.buy_above, self.buy_at, self.sell_below, self.sell_at)
        counts = (self.buyers, self.sellers)
        return (
            self.zone,
            self.interval,
            self.round,
            self.price,
            *counts,
            *groups,
            self.tariff_index,
            self.witness_root,
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """One interval of one zone, ready to be signed."""

    header: Header
    rows: Rows
    tariff: Tariff
    """The tariff of the interval."""
    previous: bytes
    """Digest of the zone's batch before; 32 zero bytes for the first."""

    def struct_hash(self) -> bytes:
        """The batch digest: what `EnergyMarket.digestAt` keeps."""
        return batch_struct_hash(self.header, self.rows.hash(), self.tariff, self.previous)

    def digest(self, domain: Domain) -> bytes:
        """What seats sign."""
        return signed_digest(domain, self.struct_hash())


def batch_struct_hash(header: Header, rows_hash: bytes, tariff: Tariff, previous: bytes) -> bytes:
    """The batch digest from the hash of its rows: a shared receipt shows no rows."""
    values: Mapping[str, object] = {
        "zone": header.zone,
        "interval": header.interval,
        "round": header.round,
        "price": header.price,
        "buyAbove": header.buy_above,
        "buyAt": header.buy_at,
        "sellBelow": header.sell_below,
        "sellAt": header.sell_at,
        "tariff": tariff_word(tariff),
        "witnessRoot": header.witness_root,
        "rows": rows_hash,
        "previous": previous,
    }
    return BATCH.hash(values)


@dataclass(frozen=True, slots=True)
class LateBatch:
    """Wh that came too late for their interval's batch: settled at its tariff, grid only."""

    zone: ZoneId
    interval: int
    """Interval index the energy belongs to."""
    round: int
    """How many late batches this interval had before, from 0."""
    rows: Rows
    """Point rising on each side."""
    tariff_index: int
    tariff: Tariff
    """The tariff of `interval`."""
    witness_root: bytes

    def struct_hash(self) -> bytes:
        """The late batch's digest."""
        return LATE.hash(
            {
                "zone": self.zone,
                "interval": self.interval,
                "round": self.round,
                "tariff": tariff_word(self.tariff),
                "witnessRoot": self.witness_root,
                "rows": self.rows.hash(),
            }
        )

    def digest(self, domain: Domain) -> bytes:
        """What seats sign."""
        return signed_digest(domain, self.struct_hash())


def signed_digest(domain: Domain, struct_hash: bytes) -> bytes:
    """keccak256(0x1901 || separator || struct hash)."""
    return keccak256(b"\x19\x01" + domain.separator + struct_hash)
