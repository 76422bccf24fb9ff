# pragma version 0.4.3
# pragma nonreentrancy on
# @license Apache-2.0
"""
@title What anyone can read
"""

from market import batches
from market import layout
from market import leftovers
from market import ledger
from market import standing

uses: batches
uses: leftovers
uses: ledger
uses: standing

MAX_POINTS_VIEW: constant(uint256) = 512


@external
@view
@reentrant
def balanceOf(point: uint256) -> uint256:
    """
    @notice Nano on a point's account
    """
    return ledger.slots[point] & layout.M80


@external
@view
@reentrant
def slotOf(point: uint256) -> (uint256, uint256):
    """
    @notice A point's two words, as they lie in storage
    """
    return ledger.slots[point], ledger.pending[point]


@external
@view
@reentrant
def orderAt(point: uint256, interval: uint256) -> (uint256, uint256, uint256, bool, uint256):
    """
    @notice The order in force in an interval that has begun and is not settled yet
    @return Buy limit, sell limit (per mille or 1023), largest Wh, whether it is in force, certified cap
    """
    order: uint256 = self._order_at(point, interval)
    return (
        (order >> 58) & layout.M10,
        (order >> 48) & layout.M10,
        (order >> 24) & layout.M24,
        order >> 68 == 1,
        order & layout.M24,
    )


@external
@view
@reentrant
def ordersAt(points: DynArray[uint256, MAX_POINTS_VIEW], interval: uint256) -> DynArray[uint256, MAX_POINTS_VIEW]:
    """
    @notice As `orderAt`, for many points
    @return For each: in force 1 << 68 | buy << 58 | sell << 48 | largest Wh << 24 | cap
    """
    words: DynArray[uint256, MAX_POINTS_VIEW] = []
    for point: uint256 in points:
        words.append(self._order_at(point, interval))
    return words


@external
@view
@reentrant
def reserveOf(point: uint256) -> uint256:
    """
    @notice Nano that the orders of a point need, now or waiting
    """
    terms: ledger.Terms = ledger._terms_of(point)
    return standing._reserve_of(point, ledger.slots[point], terms.open, terms.rate)


@external
@view
@reentrant
def reserveFor(zone: uint256, max_wh: uint256) -> uint256:
    """
    @notice Nano a buying order of that largest Wh needs in a zone
    """
    return max_wh * ledger._terms(zone).rate


@external
@view
@reentrant
def nextInterval(zone: uint256) -> uint256:
    """
    @notice The interval the zone's next batch must be of
    """
    word: uint256 = ledger.zones[zone]
    return max(word & layout.M32, staticcall ledger.REGISTRY.tariffStart((word >> layout.TREE_AT) & layout.M32))


@external
@view
@reentrant
def firstEffective(zone: uint256) -> uint256:
    """
    @notice The interval in which an order placed now begins
    """
    return ledger._terms(zone).effective


@external
@view
@reentrant
def settledLate(point: uint256, interval: uint256) -> bool:
    """
    @notice Whether the point's Wh of an interval were settled late
    """
    return (leftovers.lateBits[point][interval >> 8] >> (interval & 255)) & 1 == 1


@external
@view
@reentrant
def isOwed(digest: bytes32) -> bool:
    """
    @notice Whether a batch waits for the utility account
    """
    return batches.owed[digest]


@internal
@view
def _order_at(point: uint256, interval: uint256) -> uint256:
    """
    @return The word of `ordersAt`
    """
    slot: uint256 = standing._folded(
        ledger.slots[point], ledger.pending[point], ledger.capChange[point], interval
    )[0]
    return (
        (convert((slot >> layout.UNTIL_AT) & layout.M32 >= interval, uint256) << 68)
        | (((slot >> layout.ORDER_AT) & layout.M10) << 58)
        | (((slot >> layout.SELL_AT) & layout.M10) << 48)
        | (((slot >> layout.MAX_WH_AT) & layout.M24) << 24)
        | ((slot >> layout.CAP_AT) & layout.M24)
    )
