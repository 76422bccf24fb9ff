# pragma version 0.4.3
# @license Apache-2.0
"""
@title Council: who authenticates trades, and what they earn by it
@notice The first council: its seats are fixed at deployment. It stands behind the interface the elected one
    will have: seats and quorum are asked for by epoch, validators are asked for by the chain engine.

    What must hold; each line has a test of that name:
    CO-1  The council is never empty: 4 to 100 distinct seats, none the zero address, the same in every epoch.
    CO-2  A quorum is floor(2N/3) + 1 seats, so any two quorums share more than a third of the seats.
    CO-3  Rewards and what is carried over are together exactly what came in less what was claimed; after a
          signed batch the carry is less than one nano per signer (more only while a lane is full).
    CO-4  The signers of a batch share alike; bits that name no seat get nothing; a batch that nobody signed
          is carried to the next.
    CO-5  Only the market credits rewards. The deployer names it once; after that nobody has a special right.
    CO-6  A seat draws its own rewards only, each nano once, whatever the market does during the call.
    CO-7  onBatch never reverts for the market, whatever epoch and mask it brings, while amount and carry are
          together below 2**96 nano: no seat can stop a settlement, not even by never claiming.
    CO-8  The chain engine gets every seat with a consensus key of its own, or nobody (and keeps its set).

    A stolen seat key can sign what its owner could; a fixed council cannot replace it, the elected one can.
    The market keeps the money; it is paid out by `claim` alone.
@custom:kill Nothing stops the contract.
"""

from interfaces import ICouncil

implements: ICouncil

interface Market:
    def payReward(to: address, amount: uint256): nonpayable

MAX_SEATS: constant(uint256) = 100
# Rewards are four to a word, so that a batch of four signers writes one word and the carry.
LANES: constant(uint256) = 4
WORDS: constant(uint256) = 25
LANE_BITS: constant(uint256) = 64
LANE_MAX: constant(uint256) = 2**64 - 1
ADDRESS_MAX: constant(uint256) = 2**160 - 1
CARRY_SHIFT: constant(uint256) = 160
# CometBFT counts votes; every fixed seat has one.
POWER: constant(uint64) = 1

EPOCH_LENGTH: immutable(uint256)
SEATS: immutable(DynArray[address, MAX_SEATS])
ALL_SEATS: immutable(uint256)
DEPLOYER: immutable(address)

# One word, because onBatch needs both: market's address (low 160 bits), carry in nano (high 96).
book: uint256
# Nano owed to each seat, 64 bits each, seat i in word i // 4.
owed: uint256[WORDS]
# Seat -> its index plus one.
place: HashMap[address, uint256]
consensusKey: public(HashMap[address, bytes32])
keyTaken: HashMap[bytes32, bool]


@deploy
def __init__(seats: DynArray[address, MAX_SEATS], epoch_length: uint256):
    """
    @param seats Who may sign batches, in the order the bits of a mask count them
    @param epoch_length Seconds of an epoch
    """
    assert len(seats) >= 4, "council: fewer than four seats"
    assert epoch_length != 0, "council: no epoch length"
    index: uint256 = 0
    for seat: address in seats:
        assert seat != empty(address), "council: zero address"
        assert self.place[seat] == 0, "council: seat twice"
        index += 1
        self.place[seat] = index
    EPOCH_LENGTH = epoch_length
    SEATS = seats
    ALL_SEATS = (1 << len(seats)) - 1
    DEPLOYER = msg.sender


# ------------------------------------------------------------------- seats


@external
@view
def epochLength() -> uint256:
    """
    @notice Seconds of an epoch
    """
    return EPOCH_LENGTH


@external
@view
def epochOf(timestamp: uint256) -> uint256:
    """
    @notice The epoch a moment (Unix seconds) lies in
    """
    return timestamp // EPOCH_LENGTH


@external
@view
def seatsAt(epoch: uint256) -> DynArray[address, MAX_SEATS]:
    """
    @notice The seats of an epoch, in the order the bits of a mask count them
    """
    return SEATS


@external
@view
def quorum(epoch: uint256) -> uint256:
    """
    @notice How many seats must sign a batch of that epoch
    """
    return len(SEATS) * 2 // 3 + 1


# ------------------------------------------------------------ chain engines


@external
@view
def getValidators() -> DynArray[address, MAX_SEATS]:
    """
    @notice Who makes blocks, as Besu QBFT asks
    """
    return SEATS


