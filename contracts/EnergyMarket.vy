# pragma version 0.4.3
# pragma nonreentrancy on
# @license Apache-2.0
"""
@title EnergyMarket: the market that checks its own clearing
@notice Keeps the money of metering points and settles one batch per zone and interval. Whoever builds the
    batch proposes one price and rows (point, Wh); this contract verifies in one pass that the price is the middle
    of the competitive equilibria of the standing orders, and moves the money in the same pass. No fills are
    posted: they follow.

    What must hold; each line has a test of that name:
    EM-1  Money is conserved: balances, utility accounts and fee pool are together `held`, and the token balance
          of this contract is never less.
    EM-2  No balance is ever negative, whatever order debits come in.
    EM-3  No Wh is matched beyond a limit, the largest Wh of the order, the certified cap or the metered Wh.
    EM-4  Each zone's intervals are settled in order, each once, after they ended and before their deadline; a voided
          one is never settled.
    EM-5  There is one digest per zone and interval, and each names the one before it.
    EM-6  The price is the middle of the equilibrium interval inside the band; the marginal group shares by
          cumulative floors.
    EM-7  No act of a participant makes `settle` revert.
    EM-8  A live buyer can pay: balance >= largest Wh x retail cap x open intervals, for every order in force.
    EM-9  An order, a cancel, a withdrawal of reserve and a cap take effect in the first interval that starts at
          least one interval later; what is in force in an interval is fixed when it starts.
    EM-10 Who asks for the money gets what no open interval needs, after D, whatever an operator does.
    EM-11 Nobody is worse off than at the grid's tariff, fees included.
    EM-12 A batch counts only with a quorum of the seats of the epoch in which its interval ended.
    EM-13 If the utility account cannot cover the feed-in of a batch, no grid-sold Wh of it is credited until
          `payOwed` credits all of them, once.
    EM-14 A late Wh is paid at the tariff of its own interval, once per point and interval, up to the cap.
    EM-15 A signed order works once, for this contract on this chain, and none works after a later one.
    EM-16 Fees lie on matched Wh only; the fee pool leaves only through the council.

    Money is nano-currency, energy Wh, prices micro-currency per kWh: Wh x price is nano exactly. Written bounds:
    Wh < 2**24, prices < 2**48, so a row moves < 2**72; all money together is `held` < 2**80, so no balance can
    outgrow its 80 bits; at most 2,000 rows, so no sum of Wh exceeds 2**35.
@custom:kill Nothing stops the contract. If nobody settles, anyone voids after D, and everybody withdraws.
"""

from interfaces import ICouncil
from interfaces import IEnergyMarket
from interfaces import IRegistry
from interfaces import ISettlementToken
import typed_data

implements: IEnergyMarket
initializes: typed_data
exports: typed_data.DOMAIN_SEPARATOR

ORDER_TYPE: constant(bytes32) = keccak256(
    "Order(uint32 point,uint16 buy,uint16 sell,uint32 maxWh,uint32 until,uint64 nonce,uint64 deadline)"
)
CANCEL_TYPE: constant(bytes32) = keccak256("Cancel(uint32 point,uint64 nonce,uint64 deadline)")
WITHDRAWAL_TYPE: constant(bytes32) = keccak256(
    "Withdrawal(uint32 point,uint128 amount,address to,uint64 nonce,uint64 deadline)"
)
BATCH_TYPE: constant(bytes32) = keccak256(
    "Batch(uint32 zone,uint32 interval,uint32 round,uint64 price,uint64 buyAbove,uint64 buyAt,uint64 sellBelow,uint64 sellAt,uint256 tariff,bytes32 witnessRoot,bytes32 rows,bytes32 previous)"
)
LATE_TYPE: constant(bytes32) = keccak256(
    "Late(uint32 zone,uint32 interval,uint32 round,uint256 tariff,bytes32 witnessRoot,bytes32 rows)"
)

MAX_ROWS: constant(uint256) = 2000
MAX_WORDS: constant(uint256) = 500
MAX_SEATS: constant(uint256) = 100
MAX_POINTS_VIEW: constant(uint256) = 512

M10: constant(uint256) = 2**10 - 1
M16: constant(uint256) = 2**16 - 1
M24: constant(uint256) = 2**24 - 1
M32: constant(uint256) = 2**32 - 1
M48: constant(uint256) = 2**48 - 1
M64: constant(uint256) = 2**64 - 1
M76: constant(uint256) = 2**76 - 1
M80: constant(uint256) = 2**80 - 1
M128: constant(uint256) = 2**128 - 1
M192: constant(uint256) = 2**192 - 1
# The Wh of the four rows of a word.
LANES: constant(uint256) = 2**192 * M32 + 2**128 * M32 + 2**64 * M32 + M32

# A point's slot, from the lowest bit: balance 80; the order in force: buy 10, sell 10, largest Wh 24, until 32;
# certified cap 24; flags; last settled interval 32; zone 20.
ORDER_AT: constant(uint256) = 80
SELL_AT: constant(uint256) = 90
MAX_WH_AT: constant(uint256) = 100
UNTIL_AT: constant(uint256) = 124
CAP_AT: constant(uint256) = 156
LAST_AT: constant(uint256) = 204
ZONE_AT: constant(uint256) = 236
# The second slot holds orders that were not yet in force when the first was written. Without the flag it says nothing.
PENDING: constant(uint256) = 2**180
# A change of the cap waits in `capChange`.
CAP_PENDING: constant(uint256) = 2**181
# An order was placed or cancelled: the default orders are history.
TOUCHED: constant(uint256) = 2**182
WAITING: constant(uint256) = PENDING + CAP_PENDING

# A waiting order, two to the second slot, the earlier one low: the 76 bits of an order, first interval 32.
ENTRY_SELL_AT: constant(uint256) = 10
ENTRY_MAX_WH_AT: constant(uint256) = 20
ENTRY_UNTIL_AT: constant(uint256) = 44
ENTRY_FROM_AT: constant(uint256) = 76

# A zone's word, from the lowest bit: next interval 32, seconds of an interval 16, retail cap 48, tree 32, billed 1.
LENGTH_AT: constant(uint256) = 32
RETAIL_CAP_AT: constant(uint256) = 48
TREE_AT: constant(uint256) = 96
BILLED_AT: constant(uint256) = 128

