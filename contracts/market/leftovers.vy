# pragma version 0.4.3
# pragma nonreentrancy on
# @license Apache-2.0
"""
@title What settling leaves behind: Wh that came late, feed-in that is owed, intervals that nobody settled
"""

from interfaces import IEnergyMarket
from market import batches
from market import faults
from market import layout
from market import ledger
from market import standing

uses: batches
uses: ledger
uses: standing

struct LateHeader:
    zone: uint256
    interval: uint256
    round: uint256
    buyers: uint256
    sellers: uint256
    tariffIndex: uint256
    witnessRoot: bytes32

# What an owed batch said, so that its digest can be made again.
struct OwedBatch:
    late: bool
    # Of a late batch only the fields that its own header has.
    header: batches.Header
    # retail << 144 | feed-in << 96 | buy fee << 48 | sell fee
    tariff: uint256
    previous: bytes32

# Zone -> interval -> round -> digest
lateDigestAt: public(reentrant(HashMap[uint256, HashMap[uint256, HashMap[uint256, bytes32]]]))
# Point -> interval >> 8 -> bit per interval: settled late.
lateBits: HashMap[uint256, HashMap[uint256, uint256]]


@external
def settleLate(
    header: LateHeader,
    rows: DynArray[uint256, batches.MAX_WORDS],
    mask: uint256,
    signatures: DynArray[batches.Signature, batches.MAX_SEATS],
):
    """
    @notice Settle Wh that came after the batch of their interval, with the grid alone, at the tariff of that interval
    @param rows As in `settle`: importing points rising, then exporting points rising
    """
    zone: uint256 = header.zone
    interval: uint256 = header.interval
    word: uint256 = ledger.zones[zone]
    faults._require(word != 0, "zone: unknown")
    faults._require(interval < word & layout.M32, "late: the interval is still open")
    faults._require(header.round <= layout.M32, "header: round too large")
    faults._require(self.lateDigestAt[zone][interval][header.round] == empty(bytes32), "late: round already settled")
    tree: uint256 = (word >> layout.TREE_AT) & layout.M32
    tariff: uint256 = staticcall ledger.REGISTRY.tariffOf(tree, header.tariffIndex, interval) & layout.M192
    total: uint256 = 0
    rows_hash: bytes32 = empty(bytes32)
    total, rows_hash = batches._check_rows(rows, header.buyers, header.sellers)
    digest: bytes32 = batches._late_digest(zone, interval, header.round, tariff, header.witnessRoot, rows_hash)
    batches._attest(digest, (interval + 1) * ((word >> layout.LENGTH_AT) & layout.M16), mask, signatures)
    self.lateDigestAt[zone][interval][header.round] = digest

    billed: bool = (word >> layout.BILLED_AT) & 1 == 1
    retail: uint256 = 0 if billed else tariff >> 144
    feed_in: uint256 = 0 if billed else (tariff >> 96) & layout.M48
    rate: uint256 = ledger._rate(word)
    open: uint256 = ledger._terms(zone).open
    bought: uint256 = 0
    unpaid: uint256 = 0
    previous: uint256 = 0
    for i: uint256 in range(header.buyers, bound=batches.MAX_ROWS):
        point: uint256 = 0
        wh: uint256 = 0
        point, wh = self._late_row(rows[i >> 2] >> (((i & 3) ^ 3) << 6), previous, zone, interval)
        previous = point
        bought = unsafe_add(bought, wh)
        slot: uint256 = standing._fold(point, ledger.slots[point], open)
        due: uint256 = unsafe_mul(wh, retail)
        short: uint256 = standing._short(point, slot, due, interval, open, rate)
        unpaid = unsafe_add(unpaid, short)
        ledger.slots[point] = unsafe_sub(slot, unsafe_sub(due, short))

    income: uint256 = unsafe_sub(unsafe_mul(bought, retail), unpaid)
    cost: uint256 = unsafe_mul(unsafe_sub(total, bought), feed_in)
    is_owed: bool = batches._book_grid(tree, income, cost, digest)
    if is_owed:
        feed_in = 0
        cost = 0
    previous = 0
    for i: uint256 in range(header.sellers, bound=batches.MAX_ROWS):
        at: uint256 = unsafe_add(i, header.buyers)
        point: uint256 = 0
        wh: uint256 = 0
        point, wh = self._late_row(rows[at >> 2] >> (((at & 3) ^ 3) << 6), previous, zone, interval)
        previous = point
        ledger.slots[point] = unsafe_add(ledger.slots[point], unsafe_mul(wh, feed_in))
    log IEnergyMarket.LateSettled(
        zone=zone,
        interval=interval,
        round=header.round,
        digest=digest,
        witnessRoot=header.witnessRoot,
        mask=mask,
        owed=is_owed,
        gridIncome=income,
        gridCost=cost,
    )


