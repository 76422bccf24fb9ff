# pragma version 0.4.3
# @license Apache-2.0
"""
@title Channels: pay by the kWh, one signature a step, two transactions in all
@notice One-way payment channels in the shape of TIP-1034 and x402. A driver (payer) locks a deposit for one
    payee, a pile's owner or a hub for many piles, and signs vouchers, each for the whole sum so far. The payee
    settles the newest voucher when it likes; the rest goes back when the channel closes. The payer may name a
    session key (signer) that signs vouchers in its place and can do nothing else.

    A channel is its descriptor: payer, payee, signer, operator, salt. Its id is
    keccak256(abi_encode(chain id, this contract, payer, payee, signer, operator, salt)), and the EIP-3009
    authorization that opens it has this id as its nonce: whoever carries it can change nothing.
    State is one word: settled, deposit, when closing was requested, finalised.

    What must hold; each line has a test of that name:
    CH-1  The contract holds at least what all open channels still owe: the sum of deposit - settled.
    CH-2  settled <= deposit, and settled never falls.
    CH-3  A voucher pays its cumulative sum once, counted over all settlements, claims and the close; one
          above the deposit pays the deposit, and the rest after a top-up.
    CH-4  A voucher pays in its own channel only: not in another one, not after a reopening, not on another
          chain or contract. A finalised channel stays so for ever: its id never opens again.
    CH-5  Only payer or signer move money towards the payee, by a voucher with a low s; with a signer named,
          the payer's own signature is no voucher. No signer: the payer signs.
    CH-6  Opening and topping up take exactly the money the payer signed for, from the payer, into the channel
          the payer signed for, whoever carries the authorization.
    CH-7  The payee (or its operator) closes with capture <= cumulative and settled <= capture <= deposit; a
          voucher above the deposit does not stand in the way. Without new capture it needs no voucher.
    CH-8  The payer leaves whatever others do: a request, 15 minutes, and anyone may send the rest home.
    CH-9  Until it is withdrawn the payee can still settle; the payer's top-up, and nothing else, takes back a
          close that was requested.
    CH-10 What is settled goes to the payee and what is left to the payer, whoever calls; neither needs the
          other's leg: settle and withdraw pay one receiver each.
    CH-11 In a hub's claim a channel that is closed or has nothing new is passed over: no payer can make the
          others' rows fail.

    The operator may close for the payee, and so give up what was not captured: name one only if trusted so
    far. A payee must watch for CloseRequested, or let anyone bring its vouchers (settle is open to all).
    The token is trusted: no fees on transfer, no callbacks.
@custom:kill Nothing stops the contract; it has no roles.
"""

from interfaces import IChannels
from interfaces import ISettlementToken
import typed_data

implements: IChannels
initializes: typed_data
exports: (typed_data.DOMAIN_SEPARATOR, typed_data.eip712Domain)

VOUCHER_TYPE: constant(bytes32) = keccak256("Voucher(bytes32 channel,uint128 cumulative)")
# Bound to the deposit: after a top-up, an older request is void.
CLOSE_TYPE: constant(bytes32) = keccak256("CloseRequest(bytes32 channel,uint96 deposit)")
# Seconds between the request to close and the payer's withdrawal.
GRACE: public(constant(uint256)) = 900
MAX_CLAIMS: constant(uint256) = 100
PARITY_BIT: constant(uint256) = 2**255

# The word of a channel: settled (bits 0-95), deposit (96-191), close requested at (192-223), finalised (224).
AMOUNT_MAX: constant(uint256) = 2**96 - 1
DEPOSIT_SHIFT: constant(uint256) = 96
REQUEST_SHIFT: constant(uint256) = 192
FINALISED: constant(uint256) = 2**224

token: public(immutable(ISettlementToken))
words: HashMap[bytes32, uint256]


@deploy
def __init__(token_: address):
    """
    @param token_ The SettlementToken that channels hold
    """
    assert token_ != empty(address), "channels: no token"
    typed_data.__init__("sunpile channels")
    token = ISettlementToken(token_)


# ------------------------------------------------------------------- views


@external
@view
def channelId(channel: IChannels.Descriptor) -> bytes32:
    """
    @notice The id of a channel, also the nonce of the authorization that opens it
    """
    return self._id(channel.payer, channel.payee, channel.signer, channel.operator, channel.salt)


@external
@view
def topUpNonce(channel: bytes32, salt: bytes32) -> bytes32:
    """
    @notice The nonce of the authorization that tops up `channel`
    """
    return keccak256(abi_encode(channel, salt))


@external
@view
def stateOf(channel: bytes32) -> IChannels.State:
    """
    @notice What was settled and deposited, since when closing is requested (0: not), whether all is over
    """
    word: uint256 = self.words[channel]
    return IChannels.State(
        settled=convert(word & AMOUNT_MAX, uint96),
        deposit=convert((word >> DEPOSIT_SHIFT) & AMOUNT_MAX, uint96),
        close_requested_at=convert((word >> REQUEST_SHIFT) & (2**32 - 1), uint32),
        finalised=word & FINALISED != 0,
    )


