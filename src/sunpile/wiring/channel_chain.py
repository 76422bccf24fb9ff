"""Sessions and money meet the chain: channels, and the mint behind top-ups."""

from dataclasses import dataclass

from sunpile.basics.errors import ChainRefused
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address
from sunpile.basics.units import Nano
from sunpile.chain import ChainEvent
from sunpile.sessions.model import Channel
from sunpile.sessions.ports import Authorisation3009
from sunpile.sessions.service import Sessions
from sunpile.sessions.voucher import Voucher
from sunpile.store.chain import Events
from sunpile.wiring.chain_side import ChainSide
from sunpile.wiring.market_reader import NOBODY

EVERY = 1 << 31
"""More events than a chain has."""


@dataclass
class ChannelContract:
    """`sessions.ports.ChannelChain` on the `Channels` contract."""

    chain: ChainSide

    async def open(self, channel: Channel, authorisation: Authorisation3009) -> None:
        """See `ChannelChain.open`."""
        signature = authorisation.signature
        await self.chain.send(
            "operator",
            f"channel:{channel.channel.hex()}",
            "Channels",
            "openWithAuthorization",
            descriptor(channel),
            channel.deposit,
            authorisation.valid_after,
            authorisation.valid_before,
            signature[64],
            signature[:32],
            signature[32:64],
        )

    async def settle(self, channel: Channel, voucher: Voucher) -> None:
        """See `ChannelChain.settle`."""
        signature = voucher.signature
        await self.chain.send(
            "payee",
            f"voucher:{channel.channel.hex()[:40]}:{voucher.cumulative}",
            "Channels",
            "settle",
            descriptor(channel),
            voucher.cumulative,
            signature[64],
            signature[:32],
            signature[32:64],
        )


def descriptor(channel: Channel) -> tuple[object, ...]:
    """A channel as the contract names it."""
    return channel.payer, channel.payee, channel.signer, NOBODY, channel.salt


@dataclass
class TokenMint:
    """`money.ports.Mint` on the `SettlementToken` contract."""

    chain: ChainSide

    async def mint(self, address: Address, amount: Nano, reference: str) -> None:
        """See `Mint.mint`."""
        name = keccak256(reference.encode())
        try:
            await self.chain.send("minter", f"mint:{name.hex()[:60]}", "SettlementToken", "mint", address, amount, name)
        except ChainRefused:
            # Minted by an earlier life of this node that forgot to note it: the contract refuses a second time.
            done = await self.chain.contracts.call(self.chain.engine.rpc, "SettlementToken", "referenceMinted", name)
            if not done:
                raise


ENDINGS = {"CloseRequested": "closing", "Closed": "closed"}
"""Event -> the state it puts a channel in, in the order in which they come."""


@dataclass
class ChannelWatch:
    """Tells the sessions when a payer asks for the way out."""

    sessions: Sessions

    async def hear(self, event: ChainEvent) -> None:
        """A listener of `ChainSide`."""
        if event.event in ENDINGS:
            await self.sessions.channel_closing(_channel(event), ENDINGS[event.event])

    async def recall(self, book: Events) -> None:
        """Act on what an earlier life of this node read from the chain and may not have acted on."""
        states: dict[bytes, str] = {}
        for name, state in ENDINGS.items():
            states |= {_channel(event): state for event in await book.events(name, limit=EVERY)}
        known = await self.sessions.store.look(lambda desk: [desk.channel(name) for name in states])
        for channel in known:
            if channel is not None and channel.state not in (states[channel.channel], "closed"):
                await self.sessions.channel_closing(channel.channel, states[channel.channel])


def _channel(event: ChainEvent) -> bytes:
    return bytes.fromhex(event.args["channel"][2:])