@external
@view
def getValidatorSet() -> (
    DynArray[bytes32, MAX_SEATS], DynArray[uint64, MAX_SEATS], DynArray[address, MAX_SEATS]
):
    """
    @notice Who makes blocks, as the network engine asks: consensus keys, votes, operators.
        Empty until every seat has published its key; the engine then keeps the set it has.
    """
    keys: DynArray[bytes32, MAX_SEATS] = []
    powers: DynArray[uint64, MAX_SEATS] = []
    for seat: address in SEATS:
        key: bytes32 = self.consensusKey[seat]
        if key == empty(bytes32):
            return [], [], []
        keys.append(key)
        powers.append(POWER)
    return keys, powers, SEATS


@external
def setConsensusKey(key: bytes32):
    """
    @notice Publish the key with which the caller's seat makes blocks; a seat each for itself
    """
    assert self.place[msg.sender] != 0, "council: not a seat"
    assert key != empty(bytes32) and not self.keyTaken[key], "council: key empty or taken"
    self.keyTaken[self.consensusKey[msg.sender]] = False
    self.keyTaken[key] = True
    self.consensusKey[msg.sender] = key
    log ICouncil.ConsensusKeySet(seat=msg.sender, key=key)


# ----------------------------------------------------------------- rewards


@external
def setMarket(market: address):
    """
    @notice Name the market whose batches are rewarded; the deployer, once
    """
    assert msg.sender == DEPLOYER, "council: not the deployer"
    assert self.book == 0, "council: market already set"
    assert market != empty(address), "council: zero address"
    self.book = convert(market, uint256)
    log ICouncil.MarketSet(market=market)


@external
@view
def market() -> address:
    """
    @notice The market whose batches are rewarded
    """
    return convert(self.book & ADDRESS_MAX, address)


@external
@view
def carry() -> uint256:
    """
    @notice Nano that came in and will be shared with the next batch
    """
    return self.book >> CARRY_SHIFT


@external
@view
def rewards(seat: address) -> uint256:
    """
    @notice Nano the seat may claim
    """
    place: uint256 = self.place[seat]
    if place == 0:
        return 0
    return self._rewards(unsafe_sub(place, 1))


@external
def onBatch(epoch: uint256, mask: uint256, amount: uint256):
    """
    @notice Credit `amount` nano to the seats that signed a batch; market only
    @param epoch The epoch whose seats `mask` counts (a fixed council has the same in all)
    @param mask Bit i set: seat i signed
    """
    book: uint256 = self.book
    assert msg.sender == convert(book & ADDRESS_MAX, address), "council: not the market"
    rest: uint256 = mask & ALL_SEATS
    carry: uint256 = unsafe_add(book >> CARRY_SHIFT, amount)
    # 2**96 nano are more money than there is; the first test sees a sum that wrapped around.
    assert carry >= amount and carry < 2**96, "council: amount too large"

    signers: uint256 = 0
    bits: uint256 = rest
    for _: uint256 in range(MAX_SEATS):
        if bits == 0:
            break
        bits &= unsafe_sub(bits, 1)
        signers = unsafe_add(signers, 1)
    share: uint256 = 0
    if signers != 0:
        share = unsafe_div(carry, signers)

    if share != 0:
        for at: uint256 in range(WORDS):
            if rest == 0:
                break
            if rest & 15 != 0:
                word: uint256 = self.owed[at]
                for lane: uint256 in range(LANES):
                    if (rest >> lane) & 1 == 0:
                        continue
                    # A lane that is full (18 billion units of currency) leaves the rest in the carry.
                    at_bit: uint256 = unsafe_mul(lane, LANE_BITS)
                    room: uint256 = unsafe_sub(LANE_MAX, (word >> at_bit) & LANE_MAX)
                    credit: uint256 = min(share, room)
                    word = unsafe_add(word, credit << at_bit)
                    carry = unsafe_sub(carry, credit)
                self.owed[at] = word
            rest = rest >> LANES
    self.book = (book & ADDRESS_MAX) | (carry << CARRY_SHIFT)
    log ICouncil.BatchRewarded(epoch=epoch, mask=mask, amount=amount)


@external
def claim() -> uint256:
    """
    @notice Draw the caller's rewards from the market
    @return The nano paid
    """
    place: uint256 = self.place[msg.sender]
    assert place != 0, "council: not a seat"
    index: uint256 = unsafe_sub(place, 1)
    amount: uint256 = self._rewards(index)
    assert amount != 0, "council: nothing to claim"
    # Booked before the market is called, so that calling back finds nothing left.
    self.owed[index // LANES] = unsafe_sub(
        self.owed[index // LANES], amount << unsafe_mul(index % LANES, LANE_BITS)
    )
    log ICouncil.RewardClaimed(seat=msg.sender, amount=amount)
    extcall Market(convert(self.book & ADDRESS_MAX, address)).payReward(msg.sender, amount)
    return amount


@internal
@view
def _rewards(index: uint256) -> uint256:
    return (self.owed[index // LANES] >> unsafe_mul(index % LANES, LANE_BITS)) & LANE_MAX
