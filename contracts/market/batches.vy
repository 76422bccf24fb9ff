# pragma version 0.4.3
# pragma nonreentrancy on
# @license Apache-2.0
"""
@title Batches: their rows, their digests, who signed them
"""

from market import faults
from market import layout
from market import ledger
import typed_data

uses: ledger
uses: typed_data

BATCH_TYPE: constant(bytes32) = keccak256(
    "Batch(uint32 zone,uint32 interval,uint32 round,uint64 price,uint64 buyAbove,uint64 buyAt,uint64 sellBelow,uint64 sellAt,uint256 tariff,bytes32 witnessRoot,bytes32 rows,bytes32 previous)"
)
LATE_TYPE: constant(bytes32) = keccak256(
    "Late(uint32 zone,uint32 interval,uint32 round,uint256 tariff,bytes32 witnessRoot,bytes32 rows)"
)

MAX_ROWS: constant(uint256) = 2000
MAX_WORDS: constant(uint256) = 500
MAX_SEATS: constant(uint256) = 100
# The Wh of the four rows of a word.
LANES: constant(uint256) = 2**192 * layout.M32 + 2**128 * layout.M32 + 2**64 * layout.M32 + layout.M32

struct Header:
    zone: uint256
    interval: uint256
    # Counts the proposals for this interval.
    round: uint256
    # Micro per kWh; 0 where there is no band.
    price: uint256
    # Rows that import, and rows that export; buyers come first.
    buyers: uint256
    sellers: uint256
    # Wh of live buyers with a limit above the price, and at it.
    buyAbove: uint256
    buyAt: uint256
    # Wh of live sellers with a limit below the price, and at it.
    sellBelow: uint256
    sellAt: uint256
    tariffIndex: uint256
    witnessRoot: bytes32

struct Signature:
    v: uint256
    r: bytes32
    s: bytes32

lastDigest: public(reentrant(HashMap[uint256, bytes32]))
digestAt: public(reentrant(HashMap[uint256, HashMap[uint256, bytes32]]))
# The digests of batches whose grid-sold Wh wait for the utility account.
owed: HashMap[bytes32, bool]


@internal
@pure
def _check_rows(rows: DynArray[uint256, MAX_WORDS], buyers: uint256, sellers: uint256) -> (uint256, bytes32):
    """
    @return Wh of all rows; keccak256(buyers, sellers, words)
    """
    faults._require(buyers <= MAX_ROWS and sellers <= MAX_ROWS - buyers, "rows: too many")
    count: uint256 = buyers + sellers
    faults._require(len(rows) == (count + 3) >> 2, "rows: wrong count")
    if count & 3 != 0:
        faults._require(rows[len(rows) - 1] << (64 * (count & 3)) == 0, "rows: padding is not zero")
    # Four sums side by side; none can reach 64 bits.
    lanes: uint256 = 0
    for word: uint256 in rows:
        lanes = unsafe_add(lanes, word & LANES)
    total: uint256 = (lanes >> 192) + ((lanes >> 128) & layout.M64)
    total += ((lanes >> 64) & layout.M64) + (lanes & layout.M64)
    words: Bytes[32 * MAX_WORDS + 64] = abi_encode(rows)
    return total, keccak256(
        concat(convert(buyers, bytes32), convert(sellers, bytes32), slice(words, 64, 32 * len(rows)))
    )


@internal
@pure
def _volume(header: Header) -> uint256:
    return min(unsafe_add(header.buyAbove, header.buyAt), unsafe_add(header.sellBelow, header.sellAt))


@internal
@pure
def _batch_digest(header: Header, tariff: uint256, rows_hash: bytes32, previous: bytes32) -> bytes32:
    """
    @return What `digestAt` keeps. The rows stand best first, so with the totals every fill follows from it.
    """
    return keccak256(
        abi_encode(
            BATCH_TYPE,
            header.zone,
            header.interval,
            header.round,
            header.price,
            header.buyAbove,
            header.buyAt,
            header.sellBelow,
            header.sellAt,
            tariff,
            header.witnessRoot,
            rows_hash,
            previous,
        )
    )


@internal
@pure
def _late_digest(
    zone: uint256, interval: uint256, round: uint256, tariff: uint256, witness_root: bytes32, rows_hash: bytes32
) -> bytes32:
    return keccak256(abi_encode(LATE_TYPE, zone, interval, round, tariff, witness_root, rows_hash))


@internal
@view
def _attest(
    struct_hash: bytes32, ended: uint256, mask: uint256, signatures: DynArray[Signature, MAX_SEATS]
) -> uint256:
    """
    @return The epoch in which the interval ended
    """
    epoch: uint256 = staticcall ledger.COUNCIL.epochOf(ended)
    seats: DynArray[address, MAX_SEATS] = staticcall ledger.COUNCIL.seatsAt(epoch)
    faults._require(mask >> len(seats) == 0, "council: no such seat")
    digest: bytes32 = typed_data._digest(struct_hash)
    count: uint256 = 0
    for i: uint256 in range(len(seats), bound=MAX_SEATS):
        if (mask >> i) & 1 == 1:
            faults._require(count < len(signatures), "council: a signature is missing")
            signature: Signature = signatures[count]
            # An invalid signature recovers the zero address, which is no seat.
            faults._require(
                ecrecover(digest, signature.v, signature.r, signature.s) == seats[i], "council: wrong signature"
            )
            count = unsafe_add(count, 1)
    faults._require(count == len(signatures), "council: a signature too many")
    faults._require(count >= staticcall ledger.COUNCIL.quorum(epoch), "council: no quorum")
    return epoch


@internal
def _book_grid(tree: uint256, income: uint256, cost: uint256, digest: bytes32) -> bool:
    """
    Books the grid's side of a batch on the utility account.
    @return True if the account cannot cover the cost: nothing of it is credited now
    """
    if income == 0 and cost == 0:
        return False
    balance: uint256 = ledger.utilityBalance[tree] + income
    if balance >= cost:
        ledger.utilityBalance[tree] = unsafe_sub(balance, cost)
        return False
    ledger.utilityBalance[tree] = balance
    self.owed[digest] = True
    ledger.owedTotal[tree] += cost
    return True
