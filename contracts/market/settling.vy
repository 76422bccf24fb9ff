# pragma version 0.4.3
# pragma nonreentrancy on
# @license Apache-2.0
"""
@title Settling: the clearing of one interval is verified, and the money moved in the same pass
@notice `settle` tells the story; what it calls stands below in the same order. Every row is read once and written
    once. No act of a participant makes any of it revert, only a fault of whoever built the batch.
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

# What both passes over the rows go by. Prices and the band are micro per kWh.
struct Measure:
    interval: uint256
    # The interval that holds this moment.
    current: uint256
    # An order whose `until` reaches this is in force; none does where there is no band.
    in_force: uint256
    # Nano of reserve for each Wh of an order's largest Wh.
    rate: uint256
    # Wh matched.
    volume: uint256
    # Lowest price of the band, and its width.
    low: uint256
    band: uint256
    # First per mille with a limit price at or above the price, and first with one above it.
    first_at: uint256
    first_above: uint256
    # What a matched Wh costs and brings, fees included, and one of the grid.
    buy_price: uint256
    sell_price: uint256
    retail: uint256
    feed_in: uint256
    # Both fees of a matched Wh.
    fees: uint256


@external
def settle(
    header: batches.Header,
    rows: DynArray[uint256, batches.MAX_WORDS],
    mask: uint256,
    signatures: DynArray[batches.Signature, batches.MAX_SEATS],
):
    """
    @notice Verify the clearing of the next interval of a zone and move the money
    @param header What the batch claims; every claim is checked
    @param rows point << 32 | Wh, four to a word, the first in the highest bits, zero behind the last.
        Buyers by limit falling, then sellers by limit rising, points rising among equals; in each side
        those without an order in force, or with more Wh than their order allows, come last
    @param mask Bit i set: seat i signed
    @param signatures Of the seats in `mask`, in their order
    """
    zone: uint256 = header.zone
    interval: uint256 = header.interval
    word: uint256 = ledger.zones[zone]
    faults._require(word != 0, "zone: unknown")
    tree: uint256 = (word >> layout.TREE_AT) & layout.M32
    current: uint256 = self._check_time(word, tree, interval)
    faults._require(header.round <= layout.M32, "header: round too large")
    tariff: uint256 = staticcall ledger.REGISTRY.tariffOf(tree, header.tariffIndex, interval) & layout.M192
    by: Measure = self._measure(header, word, tariff, current)

    total: uint256 = 0
    rows_hash: bytes32 = empty(bytes32)
    total, rows_hash = batches._check_rows(rows, header.buyers, header.sellers)
    digest: bytes32 = batches._batch_digest(header, tariff, rows_hash, batches.lastDigest[zone])
    ended: uint256 = unsafe_mul(unsafe_add(interval, 1), (word >> layout.LENGTH_AT) & layout.M16)
    epoch: uint256 = batches._attest(digest, ended, mask, signatures)

    bought: uint256 = 0
    unpaid: uint256 = 0
    buy_last: uint256 = 0
    buy_next: uint256 = 0
    bought, unpaid, buy_last, buy_next = self._debit_buyers(rows, header, by)
    # The utility account covers the feed-in of the whole batch, or none of it now.
    income: uint256 = unsafe_sub(unsafe_mul(unsafe_sub(bought, by.volume), by.retail), unpaid)
    cost: uint256 = unsafe_mul(unsafe_sub(unsafe_sub(total, bought), by.volume), by.feed_in)
    is_owed: bool = batches._book_grid(tree, income, cost, digest)
    if is_owed:
        by.feed_in = 0
        cost = 0
    sell_last: uint256 = 0
    sell_next: uint256 = 0
    sell_last, sell_next = self._credit_sellers(rows, header, by)
    if by.in_force == interval:
        self._check_middle(header, by.low, by.band, buy_last, buy_next, sell_last, sell_next)

    ledger.zones[zone] = unsafe_add(unsafe_sub(word, word & layout.M32), unsafe_add(interval, 1))
    batches.lastDigest[zone] = digest
    batches.digestAt[zone][interval] = digest
    fees: uint256 = unsafe_mul(by.volume, by.fees)
    ledger.feePool = unsafe_add(ledger.feePool, fees)
    extcall ledger.COUNCIL.onBatch(epoch, mask, fees)
    log IEnergyMarket.BatchSettled(
        zone=zone,
        interval=interval,
        round=header.round,
        price=header.price,
        volume=by.volume,
        digest=digest,
        witnessRoot=header.witnessRoot,
        mask=mask,
        owed=is_owed,
        fees=fees,
        gridIncome=income,
        gridCost=cost,
    )


@internal
@view
def _check_time(word: uint256, tree: uint256, interval: uint256) -> uint256:
    """
    The next interval, ended, not past its deadline.
    @return The interval that holds this moment
    """
    if interval != word & layout.M32:
        # A zone begins with the first tariff of its tree.
        start: uint256 = staticcall ledger.REGISTRY.tariffStart(tree)
        faults._require(start > word & layout.M32 and interval == start, "interval: not the next")
    length: uint256 = (word >> layout.LENGTH_AT) & layout.M16
    current: uint256 = unsafe_div(block.timestamp, length)
    faults._require(current > interval, "interval: not ended")
    faults._require(current <= unsafe_add(interval, ledger._deadline(length)), "interval: past its deadline")
    return current


@internal
@pure
def _measure(header: batches.Header, word: uint256, tariff: uint256, current: uint256) -> Measure:
    """
    Checks the price against the band and the totals, and says what the passes over the rows go by.
    """
    by: Measure = empty(Measure)
    by.interval = header.interval
    by.current = current
    by.rate = ledger._rate(word)
    by.retail = tariff >> 144
    by.feed_in = (tariff >> 96) & layout.M48
    buy_fee: uint256 = (tariff >> 48) & layout.M48
    sell_fee: uint256 = tariff & layout.M48
    by.fees = unsafe_add(buy_fee, sell_fee)
    by.buy_price = unsafe_add(header.price, buy_fee)
    by.sell_price = unsafe_sub(header.price, sell_fee)
    by.low = unsafe_add(by.feed_in, sell_fee)
    if unsafe_add(by.low, buy_fee) <= by.retail:
        by.in_force = header.interval
        by.band = unsafe_sub(unsafe_sub(by.retail, buy_fee), by.low)
        # A price below the band wraps around to a number far above it.
        offset: uint256 = unsafe_sub(header.price, by.low)
        faults._require(offset <= by.band, "price: outside the band")
        # Keeps every product of the passes far from 2**256.
        faults._require(
            header.buyAbove | header.buyAt | header.sellBelow | header.sellAt <= layout.M64, "group: too large"
        )
        by.volume = batches._volume(header)
        faults._require(max(header.buyAbove, header.sellBelow) <= by.volume, "price: not an equilibrium")
        by.first_above = layout.NO_RANK
        if by.band != 0:
            # limit price >= x means band * per mille >= 1000 * (x - low).
            up: uint256 = unsafe_add(unsafe_mul(offset, 1000), unsafe_sub(by.band, 1))
            by.first_at = unsafe_div(up, by.band)
            by.first_above = min(unsafe_div(unsafe_add(up, 1000), by.band), layout.NO_RANK)
    else:
        by.in_force = layout.M32 + 1
        faults._require(
            header.price | header.buyAbove | header.buyAt | header.sellBelow | header.sellAt == 0,
            "price: there is no band",
        )
    if (word >> layout.BILLED_AT) & 1 == 1:
        by.retail = 0
        by.feed_in = 0
    return by


@internal
def _debit_buyers(
    rows: DynArray[uint256, batches.MAX_WORDS], header: batches.Header, by: Measure
) -> (uint256, uint256, uint256, uint256):
    """
    The pass over those who imported: whoever is strictly better buys all from neighbours, the marginal group shares
    by cumulative floors, the rest is the grid's.
    @return Wh of all; nano that balances did not cover; rank of the last strictly better row, and of the first live
        one behind the marginal group
    """
    zone_key: uint256 = header.zone << 32
    bound: uint256 = unsafe_sub(layout.NO_RANK, by.first_above)
    bound_at: uint256 = unsafe_sub(layout.NO_RANK, by.first_at)
    share: uint256 = unsafe_sub(by.volume, header.buyAbove)
    better: uint256 = 0
    marginal: uint256 = 0
    filled: uint256 = 0
    rest: uint256 = 0
    unpaid: uint256 = 0
    last_better: uint256 = layout.NO_RANK
    next_live: uint256 = layout.NO_RANK
    key: uint256 = 0
    for i: uint256 in range(header.buyers, bound=batches.MAX_ROWS):
        row: uint256 = rows[i >> 2] >> (((i & 3) ^ 3) << 6)
        point: uint256 = (row >> 32) & layout.M32
        wh: uint256 = row & layout.M32
        slot: uint256 = ledger.slots[point]
        # Zone and last interval in one look: another zone gives a number far too large.
        last: uint256 = unsafe_sub(slot >> layout.LAST_AT, zone_key)
        if last >= by.interval:
            faults._refuse_point(slot, header.zone)
        if slot & layout.WAITING != 0:
            slot = standing._fold(point, slot, by.interval)
        if unsafe_sub(wh, 1) >= (slot >> layout.CAP_AT) & layout.M24:
            faults._refuse_wh(wh)
        max_wh: uint256 = (slot >> layout.MAX_WH_AT) & layout.M24
        rank: uint256 = layout.NO_RANK
        if wh <= max_wh and (slot >> layout.UNTIL_AT) & layout.M32 >= by.in_force:
            rank = min(unsafe_sub(1000, (slot >> layout.ORDER_AT) & layout.M10), layout.NO_RANK)
        if (rank << 32) | point <= key:
            raise "rows: out of order"
        key = (rank << 32) | point

        due: uint256 = 0
        if rank < bound:
            better = unsafe_add(better, wh)
            last_better = rank
            due = unsafe_mul(wh, by.buy_price)
        elif rank < bound_at:
            marginal = unsafe_add(marginal, wh)
            above: uint256 = unsafe_div(unsafe_mul(share, marginal), header.buyAt)
            fill: uint256 = unsafe_sub(above, filled)
            filled = above
            due = unsafe_add(unsafe_mul(fill, by.buy_price), unsafe_mul(unsafe_sub(wh, fill), by.retail))
        else:
            rest = unsafe_add(rest, wh)
            due = unsafe_mul(wh, by.retail)
            if rank < next_live:
                next_live = rank
        if rank == layout.NO_RANK:
            # Takes only what no order in force needs.
            short: uint256 = standing._short(point, slot, due, by.interval, by.interval, by.rate)
            unpaid = unsafe_add(unpaid, short)
            due = unsafe_sub(due, short)
        elif slot & layout.M80 < unsafe_add(due, unsafe_mul(max_wh, by.rate)) or slot & layout.PENDING != 0:
            slot = standing._keep_reserve(point, slot, due, by.interval, by.current, by.rate)
        ledger.slots[point] = unsafe_sub(
            unsafe_add(slot, unsafe_sub(by.interval, last) << layout.LAST_AT), due
        )
    faults._require(better == header.buyAbove and marginal == header.buyAt, "group: wrong buy totals")
    return unsafe_add(rest, unsafe_add(better, marginal)), unpaid, last_better, next_live


@internal
def _credit_sellers(
    rows: DynArray[uint256, batches.MAX_WORDS], header: batches.Header, by: Measure
) -> (uint256, uint256):
    """
    The pass over those who exported, as that over the buyers; nothing they are paid can fall short.
    @return Rank of the last strictly better row, and of the first live one behind the marginal group
    """
    zone_key: uint256 = header.zone << 32
    share: uint256 = unsafe_sub(by.volume, header.sellBelow)
    better: uint256 = 0
    marginal: uint256 = 0
    filled: uint256 = 0
    last_better: uint256 = layout.NO_RANK
    next_live: uint256 = layout.NO_RANK
    key: uint256 = 0
    for i: uint256 in range(header.sellers, bound=batches.MAX_ROWS):
        at: uint256 = unsafe_add(i, header.buyers)
        row: uint256 = rows[at >> 2] >> (((at & 3) ^ 3) << 6)
        point: uint256 = (row >> 32) & layout.M32
        wh: uint256 = row & layout.M32
        slot: uint256 = ledger.slots[point]
        last: uint256 = unsafe_sub(slot >> layout.LAST_AT, zone_key)
        if last >= by.interval:
            faults._refuse_point(slot, header.zone)
        if slot & layout.WAITING != 0:
            slot = standing._fold(point, slot, by.interval)
        if unsafe_sub(wh, 1) >= (slot >> layout.CAP_AT) & layout.M24:
            faults._refuse_wh(wh)
        rank: uint256 = layout.NO_RANK
        if wh <= (slot >> layout.MAX_WH_AT) & layout.M24 and (slot >> layout.UNTIL_AT) & layout.M32 >= by.in_force:
            rank = min((slot >> layout.SELL_AT) & layout.M10, layout.NO_RANK)
        if (rank << 32) | point <= key:
            raise "rows: out of order"
        key = (rank << 32) | point

        credit: uint256 = 0
        if rank < by.first_at:
            better = unsafe_add(better, wh)
            last_better = rank
            credit = unsafe_mul(wh, by.sell_price)
        elif rank < by.first_above:
            marginal = unsafe_add(marginal, wh)
            above: uint256 = unsafe_div(unsafe_mul(share, marginal), header.sellAt)
            fill: uint256 = unsafe_sub(above, filled)
            filled = above
            credit = unsafe_add(unsafe_mul(fill, by.sell_price), unsafe_mul(unsafe_sub(wh, fill), by.feed_in))
        else:
            credit = unsafe_mul(wh, by.feed_in)
            if rank < next_live:
                next_live = rank
        ledger.slots[point] = unsafe_add(
            unsafe_add(slot, unsafe_sub(by.interval, last) << layout.LAST_AT), credit
        )
    faults._require(better == header.sellBelow and marginal == header.sellAt, "group: wrong sell totals")
    return last_better, next_live


@internal
@pure
def _check_middle(
    header: batches.Header,
    low: uint256,
    band: uint256,
    buy_last: uint256,
    buy_next: uint256,
    sell_last: uint256,
    sell_next: uint256,
):
    """
    The price is the middle of the equilibrium interval. It reaches down from the price only where all that is
    sold below it is bought at it or above, and then to the next limit of a live row; likewise up.
    """
    offset: uint256 = unsafe_sub(header.price, low)
    lowest: uint256 = offset
    if unsafe_add(header.buyAbove, header.buyAt) == header.sellBelow:
        # The live rows next below the price: the first buyer behind the marginal group, the last better seller.
        per_mille: uint256 = 0
        if buy_next != layout.NO_RANK:
            per_mille = unsafe_sub(1000, buy_next)
        if sell_last != layout.NO_RANK:
            per_mille = max(per_mille, sell_last)
        lowest = unsafe_div(unsafe_mul(band, per_mille), 1000)
    highest: uint256 = offset
    if unsafe_add(header.sellBelow, header.sellAt) == header.buyAbove:
        per_mille: uint256 = min(sell_next, 1000)
        if buy_last != layout.NO_RANK:
            per_mille = min(per_mille, unsafe_sub(1000, buy_last))
        highest = unsafe_div(unsafe_mul(band, per_mille), 1000)
    faults._require(offset == unsafe_add(lowest, highest) >> 1, "price: not the middle")
