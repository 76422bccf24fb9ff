# pragma version 0.4.3
# pragma nonreentrancy on
# @license Apache-2.0
"""
@title Placing and cancelling orders, by the owner of a point or by its signature
"""

from interfaces import IEnergyMarket
from market import faults
from market import layout
from market import ledger
from market import standing
import typed_data

uses: ledger
uses: standing
uses: typed_data

ORDER_TYPE: constant(bytes32) = keccak256(
    "Order(uint32 point,uint16 buy,uint16 sell,uint32 maxWh,uint32 until,uint64 nonce,uint64 deadline)"
)
CANCEL_TYPE: constant(bytes32) = keccak256("Cancel(uint32 point,uint64 nonce,uint64 deadline)")

# Point -> the last nonce used in a signature of its owner.
nonceOf: public(reentrant(HashMap[uint256, uint256]))


@external
def placeOrder(point: uint256, buy: uint256, sell: uint256, max_wh: uint256, until: uint256):
    """
    @notice Place the standing order of a point, in force from the first effective interval on; its owner
    @param buy Highest price to buy at, per mille of the band (0 to 1000), or 1023: does not buy
    @param sell Lowest price to sell at, per mille of the band (0 to 1000), or 1023: does not sell
    @param max_wh An interval with more Wh than this is settled with the grid alone
    @param until Last interval in which the order is in force
    """
    ledger._only_owner(point)
    self._place(point, buy, sell, max_wh, until)


@external
def placeOrderSigned(
    point: uint256,
    buy: uint256,
    sell: uint256,
    max_wh: uint256,
    until: uint256,
    nonce: uint256,
    deadline: uint256,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    """
    @notice Place a standing order by a signature of the point's owner; whoever relays it
    """
    self._check(
        point,
        nonce,
        deadline,
        keccak256(abi_encode(ORDER_TYPE, point, buy, sell, max_wh, until, nonce, deadline)),
        v,
        r,
        s,
    )
    self._place(point, buy, sell, max_wh, until)


@external
def cancelOrder(point: uint256):
    """
    @notice No order of the point is in force from the first effective interval on; its owner. Never refused
    """
    ledger._only_owner(point)
    self._cancel(point)


@external
def cancelOrderSigned(point: uint256, nonce: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32):
    """
    @notice Cancel by a signature of the point's owner; whoever relays it
    """
    self._check(point, nonce, deadline, keccak256(abi_encode(CANCEL_TYPE, point, nonce, deadline)), v, r, s)
    self._cancel(point)


@internal
def _check(
    point: uint256, nonce: uint256, deadline: uint256, struct_hash: bytes32, v: uint8, r: bytes32, s: bytes32
):
    faults._require(block.timestamp <= deadline, "signature: expired")
    faults._require(nonce > self.nonceOf[point] and nonce <= layout.M64, "signature: nonce used")
    self.nonceOf[point] = nonce
    faults._require(convert(s, uint256) <= typed_data.HALF_ORDER, "signature: high s")
    owner: address = ledger._owner(point)
    faults._require(
        owner != empty(address) and ecrecover(typed_data._digest(struct_hash), v, r, s) == owner,
        "signature: not the owner",
    )


@internal
def _place(point: uint256, buy: uint256, sell: uint256, max_wh: uint256, until: uint256):
    faults._require(buy <= 1000 or buy == layout.SIDE_OFF, "order: not a buy limit")
    faults._require(sell <= 1000 or sell == layout.SIDE_OFF, "order: not a sell limit")
    faults._require(max_wh != 0 and max_wh <= layout.M24, "order: not a largest Wh")
    terms: ledger.Terms = ledger._terms_of(point)
    faults._require(until >= terms.effective and until <= layout.M32, "order: ends before it begins")
    slot: uint256 = standing._fold(point, ledger.slots[point], terms.open)
    earlier: uint256 = 0
    word: uint256 = 0
    if slot & layout.PENDING != 0:
        word = ledger.pending[point]
        if word >> 128 == 0:
            # An order that would begin in the same interval gives way to this one.
            if (word >> layout.ENTRY_FROM_AT) & layout.M32 != terms.effective:
                earlier = word
        else:
            faults._require(word >> (128 + layout.ENTRY_FROM_AT) == terms.effective, "order: two are waiting")
            earlier = word & layout.M128
        if earlier == 0:
            slot ^= layout.PENDING
        word = earlier
    entry: uint256 = standing._entry(buy, sell, max_wh, until, terms.effective)
    if buy != layout.SIDE_OFF:
        # The reserve of every order in force in an open interval, the new one included.
        reserve: uint256 = max(max_wh * terms.rate, standing._reserve(slot, word, terms.open, terms.rate))
        faults._require(slot & layout.M80 >= reserve, "order: balance below the reserve")
    ledger.pending[point] = entry if earlier == 0 else earlier + (entry << 128)
    ledger.slots[point] = slot | layout.PENDING | layout.TOUCHED
    self._log_order(point, buy, sell, max_wh, until, terms.effective)


@internal
def _log_order(point: uint256, buy: uint256, sell: uint256, max_wh: uint256, until: uint256, begins: uint256):
    log IEnergyMarket.OrderPlaced(
        point=point, buy=buy, sell=sell, maxWh=max_wh, fromInterval=begins, until=until
    )


@internal
def _cancel(point: uint256):
    terms: ledger.Terms = ledger._terms_of(point)
    slot: uint256 = standing._fold(point, ledger.slots[point], terms.open)
    ledger.slots[point] = self._cancelled(point, slot, terms.effective)


@internal
def _cancelled(point: uint256, slot: uint256, effective: uint256) -> uint256:
    last: uint256 = unsafe_sub(effective, 1)
    log IEnergyMarket.OrderCancelled(point=point, until=last)
    return standing._stop(point, slot, last) | layout.TOUCHED