# Limits are per mille of the band; this one means: the side is off.
SIDE_OFF: constant(uint256) = 1023
DEFAULT_LIMIT: constant(uint256) = 500
# Rank of a row in its side: 0 trades first, 1000 last, and this one not at all.
NO_RANK: constant(uint256) = 1001

TOKEN: immutable(ISettlementToken)
REGISTRY: immutable(IRegistry)
COUNCIL: immutable(ICouncil)

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
    header: Header
    # retail << 144 | feed-in << 96 | buy fee << 48 | sell fee
    tariff: uint256
    previous: bytes32

struct Signature:
    v: uint256
    r: bytes32
    s: bytes32

struct Withdrawal:
    to: address
    amount: uint256
    # First interval in which it is paid out.
    ready: uint256

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

# Arrays, not mappings: no hash per row.
slots: uint256[2**32]
pending: uint256[2**32]
# Point -> first interval << 24 | cap
capChange: HashMap[uint256, uint256]
zones: uint256[2**20]

lastDigest: public(reentrant(HashMap[uint256, bytes32]))
digestAt: public(reentrant(HashMap[uint256, HashMap[uint256, bytes32]]))
# Zone -> interval -> round -> digest
lateDigestAt: public(reentrant(HashMap[uint256, HashMap[uint256, HashMap[uint256, bytes32]]]))
# Point -> interval >> 8 -> bit per interval: settled late.
lateBits: HashMap[uint256, HashMap[uint256, uint256]]
owed: HashMap[bytes32, bool]

utilityBalance: public(reentrant(HashMap[uint256, uint256]))
# Tree -> nano that owed batches wait for; the utility cannot withdraw below it.
owedTotal: public(reentrant(HashMap[uint256, uint256]))
feePool: public(reentrant(uint256))
# All money on the ledger.
held: public(reentrant(uint256))
withdrawalOf: public(reentrant(HashMap[uint256, Withdrawal]))
# Point -> the last nonce used in a signature of its owner.
nonceOf: public(reentrant(HashMap[uint256, uint256]))


@deploy
def __init__(token_: address, registry_: address, council_: address):
    """
    @param token_ The SettlementToken this market keeps
    @param registry_ Where points, zones and tariffs come from
    @param council_ Who signs batches, and is paid for it
    """
    assert token_ != empty(address) and registry_ != empty(address) and council_ != empty(address), "market: zero address"
    typed_data.__init__("sunpile")
    TOKEN = ISettlementToken(token_)
    REGISTRY = IRegistry(registry_)
    COUNCIL = ICouncil(council_)


# ------------------------------------------------------------ from the registry