@internal
def _late_row(row: uint256, previous: uint256, zone: uint256, interval: uint256) -> (uint256, uint256):
    """
    Checks and marks a late row.
    @return Point, Wh
    """
    point: uint256 = (row >> 32) & layout.M32
    wh: uint256 = row & layout.M32
    slot: uint256 = ledger.slots[point]
    faults._require(point > previous, "rows: out of order")
    faults._require(slot >> layout.ZONE_AT == zone, "row: wrong zone")
    faults._require((slot >> layout.LAST_AT) & layout.M32 != interval, "row: point already settled")
    if wh == 0 or wh > (slot >> layout.CAP_AT) & layout.M24:
        faults._refuse_wh(wh)
    bits: uint256 = self.lateBits[point][interval >> 8]
    bit: uint256 = 1 << (interval & 255)
    faults._require(bits & bit == 0, "row: point already settled late")
    self.lateBits[point][interval >> 8] = bits | bit
    return point, wh


@external
def payOwed(batch: OwedBatch, rows: DynArray[uint256, batches.MAX_WORDS]):
    """
    @notice Credit the grid-sold Wh of an owed batch, all at once; anyone, as soon as the utility account covers them
    @param batch What its digest was made of
    """
    header: batches.Header = batch.header
    rows_hash: bytes32 = batches._check_rows(rows, header.buyers, header.sellers)[1]
    digest: bytes32 = empty(bytes32)
    below: uint256 = 0
    marginal: uint256 = 0
    share: uint256 = 0
    if batch.late:
        # Nothing of it is matched, and its digest says nothing of totals.
        digest = batches._late_digest(
            header.zone, header.interval, header.round, batch.tariff, header.witnessRoot, rows_hash
        )
    else:
        digest = batches._batch_digest(header, batch.tariff, rows_hash, batch.previous)
        below = header.sellBelow
        marginal = header.sellAt
        share = unsafe_sub(batches._volume(header), below)
    # The digest vouches for every number from here on.
    faults._require(batches.owed[digest], "owed: no such batch")
    batches.owed[digest] = False
    feed_in: uint256 = (batch.tariff >> 96) & layout.M48
    total: uint256 = 0
    sold: uint256 = 0
    filled: uint256 = 0
    for i: uint256 in range(header.sellers, bound=batches.MAX_ROWS):
        at: uint256 = unsafe_add(i, header.buyers)
        row: uint256 = rows[at >> 2] >> (((at & 3) ^ 3) << 6)
        wh: uint256 = row & layout.M32
        sold = unsafe_add(sold, wh)
        fill: uint256 = 0
        # The strictly better group and the marginal one are whole rows, so these sums meet their borders.
        if sold <= below:
            fill = wh
        elif unsafe_sub(sold, below) <= marginal:
            above: uint256 = unsafe_div(unsafe_mul(share, unsafe_sub(sold, below)), marginal)
            fill = unsafe_sub(above, filled)
            filled = above
        nano: uint256 = unsafe_mul(unsafe_sub(wh, fill), feed_in)
        total = unsafe_add(total, nano)
        ledger.slots[(row >> 32) & layout.M32] = unsafe_add(ledger.slots[(row >> 32) & layout.M32], nano)
    tree: uint256 = (ledger.zones[header.zone] >> layout.TREE_AT) & layout.M32
    balance: uint256 = ledger.utilityBalance[tree]
    faults._require(balance >= total, "owed: the utility is short")
    ledger.utilityBalance[tree] = unsafe_sub(balance, total)
    ledger.owedTotal[tree] -= total
    log IEnergyMarket.OwedPaid(zone=header.zone, interval=header.interval, digest=digest, nano=total)


@external
def void(zone: uint256, interval: uint256):
    """
    @notice Give up every interval of a zone up to this one that was not settled before its deadline; anyone.
        Its Wh are settled late
    """
    word: uint256 = ledger.zones[zone]
    faults._require(word != 0, "zone: unknown")
    first: uint256 = word & layout.M32
    faults._require(interval >= first, "void: settled or voided before")
    terms: ledger.Terms = ledger._terms(zone)
    faults._require(terms.current > interval + terms.deadline, "void: not past its deadline")
    ledger.zones[zone] = unsafe_add(unsafe_sub(word, first), unsafe_add(interval, 1))
    log IEnergyMarket.Voided(zone=zone, first=first, last=interval)
