# pragma version 0.4.3
# pragma nonreentrancy on
# @license Apache-2.0
"""
@title Accounts of points, utilities and the council: how they begin, money in, money out
"""

from interfaces import IEnergyMarket
from market import faults
from market import layout
from market import ledger
from market import orders
from market import standing

uses: ledger
uses: orders
uses: standing

WITHDRAWAL_TYPE: constant(bytes32) = keccak256(
    "Withdrawal(uint32 point,uint128 amount,address to,uint64 nonce,uint64 deadline)"
)

struct Withdrawal:
    to: address
    amount: uint256
    # First interval in which it is paid out.
    ready: uint256

withdrawalOf: public(reentrant(HashMap[uint256, Withdrawal]))


@external
def addZone(zone: uint256, tree: uint256, length: uint256, retail_cap: uint256, billed_by_retailer: bool):
    """
    @notice Open a zone; its first interval is the first one it could have a tariff for. Registry only
    """
    ledger._only_registry()
    faults._require(ledger.zones[zone] == 0, "zone: already there")
    first: uint256 = (block.timestamp + 2 * length - 1) // length
    ledger.zones[zone] = (
        first
        | (length << layout.LENGTH_AT)
        | (retail_cap << layout.RETAIL_CAP_AT)
        | (tree << layout.TREE_AT)
        | (convert(billed_by_retailer, uint256) << layout.BILLED_AT)
    )
    log IEnergyMarket.ZoneAdded(
        zone=zone,
        tree=tree,
        length=length,
        retailCap=retail_cap,
        billedByRetailer=billed_by_retailer,
        nextInterval=first,
    )


@external
def addPoint(point: uint256, zone: uint256, cap: uint256):
    """
    @notice Open a point's account with the default order: buying off until money comes, selling at the middle.
        Registry only
    """
    ledger._only_registry()
    faults._require(ledger.slots[point] == 0, "point: already there")
    first: uint256 = ledger._terms(zone).effective
    # Settled up to the interval before its first: no row can name it earlier.
    ledger.slots[point] = (
        (zone << layout.ZONE_AT)
        | (unsafe_sub(first, 1) << layout.LAST_AT)
        | (cap << layout.CAP_AT)
        | (standing._entry(layout.SIDE_OFF, layout.DEFAULT_LIMIT, cap, layout.M32, 0) << layout.ORDER_AT)
    )
    log IEnergyMarket.PointAdded(point=point, zone=zone, cap=cap, fromInterval=first)
    orders._log_order(point, layout.SIDE_OFF, layout.DEFAULT_LIMIT, cap, layout.M32, first)


@external
def setCap(point: uint256, cap: uint256):
    """
    @notice Change a point's certified cap from the first effective interval on. Registry only
    """
    ledger._only_registry()
    terms: ledger.Terms = ledger._terms_of(point)
    slot: uint256 = standing._fold(point, ledger.slots[point], terms.open)
    if slot & layout.CAP_PENDING != 0:
        faults._require(ledger.capChange[point] >> 24 == terms.effective, "cap: another change waits")
    ledger.capChange[point] = (terms.effective << 24) | cap
    ledger.slots[point] = slot | layout.CAP_PENDING
    log IEnergyMarket.CapChanged(point=point, cap=cap, fromInterval=terms.effective)


@external
def deposit(point: uint256, amount: uint256):
    """
    @notice Put the caller's tokens on a point's account
    """
    self._credit(point, amount, msg.sender)
    ledger._take(amount)


