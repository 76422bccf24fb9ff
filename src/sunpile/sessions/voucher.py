"""Cumulative vouchers of a payment channel: what they say, which are accepted, which is due, when one is late.

A voucher says "this channel owes the payee `cumulative` in all". The newest one replaces all before it, so neither
side can lose more than one step.
"""

from dataclasses import dataclass

from sunpile.basics.errors import Conflict, InputInvalid, VoucherInvalid
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address
from sunpile.basics.keys import Key, recover
from sunpile.basics.typed_data import Domain, Struct, word
from sunpile.basics.units import Nano, money
from sunpile.sessions.model import Channel, Session, SessionRules

VOUCHER = Struct("Voucher", (("channel", "bytes32"), ("cumulative", "uint128")))


def channels_domain(chain_id: int, contract: Address) -> Domain:
    """The domain every voucher is bound to: the `Channels` contract on its chain."""
    return Domain("sunpile channels", chain_id, contract)


@dataclass(frozen=True, slots=True)
class Voucher:
    """A promise: `channel` owes `cumulative` in all."""

    channel: bytes
    """Channel id, 32 bytes."""
    cumulative: Nano
    """Total since the channel was opened [nano]."""
    signature: bytes
    """65 bytes r || s || v by the channel's signer."""


def sign_voucher(key: Key, domain: Domain, channel: bytes, cumulative: int) -> Voucher:
    """A voucher signed by the session key."""
    digest = VOUCHER.digest(domain, {"channel": channel, "cumulative": cumulative})
    return Voucher(channel, Nano(cumulative), key.sign(digest))


def accept(channel: Channel, voucher: Voucher, domain: Domain, min_delta: int, due: int) -> Channel:
    """The channel after `voucher`; the same channel if it was known already.

    `min_delta` [nano] is the smallest step, unless the voucher pays all that is `due` [nano, cumulative].

    Raises
    ------
    VoucherInvalid
        naming the rule that is broken.
    Conflict
        if the channel is not open.
    """
    if channel.state != "open":
        raise Conflict(f"the channel is {channel.state}")
    if voucher.channel != channel.channel:
        raise VoucherInvalid("the voucher is for another channel")
    if not 0 < voucher.cumulative < 1 << 96:
        raise VoucherInvalid("a voucher's cumulative amount is positive and below 2^96")
    digest = VOUCHER.digest(domain, {"channel": voucher.channel, "cumulative": voucher.cumulative})
    try:
        signer = recover(digest, voucher.signature)
    except InputInvalid as fault:
        raise VoucherInvalid(fault.detail) from fault
    if signer != (channel.payer if channel.signer == NOBODY else channel.signer):
        raise VoucherInvalid("the voucher is not signed by the channel's session key for this chain and contract")
    if voucher.cumulative == channel.best:
        return channel
    if voucher.cumulative < channel.best:
        raise VoucherInvalid(f"a voucher of {channel.best} is held already", best=channel.best)
    if voucher.cumulative > channel.deposit:
        raise VoucherInvalid(f"the voucher exceeds the deposit of {channel.deposit}", deposit=channel.deposit)
    if voucher.cumulative - channel.best < min_delta and voucher.cumulative < min(due, channel.deposit):
        raise VoucherInvalid(f"a voucher moves by at least {min_delta}", min_delta=min_delta)
    return channel._replace(best=voucher.cumulative)


def step_nano(session: Session, rules: SessionRules) -> Nano:
    """Money of one voucher step [nano]."""
    return money(rules.step_wh, session.price)


def due_cumulative(channel: Channel, session: Session, rules: SessionRules) -> Nano:
    """Cumulative amount of the voucher to send next [nano]: what is owed and, while energy flows, one step ahead."""
    ahead = step_nano(session, rules) if session.open else 0
    return Nano(max(channel.best, min(channel.owed + ahead, channel.deposit)))


def paid_of(channel: Channel, owed: Nano) -> Nano:
    """Of what a session owes (`owed`) and will owe, how much vouchers cover [nano]; older sessions are paid first."""
    return Nano(max(channel.best - (channel.owed - owed), 0))


def is_late(channel: Channel | None, session: Session, rules: SessionRules) -> bool:
    """True while energy flows that nobody has promised to pay."""
    if not session.open or not session.pays or session.price == 0 or session.rail != "channel":
        return False
    if channel is None:
        return True
    missing = session.owed - paid_of(channel, session.owed)
    # With the deposit used up, or the channel closing, no further voucher can come: not even one step is ahead.
    more = channel.best < channel.deposit and channel.state == "open"
    return missing > (step_nano(session, rules) if more else 0)


NOBODY = Address("0x" + "0" * 40)


def channel_id(
    domain: Domain, payer: Address, payee: Address, signer: Address, salt: bytes, operator: Address = NOBODY
) -> bytes:
    """Id of a channel as the `Channels` contract makes it; also the nonce of its EIP-3009 authorisation."""
    words = [word("uint256", domain.chain_id)]
    words += [word("address", address) for address in (domain.contract, payer, payee, signer, operator)]
    return keccak256(b"".join(words) + word("bytes32", salt))
