# pragma version 0.4.3
# @license Apache-2.0
"""
@title Standing orders: which one is in force when, and the reserve they need
@notice An order waits in the second slot of its point until the interval in which it begins, and is folded into the
    first by whoever touches the point then.
"""

from interfaces import IEnergyMarket
from market import faults
from market import layout
from market import ledger

uses: ledger


@internal
@pure
def _entry(buy: uint256, sell: uint256, max_wh: uint256, until: uint256, begins: uint256) -> uint256:
    return (
        buy
        | (sell << layout.ENTRY_SELL_AT)
        | (max_wh << layout.ENTRY_MAX_WH_AT)
        | (until << layout.ENTRY_UNTIL_AT)
        | (begins << layout.ENTRY_FROM_AT)
    )


@internal
@pure
def _folded(slot: uint256, waiting: uint256, change: uint256, interval: uint256) -> (uint256, uint256):
    """
    The slot as it is in `interval`: waiting orders and a waiting cap that have begun are in force.
    @return Slot, what still waits
    """
    new: uint256 = slot
    left: uint256 = waiting
    if slot & layout.PENDING != 0:
        entry: uint256 = 0
        second: uint256 = waiting >> 128
        if second != 0 and second >> layout.ENTRY_FROM_AT <= interval:
            entry = second
            left = 0
        elif (waiting & layout.M128) >> layout.ENTRY_FROM_AT <= interval:
            entry = waiting & layout.M128
            left = second
        if entry != 0:
            new = (new & ~(layout.M76 << layout.ORDER_AT)) | ((entry & layout.M76) << layout.ORDER_AT)
            if left == 0:
                new ^= layout.PENDING
    if slot & layout.CAP_PENDING != 0 and change >> 24 <= interval:
        new = (new & ~(layout.M24 << layout.CAP_AT) ^ layout.CAP_PENDING) | ((change & layout.M24) << layout.CAP_AT)
    return new, left


@internal
def _fold(point: uint256, slot: uint256, interval: uint256) -> uint256:
    """
    As `_folded`, and writes the second slot if an order still waits in it. The caller writes the first.
    """
    if slot & layout.WAITING == 0:
        return slot
    waiting: uint256 = ledger.pending[point]
    change: uint256 = 0
    if slot & layout.CAP_PENDING != 0:
        change = ledger.capChange[point]
    new: uint256 = 0
    left: uint256 = 0
    new, left = self._folded(slot, waiting, change, interval)
    if new & layout.PENDING != 0 and left != waiting:
        ledger.pending[point] = left
    return new


@internal
@pure
def _ended(entry: uint256, last: uint256) -> uint256:
    """
    A waiting order that ends with interval `last`; nothing if it would begin later.
    """
    if entry >> layout.ENTRY_FROM_AT > last:
        return 0
    until: uint256 = (entry >> layout.ENTRY_UNTIL_AT) & layout.M32
    return unsafe_sub(entry, unsafe_sub(until, min(until, last)) << layout.ENTRY_UNTIL_AT)


@internal
def _stop(point: uint256, slot: uint256, last: uint256) -> uint256:
    """
    No order of the point is in force after interval `last`.
    """
    until: uint256 = (slot >> layout.UNTIL_AT) & layout.M32
    new: uint256 = unsafe_sub(slot, unsafe_sub(until, min(until, last)) << layout.UNTIL_AT)
    if slot & layout.PENDING != 0:
        waiting: uint256 = ledger.pending[point]
        first: uint256 = self._ended(waiting & layout.M128, last)
        second: uint256 = self._ended(waiting >> 128, last)
        if first == 0:
            new ^= layout.PENDING
        elif first + (second << 128) != waiting:
            ledger.pending[point] = first + (second << 128)
    return new


@internal
@pure
def _reserve(slot: uint256, waiting: uint256, interval: uint256, rate: uint256) -> uint256:
    """
    What the orders in force in `interval` or later need: only buying needs a reserve.
    """
    most: uint256 = 0
    buys: bool = (slot >> layout.ORDER_AT) & layout.M10 != layout.SIDE_OFF
    if buys and (slot >> layout.UNTIL_AT) & layout.M32 >= interval:
        most = (slot >> layout.MAX_WH_AT) & layout.M24
    if slot & layout.PENDING != 0:
        for entry: uint256 in [waiting & layout.M128, waiting >> 128]:
            buys = entry != 0 and entry & layout.M10 != layout.SIDE_OFF
            if buys and (entry >> layout.ENTRY_UNTIL_AT) & layout.M32 >= interval:
                most = max(most, (entry >> layout.ENTRY_MAX_WH_AT) & layout.M24)
    return unsafe_mul(most, rate)


@internal
@view
def _reserve_of(point: uint256, slot: uint256, interval: uint256, rate: uint256) -> uint256:
    waiting: uint256 = 0
    if slot & layout.PENDING != 0:
        waiting = ledger.pending[point]
    return self._reserve(slot, waiting, interval, rate)


@internal
def _short(
    point: uint256, slot: uint256, due: uint256, interval: uint256, open: uint256, rate: uint256
) -> uint256:
    """
    What the balance above the reserve does not cover of a debit: the utility's claim outside the chain.
    """
    needed: uint256 = unsafe_add(due, self._reserve_of(point, slot, open, rate))
    balance: uint256 = slot & layout.M80
    if balance >= needed:
        return 0
    short: uint256 = min(due, unsafe_sub(needed, balance))
    log IEnergyMarket.Unpaid(point=point, interval=interval, nano=short)
    return short


@internal
def _keep_reserve(
    point: uint256, slot: uint256, due: uint256, interval: uint256, current: uint256, rate: uint256
) -> uint256:
    """
    Stops the orders of a point whose balance falls below the reserve by a debit, from the interval after this moment
    on: what is in force until then is known to whoever builds batches.
    """
    balance: uint256 = slot & layout.M80
    # EM-8: it held a retail cap for each open interval.
    faults._require(due <= balance, "reserve: below what was promised")
    if unsafe_sub(balance, due) >= self._reserve_of(point, slot, interval, rate):
        return slot
    waiting: uint256 = ledger.pending[point]
    new: uint256 = self._stop(point, slot, current)
    if new != slot or ledger.pending[point] != waiting:
        log IEnergyMarket.OrderCut(point=point, until=current)
    return new
