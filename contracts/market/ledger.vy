# pragma version 0.4.3
# pragma nonreentrancy on
# @license Apache-2.0
"""
@title The market's ledger: whose money is where, and the terms of each zone
"""

from interfaces import ICouncil
from interfaces import IRegistry
from interfaces import ISettlementToken
from market import faults
from market import layout

TOKEN: immutable(ISettlementToken)
REGISTRY: immutable(IRegistry)
COUNCIL: immutable(ICouncil)

struct Terms:
    tree: uint256
    # Seconds of an interval.
    length: uint256
    # D: intervals after its end in which an interval may be settled.
    deadline: uint256
    # Nano of reserve for each Wh of an order's largest Wh.
    rate: uint256
    # The interval that holds this moment.
    current: uint256
    # First interval that starts at least one interval from now.
    effective: uint256
    # Oldest interval that may still be settled.
    open: uint256

# By point. Arrays, not mappings: no hash per row.
slots: uint256[2**32]
pending: uint256[2**32]
# Point -> first interval << 24 | cap
capChange: HashMap[uint256, uint256]
zones: uint256[2**20]

utilityBalance: public(reentrant(HashMap[uint256, uint256]))
# Tree -> nano that owed batches wait for; the utility cannot withdraw below it.
owedTotal: public(reentrant(HashMap[uint256, uint256]))
feePool: public(reentrant(uint256))
# All money on the ledger.
held: public(reentrant(uint256))


@deploy
def __init__(token_: address, registry_: address, council_: address):
    """
    @param token_ The SettlementToken this market keeps
    @param registry_ Where points, zones and tariffs come from
    @param council_ Who signs batches, and is paid for it
    """
    named: bool = token_ != empty(address) and registry_ != empty(address) and council_ != empty(address)
    assert named, "market: zero address"
    TOKEN = ISettlementToken(token_)
    REGISTRY = IRegistry(registry_)
    COUNCIL = ICouncil(council_)


@internal
@view
def _terms(zone: uint256) -> Terms:
    word: uint256 = self.zones[zone]
    length: uint256 = (word >> layout.LENGTH_AT) & layout.M16
    faults._require(length != 0, "zone: unknown")
    deadline: uint256 = self._deadline(length)
    current: uint256 = block.timestamp // length
    return Terms(
        tree=(word >> layout.TREE_AT) & layout.M32,
        length=length,
        deadline=deadline,
        rate=self._rate(word),
        current=current,
        effective=(block.timestamp + 2 * length - 1) // length,
        # A new zone begins in the future.
        open=max(min(word & layout.M32, current), current - deadline),
    )


@internal
@view
def _terms_of(point: uint256) -> Terms:
    faults._require(point <= layout.M32 and self.slots[point] != 0, "point: unknown")
    return self._terms(self.slots[point] >> layout.ZONE_AT)


@internal
@pure
def _deadline(length: uint256) -> uint256:
    # One hour, and at least four intervals.
    return max(unsafe_div(3600, length), 4)


@internal
@pure
def _rate(word: uint256) -> uint256:
    """
    Nano of reserve for each Wh of an order: the retail cap for D + 1 intervals, as many as can be open at a time.
    """
    deadline: uint256 = self._deadline((word >> layout.LENGTH_AT) & layout.M16)
    return unsafe_mul((word >> layout.RETAIL_CAP_AT) & layout.M48, unsafe_add(deadline, 1))


@internal
@view
def _only_registry():
    faults._require(msg.sender == REGISTRY.address, "market: not the registry")


@internal
@view
def _only_owner(point: uint256):
    faults._require(msg.sender == self._owner(point), "market: not the owner")


@internal
@view
def _owner(point: uint256) -> address:
    return staticcall REGISTRY.ownerOf(point)


@internal
@view
def _utility(tree: uint256) -> address:
    return staticcall REGISTRY.utilityOf(tree)


@internal
def _hold(amount: uint256):
    faults._require(amount != 0, "deposit: nothing")
    held: uint256 = self.held + amount
    faults._require(held <= layout.M80, "deposit: ledger is full")
    self.held = held


@internal
def _take(amount: uint256):
    assert extcall TOKEN.transferFrom(msg.sender, self, amount)


@internal
def _pay(to: address, amount: uint256):
    self.held -= amount
    assert extcall TOKEN.transfer(to, amount)