@external
def addZone(zone: uint256, tree: uint256, length: uint256, retail_cap: uint256, billed_by_retailer: bool):
    """
    @notice Open a zone; its first interval is the first one it could have a tariff for. Registry only
    """
    self._only_registry()
    self._require(self.zones[zone] == 0, "zone: already there")
    first: uint256 = (block.timestamp + 2 * length - 1) // length
    self.zones[zone] = (
        first
        | (length << LENGTH_AT)
        | (retail_cap << RETAIL_CAP_AT)
        | (tree << TREE_AT)
        | (convert(billed_by_retailer, uint256) << BILLED_AT)
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
    self._only_registry()
    self._require(self.slots[point] == 0, "point: already there")
    first: uint256 = self._terms(zone).effective
    # Settled up to the interval before its first: no row can name it earlier.
    self.slots[point] = (
        (zone << ZONE_AT)
        | (unsafe_sub(first, 1) << LAST_AT)
        | (cap << CAP_AT)
        | (self._entry(SIDE_OFF, DEFAULT_LIMIT, cap, M32, 0) << ORDER_AT)
    )
    log IEnergyMarket.PointAdded(point=point, zone=zone, cap=cap, fromInterval=first)
    self._log_order(point, SIDE_OFF, DEFAULT_LIMIT, cap, M32, first)


@external
def setCap(point: uint256, cap: uint256):
    """
    @notice Change a point's certified cap from the first effective interval on. Registry only
    """
    self._only_registry()
    terms: Terms = self._terms_of(point)
    slot: uint256 = self._fold(point, self.slots[point], terms.open)
    if slot & CAP_PENDING != 0:
        self._require(self.capChange[point] >> 24 == terms.effective, "cap: another change waits")
    self.capChange[point] = (terms.effective << 24) | cap
    self.slots[point] = slot | CAP_PENDING
    log IEnergyMarket.CapChanged(point=point, cap=cap, fromInterval=terms.effective)


# ---------------------------------------------------------------------- money in


@external
def deposit(point: uint256, amount: uint256):
    """
    @notice Put the caller's tokens on a point's account
    """
    self._credit(point, amount, msg.sender)
    self._take(amount)


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
    self._require(convert(nonce, uint256) >> 224 == point, "deposit: nonce of another point")
    self._credit(point, amount, owner)
    extcall TOKEN.receiveWithAuthorization(owner, self, amount, valid_after, valid_before, nonce, v, r, s)


@external
def depositUtility(tree: uint256, amount: uint256):
    """
    @notice Put the caller's tokens on the utility account of a tree
    """
    self._require(self._utility(tree) != empty(address), "tree: unknown")
    self._hold(amount)
    self.utilityBalance[tree] += amount
    log IEnergyMarket.UtilityDeposited(tree=tree, sender=msg.sender, amount=amount)
    self._take(amount)


@internal
def _take(amount: uint256):
    assert extcall TOKEN.transferFrom(msg.sender, self, amount)


@internal
def _pay(to: address, amount: uint256):
    self.held -= amount
    assert extcall TOKEN.transfer(to, amount)


@internal
def _hold(amount: uint256):
    self._require(amount != 0, "deposit: nothing")
    held: uint256 = self.held + amount
    self._require(held <= M80, "deposit: ledger is full")
    self.held = held


@internal
def _credit(point: uint256, amount: uint256, sender: address):
    """
    Books a deposit. The first one that covers the reserve turns buying on, where no order was ever placed.
    """
    self._hold(amount)
    terms: Terms = self._terms_of(point)
    slot: uint256 = unsafe_add(self._fold(point, self.slots[point], terms.open), amount)
    log IEnergyMarket.Deposited(point=point, sender=sender, amount=amount)
    if slot & TOUCHED == 0:
        cap: uint256 = (slot >> CAP_AT) & M24
        if slot & M80 >= cap * terms.rate:
            self.pending[point] = self._entry(DEFAULT_LIMIT, DEFAULT_LIMIT, cap, M32, terms.effective)
            slot |= TOUCHED | PENDING
            self._log_order(point, DEFAULT_LIMIT, DEFAULT_LIMIT, cap, M32, terms.effective)
    self.slots[point] = slot


# ------------------------------------------------------------------------ orders


@external
def placeOrder(point: uint256, buy: uint256, sell: uint256, max_wh: uint256, until: uint256):
    """
    @notice Place the standing order of a point, in force from the first effective interval on; its owner
    @param buy Highest price to buy at, per mille of the band (0 to 1000), or 1023: does not buy
    @param sell Lowest price to sell at, per mille of the band (0 to 1000), or 1023: does not sell
    @param max_wh An interval with more Wh than this is settled with the grid alone
    @param until Last interval in which the order is in force
    """
    self._only_owner(point)
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
    self._only_owner(point)
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
    self._require(block.timestamp <= deadline, "signature: expired")
    self._require(nonce > self.nonceOf[point] and nonce <= M64, "signature: nonce used")
    self.nonceOf[point] = nonce
    self._require(convert(s, uint256) <= typed_data.HALF_ORDER, "signature: high s")
    owner: address = self._owner(point)
    self._require(
        owner != empty(address) and ecrecover(typed_data._digest(struct_hash), v, r, s) == owner,
        "signature: not the owner",
    )


@internal
def _place(point: uint256, buy: uint256, sell: uint256, max_wh: uint256, until: uint256):
    self._require(buy <= 1000 or buy == SIDE_OFF, "order: not a buy limit")
    self._require(sell <= 1000 or sell == SIDE_OFF, "order: not a sell limit")
    self._require(max_wh != 0 and max_wh <= M24, "order: not a largest Wh")
    terms: Terms = self._terms_of(point)
    self._require(until >= terms.effective and until <= M32, "order: ends before it begins")
    slot: uint256 = self._fold(point, self.slots[point], terms.open)
    earlier: uint256 = 0
    word: uint256 = 0
    if slot & PENDING != 0:
        word = self.pending[point]
        if word >> 128 == 0:
            # An order that would begin in the same interval gives way to this one.
            if (word >> ENTRY_FROM_AT) & M32 != terms.effective:
                earlier = word
        else:
            self._require(word >> (128 + ENTRY_FROM_AT) == terms.effective, "order: two are waiting")
            earlier = word & M128
        if earlier == 0:
            slot ^= PENDING
        word = earlier
    entry: uint256 = self._entry(buy, sell, max_wh, until, terms.effective)
    if buy != SIDE_OFF:
        # The reserve of every order in force in an open interval, the new one included.
        reserve: uint256 = max(max_wh * terms.rate, self._reserve(slot, word, terms.open, terms.rate))
        self._require(slot & M80 >= reserve, "order: balance below the reserve")
    self.pending[point] = entry if earlier == 0 else earlier + (entry << 128)
    self.slots[point] = slot | PENDING | TOUCHED
    self._log_order(point, buy, sell, max_wh, until, terms.effective)


@internal
def _log_order(point: uint256, buy: uint256, sell: uint256, max_wh: uint256, until: uint256, begins: uint256):
    log IEnergyMarket.OrderPlaced(
        point=point, buy=buy, sell=sell, maxWh=max_wh, fromInterval=begins, until=until
    )


@internal
def _cancel(point: uint256):
    terms: Terms = self._terms_of(point)
    slot: uint256 = self._fold(point, self.slots[point], terms.open)
    self.slots[point] = self._cancelled(point, slot, terms.effective)


@internal
def _cancelled(point: uint256, slot: uint256, effective: uint256) -> uint256:
    last: uint256 = unsafe_sub(effective, 1)
    log IEnergyMarket.OrderCancelled(point=point, until=last)
    return self._stop(point, slot, last) | TOUCHED


# --------------------------------------------------------------------- money out


@external
def requestWithdrawal(point: uint256, amount: uint256, to: address):
    """
    @notice Ask for money, to be paid out after D; its owner. Never refused. A new request takes the place of the old
    @dev What reaches into the reserve stops the point's orders before the first effective interval.
    """
    self._only_owner(point)
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
    self._check(
        point, nonce, deadline, keccak256(abi_encode(WITHDRAWAL_TYPE, point, amount, to, nonce, deadline)), v, r, s
    )
    self._request(point, amount, to)


@external
def withdraw(point: uint256) -> uint256:
    """
    @notice Pay out what was asked for, less what open intervals still need; anyone, after D
    @return Nano paid
    """
    terms: Terms = self._terms_of(point)
    asked: Withdrawal = self.withdrawalOf[point]
    self._require(asked.amount != 0, "withdrawal: none asked for")
    self._require(terms.current >= asked.ready, "withdrawal: not yet")
    slot: uint256 = self._fold(point, self.slots[point], terms.open)
    balance: uint256 = slot & M80
    reserve: uint256 = self._reserve_of(point, slot, terms.open, terms.rate)
    self._require(balance > reserve, "withdrawal: all is reserve")
    amount: uint256 = min(asked.amount, unsafe_sub(balance, reserve))
    self.withdrawalOf[point] = empty(Withdrawal)
    self.slots[point] = unsafe_sub(slot, amount)
    log IEnergyMarket.Withdrawn(point=point, to=asked.to, amount=amount)
    self._pay(asked.to, amount)
    return amount


@external
def withdrawUtility(tree: uint256, amount: uint256):
    """
    @notice Pay out from the utility account of a tree what no owed batch waits for; the utility
    """
    self._require(msg.sender == self._utility(tree), "withdrawal: not the utility")
    balance: uint256 = self.utilityBalance[tree]
    self._require(balance >= amount + self.owedTotal[tree], "withdrawal: more than is free")
    self.utilityBalance[tree] = unsafe_sub(balance, amount)
    log IEnergyMarket.UtilityWithdrawn(tree=tree, to=msg.sender, amount=amount)
    self._pay(msg.sender, amount)


@external
def payReward(to: address, amount: uint256):
    """
    @notice Pay an authenticator out of the fee pool. Council only
    """
    self._require(msg.sender == COUNCIL.address, "market: not the council")
    pool: uint256 = self.feePool
    self._require(amount <= pool, "market: more than the fee pool")
    self.feePool = unsafe_sub(pool, amount)
    log IEnergyMarket.RewardPaid(to=to, amount=amount)
    self._pay(to, amount)


@internal
def _request(point: uint256, amount: uint256, to: address):
    self._require(amount != 0, "withdrawal: nothing")
    self._require(to != empty(address) and to != self, "withdrawal: not a payee")
    terms: Terms = self._terms_of(point)
    slot: uint256 = self._fold(point, self.slots[point], terms.open)
    balance: uint256 = slot & M80
    reserve: uint256 = self._reserve_of(point, slot, terms.open, terms.rate)
    if reserve != 0 and (balance < reserve or unsafe_sub(balance, reserve) < amount):
        slot = self._cancelled(point, slot, terms.effective)
    self.slots[point] = slot
    ready: uint256 = terms.effective + terms.deadline
    self.withdrawalOf[point] = Withdrawal(to=to, amount=amount, ready=ready)
    log IEnergyMarket.WithdrawalRequested(point=point, to=to, amount=amount, readyInterval=ready)


# ------------------------------------------------------------------------ settle


@external
def settle(
    header: Header,
    rows: DynArray[uint256, MAX_WORDS],
    mask: uint256,
    signatures: DynArray[Signature, MAX_SEATS],
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
    word: uint256 = self.zones[zone]
    self._require(word != 0, "zone: unknown")
    tree: uint256 = (word >> TREE_AT) & M32
    current: uint256 = self._check_time(word, tree, interval)
    self._require(header.round <= M32, "header: round too large")
    tariff: uint256 = staticcall REGISTRY.tariffOf(tree, header.tariffIndex, interval) & M192

    # What is matched, and where in the per mille of the band the price lies.
    volume: uint256 = 0
    first_at: uint256 = 0
    first_above: uint256 = 0
    # No order is in force where there is no band.
    in_force: uint256 = M32 + 1
    retail: uint256 = tariff >> 144
    feed_in: uint256 = (tariff >> 96) & M48
    buy_fee: uint256 = (tariff >> 48) & M48
    sell_fee: uint256 = tariff & M48
    low: uint256 = unsafe_add(feed_in, sell_fee)
    band: uint256 = unsafe_sub(unsafe_sub(retail, buy_fee), low)
    if unsafe_add(low, buy_fee) <= retail:
        in_force = interval
        volume, first_at, first_above = self._thresholds(header, low, band)
    else:
        self._require(
            header.price | header.buyAbove | header.buyAt | header.sellBelow | header.sellAt == 0,
            "price: there is no band",
        )
    buy_price: uint256 = unsafe_add(header.price, buy_fee)
    sell_price: uint256 = unsafe_sub(header.price, sell_fee)

    sold: uint256 = 0
    rows_hash: bytes32 = empty(bytes32)
    sold, rows_hash = self._check_rows(rows, header.buyers, header.sellers)
    digest: bytes32 = self._batch_digest(header, tariff, rows_hash, self.lastDigest[zone])
    epoch: uint256 = self._attest(
        digest, unsafe_mul(unsafe_add(interval, 1), (word >> LENGTH_AT) & M16), mask, signatures
    )

    # From here on every row is read once and written once.
    rate: uint256 = self._rate(word)
    zone_key: uint256 = zone << 32
    if (word >> BILLED_AT) & 1 == 1:
        retail = 0
        feed_in = 0
    key: uint256 = 0
    better: uint256 = 0
    marginal: uint256 = 0
    rest: uint256 = 0
    filled: uint256 = 0
    share: uint256 = unsafe_sub(volume, header.buyAbove)
    group: uint256 = header.buyAt
    bound: uint256 = unsafe_sub(NO_RANK, first_above)
    bound_at: uint256 = unsafe_sub(NO_RANK, first_at)
    # Rank of the last strictly better row, and of the first live one behind the marginal group.
    buy_last: uint256 = NO_RANK
    buy_next: uint256 = NO_RANK
    unpaid: uint256 = 0
    for i: uint256 in range(header.buyers, bound=MAX_ROWS):
        row: uint256 = rows[i >> 2] >> (((i & 3) ^ 3) << 6)
        point: uint256 = (row >> 32) & M32
        wh: uint256 = row & M32
        slot: uint256 = self.slots[point]
        # Zone and last interval in one look: another zone gives a number far too large.
        last: uint256 = unsafe_sub(slot >> LAST_AT, zone_key)
        if last >= interval:
            self._refuse_point(slot, zone)
        if slot & WAITING != 0:
            slot = self._fold(point, slot, interval)
        if unsafe_sub(wh, 1) >= (slot >> CAP_AT) & M24:
            self._refuse_wh(wh)
        max_wh: uint256 = (slot >> MAX_WH_AT) & M24
        rank: uint256 = NO_RANK
        if wh <= max_wh and (slot >> UNTIL_AT) & M32 >= in_force:
            rank = min(unsafe_sub(1000, (slot >> ORDER_AT) & M10), NO_RANK)
        if (rank << 32) | point <= key:
            raise "rows: out of order"
        key = (rank << 32) | point

        due: uint256 = 0
        if rank < bound:
            better = unsafe_add(better, wh)
            buy_last = rank
            due = unsafe_mul(wh, buy_price)
        elif rank < bound_at:
            marginal = unsafe_add(marginal, wh)
            above: uint256 = unsafe_div(unsafe_mul(share, marginal), group)
            fill: uint256 = unsafe_sub(above, filled)
            filled = above
            due = unsafe_add(unsafe_mul(fill, buy_price), unsafe_mul(unsafe_sub(wh, fill), retail))
        else:
            rest = unsafe_add(rest, wh)
            due = unsafe_mul(wh, retail)
            if rank < buy_next:
                buy_next = rank
        if rank == NO_RANK:
            # Takes only what no order in force needs.
            short: uint256 = self._short(point, slot, due, interval, interval, rate)
            unpaid = unsafe_add(unpaid, short)
            due = unsafe_sub(due, short)
        elif slot & M80 < unsafe_add(due, unsafe_mul(max_wh, rate)) or slot & PENDING != 0:
            slot = self._keep_reserve(point, slot, due, interval, current, rate)
        self.slots[point] = unsafe_sub(unsafe_add(slot, unsafe_sub(interval, last) << LAST_AT), due)
    self._require(better == header.buyAbove and marginal == header.buyAt, "group: wrong buy totals")

    # The utility account covers the feed-in of the whole batch, or none of it now.
    rest = unsafe_add(rest, unsafe_add(better, marginal))
    sold = unsafe_sub(sold, rest)
    income: uint256 = unsafe_sub(unsafe_mul(unsafe_sub(rest, volume), retail), unpaid)
    cost: uint256 = unsafe_mul(unsafe_sub(sold, volume), feed_in)
    is_owed: bool = self._book_grid(tree, income, cost, digest)
    if is_owed:
        feed_in = 0
        cost = 0

    key = 0
    better = 0
    marginal = 0
    filled = 0
    share = unsafe_sub(volume, header.sellBelow)
    group = header.sellAt
    sell_last: uint256 = NO_RANK
    sell_next: uint256 = NO_RANK
    for i: uint256 in range(header.sellers, bound=MAX_ROWS):
        at: uint256 = unsafe_add(i, header.buyers)
        row: uint256 = rows[at >> 2] >> (((at & 3) ^ 3) << 6)
        point: uint256 = (row >> 32) & M32
        wh: uint256 = row & M32
        slot: uint256 = self.slots[point]
        last: uint256 = unsafe_sub(slot >> LAST_AT, zone_key)
        if last >= interval:
            self._refuse_point(slot, zone)
        if slot & WAITING != 0:
            slot = self._fold(point, slot, interval)
        if unsafe_sub(wh, 1) >= (slot >> CAP_AT) & M24:
            self._refuse_wh(wh)
        rank: uint256 = NO_RANK
        if wh <= (slot >> MAX_WH_AT) & M24 and (slot >> UNTIL_AT) & M32 >= in_force:
            rank = min((slot >> SELL_AT) & M10, NO_RANK)
        if (rank << 32) | point <= key:
            raise "rows: out of order"
        key = (rank << 32) | point

        credit: uint256 = 0
        if rank < first_at:
            better = unsafe_add(better, wh)
            sell_last = rank
            credit = unsafe_mul(wh, sell_price)
        elif rank < first_above:
            marginal = unsafe_add(marginal, wh)
            above: uint256 = unsafe_div(unsafe_mul(share, marginal), group)
            fill: uint256 = unsafe_sub(above, filled)
            filled = above
            credit = unsafe_add(unsafe_mul(fill, sell_price), unsafe_mul(unsafe_sub(wh, fill), feed_in))
        else:
            credit = unsafe_mul(wh, feed_in)
            if rank < sell_next:
                sell_next = rank
        self.slots[point] = unsafe_add(unsafe_add(slot, unsafe_sub(interval, last) << LAST_AT), credit)
    self._require(better == header.sellBelow and marginal == header.sellAt, "group: wrong sell totals")
    if in_force == interval:
        self._check_middle(header, low, band, buy_last, buy_next, sell_last, sell_next)

    self.zones[zone] = unsafe_add(unsafe_sub(word, word & M32), unsafe_add(interval, 1))
    self.lastDigest[zone] = digest
    self.digestAt[zone][interval] = digest
    fees: uint256 = unsafe_mul(volume, unsafe_add(buy_fee, sell_fee))
    self.feePool = unsafe_add(self.feePool, fees)
    extcall COUNCIL.onBatch(epoch, mask, fees)
    log IEnergyMarket.BatchSettled(
        zone=zone,
        interval=interval,
        round=header.round,
        price=header.price,
        volume=volume,
        digest=digest,
        witnessRoot=header.witnessRoot,
        mask=mask,
        owed=is_owed,
        fees=fees,
        gridIncome=income,
        gridCost=cost,
    )


@external
def settleLate(
    header: LateHeader,
    rows: DynArray[uint256, MAX_WORDS],
    mask: uint256,
    signatures: DynArray[Signature, MAX_SEATS],
):
    """
    @notice Settle Wh that came after the batch of their interval, with the grid alone, at the tariff of that interval
    @param rows As in `settle`: importing points rising, then exporting points rising
    """
    zone: uint256 = header.zone
    interval: uint256 = header.interval
    word: uint256 = self.zones[zone]
    self._require(word != 0, "zone: unknown")
    self._require(interval < word & M32, "late: the interval is still open")
    self._require(header.round <= M32, "header: round too large")
    self._require(self.lateDigestAt[zone][interval][header.round] == empty(bytes32), "late: round already settled")
    tree: uint256 = (word >> TREE_AT) & M32
    tariff: uint256 = staticcall REGISTRY.tariffOf(tree, header.tariffIndex, interval) & M192
    total: uint256 = 0
    rows_hash: bytes32 = empty(bytes32)
    total, rows_hash = self._check_rows(rows, header.buyers, header.sellers)
    digest: bytes32 = self._late_digest(zone, interval, header.round, tariff, header.witnessRoot, rows_hash)
    self._attest(digest, (interval + 1) * ((word >> LENGTH_AT) & M16), mask, signatures)
    self.lateDigestAt[zone][interval][header.round] = digest

    billed: bool = (word >> BILLED_AT) & 1 == 1
    retail: uint256 = 0 if billed else tariff >> 144
    feed_in: uint256 = 0 if billed else (tariff >> 96) & M48
    rate: uint256 = self._rate(word)
    open: uint256 = self._terms(zone).open
    bought: uint256 = 0
    unpaid: uint256 = 0
    previous: uint256 = 0
    for i: uint256 in range(header.buyers, bound=MAX_ROWS):
        point: uint256 = 0
        wh: uint256 = 0
        point, wh = self._late_row(rows[i >> 2] >> (((i & 3) ^ 3) << 6), previous, zone, interval)
        previous = point
        bought = unsafe_add(bought, wh)
        slot: uint256 = self._fold(point, self.slots[point], open)
        due: uint256 = unsafe_mul(wh, retail)
        short: uint256 = self._short(point, slot, due, interval, open, rate)
        unpaid = unsafe_add(unpaid, short)
        self.slots[point] = unsafe_sub(slot, unsafe_sub(due, short))

    income: uint256 = unsafe_sub(unsafe_mul(bought, retail), unpaid)
    cost: uint256 = unsafe_mul(unsafe_sub(total, bought), feed_in)
    is_owed: bool = self._book_grid(tree, income, cost, digest)
    if is_owed:
        feed_in = 0
        cost = 0
    previous = 0
    for i: uint256 in range(header.sellers, bound=MAX_ROWS):
        at: uint256 = unsafe_add(i, header.buyers)
        point: uint256 = 0
        wh: uint256 = 0
        point, wh = self._late_row(rows[at >> 2] >> (((at & 3) ^ 3) << 6), previous, zone, interval)
        previous = point
        self.slots[point] = unsafe_add(self.slots[point], unsafe_mul(wh, feed_in))
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


@external
def payOwed(batch: OwedBatch, rows: DynArray[uint256, MAX_WORDS]):
    """
    @notice Credit the grid-sold Wh of an owed batch, all at once; anyone, as soon as the utility account covers them
    @param batch What its digest was made of
    """
    header: Header = batch.header
    rows_hash: bytes32 = self._check_rows(rows, header.buyers, header.sellers)[1]
    digest: bytes32 = empty(bytes32)
    below: uint256 = 0
    marginal: uint256 = 0
    share: uint256 = 0
    if batch.late:
        # Nothing of it is matched, and its digest says nothing of totals.
        digest = self._late_digest(
            header.zone, header.interval, header.round, batch.tariff, header.witnessRoot, rows_hash
        )
    else:
        digest = self._batch_digest(header, batch.tariff, rows_hash, batch.previous)
        below = header.sellBelow
        marginal = header.sellAt
        share = unsafe_sub(self._volume(header), below)
    # The digest vouches for every number from here on.
    self._require(self.owed[digest], "owed: no such batch")
    self.owed[digest] = False
    feed_in: uint256 = (batch.tariff >> 96) & M48
    total: uint256 = 0
    sold: uint256 = 0
    filled: uint256 = 0
    for i: uint256 in range(header.sellers, bound=MAX_ROWS):
        at: uint256 = unsafe_add(i, header.buyers)
        row: uint256 = rows[at >> 2] >> (((at & 3) ^ 3) << 6)
        wh: uint256 = row & M32
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
        self.slots[(row >> 32) & M32] = unsafe_add(self.slots[(row >> 32) & M32], nano)
    tree: uint256 = (self.zones[header.zone] >> TREE_AT) & M32
    balance: uint256 = self.utilityBalance[tree]
    self._require(balance >= total, "owed: the utility is short")
    self.utilityBalance[tree] = unsafe_sub(balance, total)
    self.owedTotal[tree] -= total
    log IEnergyMarket.OwedPaid(zone=header.zone, interval=header.interval, digest=digest, nano=total)


@external
def void(zone: uint256, interval: uint256):
    """
    @notice Give up every interval of a zone up to this one that was not settled before its deadline; anyone.
        Its Wh are settled late
    """
    word: uint256 = self.zones[zone]
    self._require(word != 0, "zone: unknown")
    first: uint256 = word & M32
    self._require(interval >= first, "void: settled or voided before")
    terms: Terms = self._terms(zone)
    self._require(terms.current > interval + terms.deadline, "void: not past its deadline")
    self.zones[zone] = unsafe_add(unsafe_sub(word, first), unsafe_add(interval, 1))
    log IEnergyMarket.Voided(zone=zone, first=first, last=interval)


# ------------------------------------------------------------------ settle, inside


@internal
@view
def _check_time(word: uint256, tree: uint256, interval: uint256) -> uint256:
    """
    The next interval, ended, not past its deadline.
    @return The interval that holds this moment
    """
    if interval != word & M32:
        # A zone begins with the first tariff of its tree.
        start: uint256 = staticcall REGISTRY.tariffStart(tree)
        self._require(start > word & M32 and interval == start, "interval: not the next")
    length: uint256 = (word >> LENGTH_AT) & M16
    current: uint256 = unsafe_div(block.timestamp, length)
    self._require(current > interval, "interval: not ended")
    self._require(current <= unsafe_add(interval, self._deadline(length)), "interval: past its deadline")
    return current


@internal
@pure
def _volume(header: Header) -> uint256:
    return min(unsafe_add(header.buyAbove, header.buyAt), unsafe_add(header.sellBelow, header.sellAt))


@internal
@pure
def _thresholds(header: Header, low: uint256, band: uint256) -> (uint256, uint256, uint256):
    """
    @return Volume; first per mille with a limit price >= the price; first per mille with one above it
    """
    # A price below the band wraps around to a number far above it.
    offset: uint256 = unsafe_sub(header.price, low)
    self._require(offset <= band, "price: outside the band")
    # Keeps every product of the pass far from 2**256.
    self._require(
        header.buyAbove | header.buyAt | header.sellBelow | header.sellAt <= M64, "group: too large"
    )
    volume: uint256 = self._volume(header)
    self._require(max(header.buyAbove, header.sellBelow) <= volume, "price: not an equilibrium")
    if band == 0:
        return volume, 0, NO_RANK
    # limit price >= x means band * per mille >= 1000 * (x - low).
    up: uint256 = unsafe_add(unsafe_mul(offset, 1000), unsafe_sub(band, 1))
    return volume, unsafe_div(up, band), min(unsafe_div(unsafe_add(up, 1000), band), NO_RANK)


@internal
@pure
def _check_middle(
    header: Header,
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
        if buy_next != NO_RANK:
            per_mille = unsafe_sub(1000, buy_next)
        if sell_last != NO_RANK:
            per_mille = max(per_mille, sell_last)
        lowest = unsafe_div(unsafe_mul(band, per_mille), 1000)
    highest: uint256 = offset
    if unsafe_add(header.sellBelow, header.sellAt) == header.buyAbove:
        per_mille: uint256 = min(sell_next, 1000)
        if buy_last != NO_RANK:
            per_mille = min(per_mille, unsafe_sub(1000, buy_last))
        highest = unsafe_div(unsafe_mul(band, per_mille), 1000)
    self._require(offset == unsafe_add(lowest, highest) >> 1, "price: not the middle")


@internal
@pure
def _check_rows(rows: DynArray[uint256, MAX_WORDS], buyers: uint256, sellers: uint256) -> (uint256, bytes32):
    """
    @return Wh of all rows; keccak256(buyers, sellers, words)
    """
    self._require(buyers <= MAX_ROWS and sellers <= MAX_ROWS - buyers, "rows: too many")
    count: uint256 = buyers + sellers
    self._require(len(rows) == (count + 3) >> 2, "rows: wrong count")
    if count & 3 != 0:
        self._require(rows[len(rows) - 1] << (64 * (count & 3)) == 0, "rows: padding is not zero")
    # Four sums side by side; none can reach 64 bits.
    lanes: uint256 = 0
    for word: uint256 in rows:
        lanes = unsafe_add(lanes, word & LANES)
    total: uint256 = (lanes >> 192) + ((lanes >> 128) & M64) + ((lanes >> 64) & M64) + (lanes & M64)
    words: Bytes[32 * MAX_WORDS + 64] = abi_encode(rows)
    return total, keccak256(
        concat(convert(buyers, bytes32), convert(sellers, bytes32), slice(words, 64, 32 * len(rows)))
    )


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
    epoch: uint256 = staticcall COUNCIL.epochOf(ended)
    seats: DynArray[address, MAX_SEATS] = staticcall COUNCIL.seatsAt(epoch)
    self._require(mask >> len(seats) == 0, "council: no such seat")
    digest: bytes32 = typed_data._digest(struct_hash)
    count: uint256 = 0
    for i: uint256 in range(len(seats), bound=MAX_SEATS):
        if (mask >> i) & 1 == 1:
            self._require(count < len(signatures), "council: a signature is missing")
            signature: Signature = signatures[count]
            # An invalid signature recovers the zero address, which is no seat.
            self._require(
                ecrecover(digest, signature.v, signature.r, signature.s) == seats[i], "council: wrong signature"
            )
            count = unsafe_add(count, 1)
    self._require(count == len(signatures), "council: a signature too many")
    self._require(count >= staticcall COUNCIL.quorum(epoch), "council: no quorum")
    return epoch


@internal
def _book_grid(tree: uint256, income: uint256, cost: uint256, digest: bytes32) -> bool:
    """
    Books the grid's side of a batch on the utility account.
    @return True if the account cannot cover the cost: nothing of it is credited now
    """
    if income == 0 and cost == 0:
        return False
    balance: uint256 = self.utilityBalance[tree] + income
    if balance >= cost:
        self.utilityBalance[tree] = unsafe_sub(balance, cost)
        return False
    self.utilityBalance[tree] = balance
    self.owed[digest] = True
    self.owedTotal[tree] += cost
    return True


@internal
def _late_row(row: uint256, previous: uint256, zone: uint256, interval: uint256) -> (uint256, uint256):
    """
    Checks and marks a late row.
    @return Point, Wh
    """
    point: uint256 = (row >> 32) & M32
    wh: uint256 = row & M32
    slot: uint256 = self.slots[point]
    self._require(point > previous, "rows: out of order")
    self._require(slot >> ZONE_AT == zone, "row: wrong zone")
    self._require((slot >> LAST_AT) & M32 != interval, "row: point already settled")
    if wh == 0 or wh > (slot >> CAP_AT) & M24:
        self._refuse_wh(wh)
    bits: uint256 = self.lateBits[point][interval >> 8]
    bit: uint256 = 1 << (interval & 255)
    self._require(bits & bit == 0, "row: point already settled late")
    self.lateBits[point][interval >> 8] = bits | bit
    return point, wh


@internal
@view
def _only_registry():
    self._require(msg.sender == REGISTRY.address, "market: not the registry")


@internal
@view
def _only_owner(point: uint256):
    self._require(msg.sender == self._owner(point), "market: not the owner")


@internal
@view
def _utility(tree: uint256) -> address:
    return staticcall REGISTRY.utilityOf(tree)


@internal
@view
def _owner(point: uint256) -> address:
    return staticcall REGISTRY.ownerOf(point)


@internal
@pure
def _require(holds: bool, reason: String[32]):
    """
    An assertion; one place for all keeps the code small.
    """
    assert holds, reason


@internal
@pure
def _refuse_point(slot: uint256, zone: uint256):
    self._require(slot >> ZONE_AT == zone, "row: wrong zone")
    raise "row: point already settled"


@internal
@pure
def _refuse_wh(wh: uint256):
    self._require(wh != 0, "row: no Wh")
    raise "row: above cap"


# -------------------------------------------------------- orders and reserve, inside


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
    return unsafe_mul(
        (word >> RETAIL_CAP_AT) & M48, unsafe_add(self._deadline((word >> LENGTH_AT) & M16), 1)
    )


@internal
@view
def _terms(zone: uint256) -> Terms:
    word: uint256 = self.zones[zone]
    length: uint256 = (word >> LENGTH_AT) & M16
    self._require(length != 0, "zone: unknown")
    deadline: uint256 = self._deadline(length)
    current: uint256 = block.timestamp // length
    return Terms(
        tree=(word >> TREE_AT) & M32,
        length=length,
        deadline=deadline,
        rate=self._rate(word),
        current=current,
        effective=(block.timestamp + 2 * length - 1) // length,
        # A new zone begins in the future.
        open=max(min(word & M32, current), current - deadline),
    )


@internal
@view
def _terms_of(point: uint256) -> Terms:
    self._require(point <= M32 and self.slots[point] != 0, "point: unknown")
    return self._terms(self.slots[point] >> ZONE_AT)


@internal
@pure
def _entry(buy: uint256, sell: uint256, max_wh: uint256, until: uint256, begins: uint256) -> uint256:
    return (
        buy
        | (sell << ENTRY_SELL_AT)
        | (max_wh << ENTRY_MAX_WH_AT)
        | (until << ENTRY_UNTIL_AT)
        | (begins << ENTRY_FROM_AT)
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
    if slot & PENDING != 0:
        entry: uint256 = 0
        second: uint256 = waiting >> 128
        if second != 0 and second >> ENTRY_FROM_AT <= interval:
            entry = second
            left = 0
        elif (waiting & M128) >> ENTRY_FROM_AT <= interval:
            entry = waiting & M128
            left = second
        if entry != 0:
            new = (new & ~(M76 << ORDER_AT)) | ((entry & M76) << ORDER_AT)
            if left == 0:
                new ^= PENDING
    if slot & CAP_PENDING != 0 and change >> 24 <= interval:
        new = (new & ~(M24 << CAP_AT) ^ CAP_PENDING) | ((change & M24) << CAP_AT)
    return new, left


@internal
def _fold(point: uint256, slot: uint256, interval: uint256) -> uint256:
    """
    As `_folded`, and writes the second slot if an order still waits in it. The caller writes the first.
    """
    if slot & WAITING == 0:
        return slot
    waiting: uint256 = self.pending[point]
    change: uint256 = 0
    if slot & CAP_PENDING != 0:
        change = self.capChange[point]
    new: uint256 = 0
    left: uint256 = 0
    new, left = self._folded(slot, waiting, change, interval)
    if new & PENDING != 0 and left != waiting:
        self.pending[point] = left
    return new


@internal
@pure
def _ended(entry: uint256, last: uint256) -> uint256:
    """
    A waiting order that ends with interval `last`; nothing if it would begin later.
    """
    if entry >> ENTRY_FROM_AT > last:
        return 0
    until: uint256 = (entry >> ENTRY_UNTIL_AT) & M32
    return unsafe_sub(entry, unsafe_sub(until, min(until, last)) << ENTRY_UNTIL_AT)


@internal
def _stop(point: uint256, slot: uint256, last: uint256) -> uint256:
    """
    No order of the point is in force after interval `last`.
    """
    until: uint256 = (slot >> UNTIL_AT) & M32
    new: uint256 = unsafe_sub(slot, unsafe_sub(until, min(until, last)) << UNTIL_AT)
    if slot & PENDING != 0:
        waiting: uint256 = self.pending[point]
        first: uint256 = self._ended(waiting & M128, last)
        second: uint256 = self._ended(waiting >> 128, last)
        if first == 0:
            new ^= PENDING
        elif first + (second << 128) != waiting:
            self.pending[point] = first + (second << 128)
    return new


@internal
@pure
def _reserve(slot: uint256, waiting: uint256, interval: uint256, rate: uint256) -> uint256:
    """
    What the orders in force in `interval` or later need: only buying needs a reserve.
    """
    most: uint256 = 0
    if (slot >> UNTIL_AT) & M32 >= interval and (slot >> ORDER_AT) & M10 != SIDE_OFF:
        most = (slot >> MAX_WH_AT) & M24
    if slot & PENDING != 0:
        for entry: uint256 in [waiting & M128, waiting >> 128]:
            if entry != 0 and (entry >> ENTRY_UNTIL_AT) & M32 >= interval and entry & M10 != SIDE_OFF:
                most = max(most, (entry >> ENTRY_MAX_WH_AT) & M24)
    return unsafe_mul(most, rate)


@internal
@view
def _reserve_of(point: uint256, slot: uint256, interval: uint256, rate: uint256) -> uint256:
    waiting: uint256 = 0
    if slot & PENDING != 0:
        waiting = self.pending[point]
    return self._reserve(slot, waiting, interval, rate)


@internal
def _short(
    point: uint256, slot: uint256, due: uint256, interval: uint256, open: uint256, rate: uint256
) -> uint256:
    """
    What the balance above the reserve does not cover of a debit: the utility's claim outside the chain.
    """
    needed: uint256 = unsafe_add(due, self._reserve_of(point, slot, open, rate))
    balance: uint256 = slot & M80
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
    balance: uint256 = slot & M80
    # EM-8: it held a retail cap for each open interval.
    self._require(due <= balance, "reserve: below what was promised")
    if unsafe_sub(balance, due) >= self._reserve_of(point, slot, interval, rate):
        return slot
    waiting: uint256 = self.pending[point]
    new: uint256 = self._stop(point, slot, current)
    if new != slot or self.pending[point] != waiting:
        log IEnergyMarket.OrderCut(point=point, until=current)
    return new


# ------------------------------------------------------------------------- views


@external
@view
@reentrant
def balanceOf(point: uint256) -> uint256:
    """
    @notice Nano on a point's account
    """
    return self.slots[point] & M80


@external
@view
@reentrant
def slotOf(point: uint256) -> (uint256, uint256):
    """
    @notice A point's two words, as they lie in storage
    """
    return self.slots[point], self.pending[point]


@external
@view
@reentrant
def orderAt(point: uint256, interval: uint256) -> (uint256, uint256, uint256, bool, uint256):
    """
    @notice The order in force in an interval that has begun and is not settled yet
    @return Buy limit, sell limit (per mille or 1023), largest Wh, whether it is in force, certified cap
    """
    slot: uint256 = self._slot_at(point, interval)
    return (
        (slot >> ORDER_AT) & M10,
        (slot >> SELL_AT) & M10,
        (slot >> MAX_WH_AT) & M24,
        (slot >> UNTIL_AT) & M32 >= interval,
        (slot >> CAP_AT) & M24,
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
        slot: uint256 = self._slot_at(point, interval)
        words.append(
            (convert((slot >> UNTIL_AT) & M32 >= interval, uint256) << 68)
            | (((slot >> ORDER_AT) & M10) << 58)
            | (((slot >> SELL_AT) & M10) << 48)
            | (((slot >> MAX_WH_AT) & M24) << 24)
            | ((slot >> CAP_AT) & M24)
        )
    return words


@external
@view
@reentrant
def reserveOf(point: uint256) -> uint256:
    """
    @notice Nano that the orders of a point need, now or waiting
    """
    terms: Terms = self._terms_of(point)
    return self._reserve_of(point, self.slots[point], terms.open, terms.rate)


@external
@view
@reentrant
def reserveFor(zone: uint256, max_wh: uint256) -> uint256:
    """
    @notice Nano a buying order of that largest Wh needs in a zone
    """
    return max_wh * self._terms(zone).rate


@external
@view
@reentrant
def nextInterval(zone: uint256) -> uint256:
    """
    @notice The interval the zone's next batch must be of
    """
    word: uint256 = self.zones[zone]
    return max(word & M32, staticcall REGISTRY.tariffStart((word >> TREE_AT) & M32))


@external
@view
@reentrant
def firstEffective(zone: uint256) -> uint256:
    """
    @notice The interval in which an order placed now begins
    """
    return self._terms(zone).effective


@external
@view
@reentrant
def settledLate(point: uint256, interval: uint256) -> bool:
    """
    @notice Whether the point's Wh of an interval were settled late
    """
    return (self.lateBits[point][interval >> 8] >> (interval & 255)) & 1 == 1


@external
@view
@reentrant
def isOwed(digest: bytes32) -> bool:
    """
    @notice Whether a batch waits for the utility account
    """
    return self.owed[digest]


@internal
@view
def _slot_at(point: uint256, interval: uint256) -> uint256:
    slot: uint256 = self.slots[point]
    return self._folded(slot, self.pending[point], self.capChange[point], interval)[0]