@external
def depositWithAuthorization(
    point: uint256,
    owner: address,
    amount: uint256,
    valid_after: uint256,
    valid_before: uint256,
    nonce: bytes32,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    """
    @notice Put `owner`'s tokens on a point's account by an EIP-3009 authorization; whoever relays it
    @param nonce Its first four bytes are the point, so that a relayer cannot turn the money elsewhere
    """
    faults._require(convert(nonce, uint256) >> 224 == point, "deposit: nonce of another point")
    self._credit(point, amount, owner)
    extcall ledger.TOKEN.receiveWithAuthorization(owner, self, amount, valid_after, valid_before, nonce, v, r, s)


@external
def depositUtility(tree: uint256, amount: uint256):
    """
    @notice Put the caller's tokens on the utility account of a tree
    """
    faults._require(ledger._utility(tree) != empty(address), "tree: unknown")
    ledger._hold(amount)
    ledger.utilityBalance[tree] += amount
    log IEnergyMarket.UtilityDeposited(tree=tree, sender=msg.sender, amount=amount)
    ledger._take(amount)


@internal
def _credit(point: uint256, amount: uint256, sender: address):
    """
    Books a deposit. The first one that covers the reserve turns buying on, where no order was ever placed.
    """
    ledger._hold(amount)
    terms: ledger.Terms = ledger._terms_of(point)
    slot: uint256 = unsafe_add(standing._fold(point, ledger.slots[point], terms.open), amount)
    log IEnergyMarket.Deposited(point=point, sender=sender, amount=amount)
    if slot & layout.TOUCHED == 0:
        cap: uint256 = (slot >> layout.CAP_AT) & layout.M24
        if slot & layout.M80 >= cap * terms.rate:
            ledger.pending[point] = standing._entry(
                layout.DEFAULT_LIMIT, layout.DEFAULT_LIMIT, cap, layout.M32, terms.effective
            )
            slot |= layout.TOUCHED | layout.PENDING
            orders._log_order(point, layout.DEFAULT_LIMIT, layout.DEFAULT_LIMIT, cap, layout.M32, terms.effective)
    ledger.slots[point] = slot


@external
def requestWithdrawal(point: uint256, amount: uint256, to: address):
    """
    @notice Ask for money, to be paid out after D; its owner. Never refused. A new request takes the place of the old
    @dev What reaches into the reserve stops the point's orders before the first effective interval.
    """
    ledger._only_owner(point)
    self._request(point, amount, to)


@external
def requestWithdrawalSigned(
    point: uint256,
    amount: uint256,
    to: address,
    nonce: uint256,
    deadline: uint256,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    """
    @notice Ask for money by a signature of the point's owner; whoever relays it
    """
    orders._check(
        point, nonce, deadline, keccak256(abi_encode(WITHDRAWAL_TYPE, point, amount, to, nonce, deadline)), v, r, s
    )
    self._request(point, amount, to)


@external
def withdraw(point: uint256) -> uint256:
    """
    @notice Pay out what was asked for, less what open intervals still need; anyone, after D
    @return Nano paid
    """
    terms: ledger.Terms = ledger._terms_of(point)
    asked: Withdrawal = self.withdrawalOf[point]
    faults._require(asked.amount != 0, "withdrawal: none asked for")
    faults._require(terms.current >= asked.ready, "withdrawal: not yet")
    slot: uint256 = standing._fold(point, ledger.slots[point], terms.open)
    balance: uint256 = slot & layout.M80
    reserve: uint256 = standing._reserve_of(point, slot, terms.open, terms.rate)
    faults._require(balance > reserve, "withdrawal: all is reserve")
    amount: uint256 = min(asked.amount, unsafe_sub(balance, reserve))
    self.withdrawalOf[point] = empty(Withdrawal)
    ledger.slots[point] = unsafe_sub(slot, amount)
    log IEnergyMarket.Withdrawn(point=point, to=asked.to, amount=amount)
    ledger._pay(asked.to, amount)
    return amount


@external
def withdrawUtility(tree: uint256, amount: uint256):
    """
    @notice Pay out from the utility account of a tree what no owed batch waits for; the utility
    """
    faults._require(msg.sender == ledger._utility(tree), "withdrawal: not the utility")
    balance: uint256 = ledger.utilityBalance[tree]
    faults._require(balance >= amount + ledger.owedTotal[tree], "withdrawal: more than is free")
    ledger.utilityBalance[tree] = unsafe_sub(balance, amount)
    log IEnergyMarket.UtilityWithdrawn(tree=tree, to=msg.sender, amount=amount)
    ledger._pay(msg.sender, amount)


@external
def payReward(to: address, amount: uint256):
    """
    @notice Pay an authenticator out of the fee pool. Council only
    """
    faults._require(msg.sender == ledger.COUNCIL.address, "market: not the council")
    pool: uint256 = ledger.feePool
    faults._require(amount <= pool, "market: more than the fee pool")
    ledger.feePool = unsafe_sub(pool, amount)
    log IEnergyMarket.RewardPaid(to=to, amount=amount)
    ledger._pay(to, amount)


@internal
def _request(point: uint256, amount: uint256, to: address):
    faults._require(amount != 0, "withdrawal: nothing")
    faults._require(to != empty(address) and to != self, "withdrawal: not a payee")
    terms: ledger.Terms = ledger._terms_of(point)
    slot: uint256 = standing._fold(point, ledger.slots[point], terms.open)
    balance: uint256 = slot & layout.M80
    reserve: uint256 = standing._reserve_of(point, slot, terms.open, terms.rate)
    if reserve != 0 and (balance < reserve or unsafe_sub(balance, reserve) < amount):
        slot = orders._cancelled(point, slot, terms.effective)
    ledger.slots[point] = slot
    ready: uint256 = terms.effective + terms.deadline
    self.withdrawalOf[point] = Withdrawal(to=to, amount=amount, ready=ready)
    log IEnergyMarket.WithdrawalRequested(point=point, to=to, amount=amount, readyInterval=ready)