# ---------------------------------------------------------------- money in


@external
def openWithAuthorization(
    channel: IChannels.Descriptor,
    deposit: uint96,
    valid_after: uint256,
    valid_before: uint256,
    v: uint8,
    r: bytes32,
    s: bytes32,
) -> bytes32:
    """
    @notice Open a channel with money the payer signed for (EIP-3009 ReceiveWithAuthorization to this
        contract, nonce = the channel's id); anyone may bring it
    @return The channel's id
    """
    payee: address = channel.payee
    assert payee not in [empty(address), self, token.address], "open: no such payee"
    assert deposit != 0, "open: no deposit"
    id: bytes32 = self._id(channel.payer, payee, channel.signer, channel.operator, channel.salt)
    # A closed channel keeps its word, so vouchers of the old one never meet a new one.
    assert self.words[id] == 0, "open: the channel was opened before"
    self.words[id] = convert(deposit, uint256) << DEPOSIT_SHIFT
    log IChannels.Opened(
        channel=id,
        payer=channel.payer,
        payee=payee,
        signer=channel.signer,
        operator=channel.operator,
        salt=channel.salt,
        deposit=convert(deposit, uint256),
    )
    extcall token.receiveWithAuthorization(
        channel.payer, self, convert(deposit, uint256), valid_after, valid_before, id, v, r, s
    )
    return id


@external
def topUpWithAuthorization(
    channel: IChannels.Descriptor,
    amount: uint96,
    salt: bytes32,
    valid_after: uint256,
    valid_before: uint256,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    """
    @notice Add money the payer signed for (nonce = topUpNonce(id, salt)); takes back a requested close
    """
    id: bytes32 = self._id(channel.payer, channel.payee, channel.signer, channel.operator, channel.salt)
    word: uint256 = self._open_word(id)
    assert amount != 0, "top up: no amount"
    deposit: uint256 = ((word >> DEPOSIT_SHIFT) & AMOUNT_MAX) + convert(amount, uint256)
    assert deposit <= AMOUNT_MAX, "top up: too large"
    self.words[id] = (deposit << DEPOSIT_SHIFT) | (word & AMOUNT_MAX)
    log IChannels.ToppedUp(channel=id, deposit=deposit)
    extcall token.receiveWithAuthorization(
        channel.payer,
        self,
        convert(amount, uint256),
        valid_after,
        valid_before,
        keccak256(abi_encode(id, salt)),
        v,
        r,
        s,
    )


# --------------------------------------------------------------- money out


@external
def settle(channel: IChannels.Descriptor, cumulative: uint128, v: uint8, r: bytes32, s: bytes32):
    """
    @notice Pay the payee what a voucher adds; anyone may bring it
    """
    id: bytes32 = self._id(channel.payer, channel.payee, channel.signer, channel.operator, channel.salt)
    word: uint256 = self._open_word(id)
    settled: uint256 = word & AMOUNT_MAX
    reached: uint256 = min(convert(cumulative, uint256), (word >> DEPOSIT_SHIFT) & AMOUNT_MAX)
    assert reached > settled, "settle: nothing new"
    self._check_voucher(channel.payer, channel.signer, id, cumulative, v, r, s)
    self.words[id] = word - settled + reached
    log IChannels.Settled(channel=id, settled=reached)
    assert extcall token.transfer(channel.payee, unsafe_sub(reached, settled))


@external
def claim(payee: address, operator: address, rows: DynArray[IChannels.Claim, MAX_CLAIMS]) -> uint256:
    """
    @notice Settle the vouchers of many payers to one payee, in one transfer; anyone may bring them
    @return The nano paid
    """
    total: uint256 = 0
    for row: IChannels.Claim in rows:
        id: bytes32 = self._id(row.payer, payee, row.signer, operator, row.salt)
        word: uint256 = self.words[id]
        settled: uint256 = word & AMOUNT_MAX
        reached: uint256 = min(convert(row.cumulative, uint256), (word >> DEPOSIT_SHIFT) & AMOUNT_MAX)
        # A finalised word has no deposit, so it falls out here too.
        if reached <= settled:
            continue
        vs: uint256 = convert(row.vs, uint256)
        self._check_voucher(
            row.payer,
            row.signer,
            id,
            row.cumulative,
            convert(27 + (vs >> 255), uint8),
            row.r,
            convert(vs & (PARITY_BIT - 1), bytes32),
        )
        # reached and settled are the low 96 bits of the word, before and after.
        self.words[id] = unsafe_add(unsafe_sub(word, settled), reached)
        # At most a hundred sums below 2**96.
        total = unsafe_add(total, unsafe_sub(reached, settled))
        log IChannels.Settled(channel=id, settled=reached)
    assert total != 0, "claim: nothing new"
    assert extcall token.transfer(payee, total)
    return total


@external
def close(
    channel: IChannels.Descriptor, capture: uint96, cumulative: uint128, v: uint8, r: bytes32, s: bytes32
):
    """
    @notice Close at once, by the payee or its operator: `capture` in all for the payee, the rest to the payer
    @param capture What the payee takes in all, settled before included; at most the voucher's `cumulative`
    @param cumulative The voucher that covers it; nothing is checked if nothing is taken beyond what is settled
    """
    assert msg.sender in [channel.payee, channel.operator], "close: neither payee nor operator"
    id: bytes32 = self._id(channel.payer, channel.payee, channel.signer, channel.operator, channel.salt)
    word: uint256 = self._open_word(id)
    settled: uint256 = word & AMOUNT_MAX
    deposit: uint256 = (word >> DEPOSIT_SHIFT) & AMOUNT_MAX
    taken: uint256 = convert(capture, uint256)
    assert taken >= settled, "close: below what is settled"
    assert taken <= deposit, "close: above the deposit"
    if taken > settled:
        assert taken <= convert(cumulative, uint256), "close: above the voucher"
        self._check_voucher(channel.payer, channel.signer, id, cumulative, v, r, s)
    self._finalise(id, taken, unsafe_sub(deposit, taken))
    if taken > settled:
        assert extcall token.transfer(channel.payee, unsafe_sub(taken, settled))
    if deposit > taken:
        assert extcall token.transfer(channel.payer, unsafe_sub(deposit, taken))


@external
def requestClose(channel: IChannels.Descriptor):
    """
    @notice Start the payer's way out; payer only
    """
    assert msg.sender == channel.payer, "request close: not the payer"
    id: bytes32 = self._id(channel.payer, channel.payee, channel.signer, channel.operator, channel.salt)
    self._request_close(id, self._open_word(id))


@external
def requestCloseSigned(channel: IChannels.Descriptor, v: uint8, r: bytes32, s: bytes32):
    """
    @notice Start the payer's way out by its signature, CloseRequest(bytes32 channel,uint96 deposit); anyone
        may bring it, so a driver without a coin for gas is not locked in
    """
    id: bytes32 = self._id(channel.payer, channel.payee, channel.signer, channel.operator, channel.salt)
    word: uint256 = self._open_word(id)
    deposit: uint256 = (word >> DEPOSIT_SHIFT) & AMOUNT_MAX
    typed_data._check(channel.payer, keccak256(abi_encode(CLOSE_TYPE, id, deposit)), v, r, s)
    self._request_close(id, word)


@external
def withdraw(channel: IChannels.Descriptor):
    """
    @notice Send the rest home to the payer, 15 minutes after it asked for it; anyone may call
    """
    id: bytes32 = self._id(channel.payer, channel.payee, channel.signer, channel.operator, channel.salt)
    word: uint256 = self._open_word(id)
    requested: uint256 = word >> REQUEST_SHIFT
    assert requested != 0, "withdraw: no close requested"
    assert block.timestamp >= requested + GRACE, "withdraw: within the grace period"
    settled: uint256 = word & AMOUNT_MAX
    rest: uint256 = ((word >> DEPOSIT_SHIFT) & AMOUNT_MAX) - settled
    self._finalise(id, settled, rest)
    if rest != 0:
        assert extcall token.transfer(channel.payer, rest)


# ---------------------------------------------------------------- internal


@internal
@view
def _id(payer: address, payee: address, signer: address, operator: address, salt: bytes32) -> bytes32:
    return keccak256(abi_encode(chain.id, self, payer, payee, signer, operator, salt))


@internal
@view
def _open_word(id: bytes32) -> uint256:
    word: uint256 = self.words[id]
    assert word != 0, "channel: unknown"
    assert word & FINALISED == 0, "channel: closed"
    return word


@internal
@view
def _check_voucher(
    payer: address, signer: address, id: bytes32, cumulative: uint128, v: uint8, r: bytes32, s: bytes32
):
    expected: address = signer
    if expected == empty(address):
        expected = payer
    typed_data._check(expected, keccak256(abi_encode(VOUCHER_TYPE, id, cumulative)), v, r, s)


@internal
def _request_close(id: bytes32, word: uint256):
    assert word >> REQUEST_SHIFT == 0, "request close: already requested"
    self.words[id] = word | (block.timestamp << REQUEST_SHIFT)
    log IChannels.CloseRequested(channel=id, withdrawable_at=block.timestamp + GRACE)


@internal
def _finalise(id: bytes32, settled: uint256, refunded: uint256):
    self.words[id] = FINALISED | settled
    log IChannels.Closed(channel=id, settled=settled, refunded=refunded)
