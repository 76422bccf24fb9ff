"""An engine that others run: any EVM chain behind a JSON-RPC address. Nothing is mined here, blocks are awaited."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from sunpile.basics.errors import ChainFault, ChainUnreachable, SettingInvalid, SunpileError
from sunpile.chain.engine.ports import Block, Health
from sunpile.chain.rpc import Rpc
from sunpile.chain.transaction import Fees

KNOWN = ("already known", "already imported", "known transaction", "alreadyknown")


class RpcEngine:
    """A foreign chain. `confirmations` = 1 takes the newest block for final, as on a BFT chain."""

    name = "rpc"
    on_demand = False
    retention: int | None = None
    patience = 3

    def __init__(self, url: str, chain_id: int, *, confirmations: int = 1, poll: float = 0.25) -> None:
        self.chain_id = chain_id
        self.rpc = Rpc(url)
        self._confirmations = confirmations
        self._poll = poll
        self._seen = -1

    async def start(self) -> None:
        """Check that the chain answers and is the one that was meant.

        Raises
        ------
        SettingInvalid
            if its chain id is another.
        """
        if not self.rpc.url:
            raise SettingInvalid("rpc_url", "", "the address of a JSON-RPC endpoint, as http://host:8545")
        answered = int(await self.rpc.call("eth_chainId"), 16)
        if answered != self.chain_id:
            raise SettingInvalid("chain_id", str(self.chain_id), f"{answered}, which {self.rpc.url} answers")

    async def stop(self) -> None:
        """Close the connection."""
        await self.rpc.close()

    async def send(self, raws: Sequence[bytes]) -> list[SunpileError | None]:
        """Broadcast, in order."""
        answers = await self.rpc.batch([("eth_sendRawTransaction", ["0x" + raw.hex()]) for raw in raws], size=25)
        return [answer if isinstance(answer, SunpileError) and not is_known(answer) else None for answer in answers]

    async def mine(self, now: int | None = None) -> Block:
        """The next block somebody makes."""
        before = await self.head()
        while True:
            await asyncio.sleep(self._poll)
            head = await self.head()
            if head.number > before.number:
                return head

    async def advance(self) -> None:
        """Return after a new block, or after four polls without one."""
        for _ in range(4):
            await asyncio.sleep(self._poll)
            number = int(await self.rpc.call("eth_blockNumber"), 16)
            if number != self._seen:
                self._seen = number
                return

    async def head(self) -> Block:
        """The newest block."""
        return block_of(await self.rpc.call("eth_getBlockByNumber", "latest", False))

    async def final(self) -> int:
        """Newest block with enough confirmations, itself counted."""
        return max(0, int(await self.rpc.call("eth_blockNumber"), 16) - self._confirmations + 1)

    async def fees(self) -> Fees:
        """Twice the base fee and the node's own tip; nothing where gas has no price."""
        head, tip = await self.rpc.batch(
            [("eth_getBlockByNumber", ["latest", False]), ("eth_maxPriorityFeePerGas", [])]
        )
        if isinstance(head, SunpileError):
            raise head
        base = int(head.get("baseFeePerGas") or "0x0", 16)
        if base == 0:
            return Fees(0, 0)
        reward = 0 if isinstance(tip, SunpileError) else int(tip, 16)
        return Fees(2 * base + reward, reward)

    async def revert_output(self, hash: bytes) -> bytes | None:
        """The chain is asked by calling again, which the submitter does itself."""
        return None

    async def health(self) -> Health:
        """Whether it answers, and what."""
        try:
            head = await self.head()
        except SunpileError:
            return Health(False, -1, 0, 0, 0, self._owner())
        return Health(time.time() - head.time < 120, head.number, head.time, 0, 0, self._owner())

    def _owner(self) -> str:
        return f"The chain {self.chain_id} at {self.rpc.url} is run by others; whoever runs it decides what is final."


def is_known(error: SunpileError) -> bool:
    """True if the chain has exactly this transaction already."""
    return isinstance(error, ChainFault) and any(word in error.message.lower() for word in KNOWN)


def block_of(answer: Any) -> Block:
    """A block as JSON-RPC tells it."""
    if not answer:
        raise ChainUnreachable("the chain does not show its newest block")
    return Block(
        number=int(answer["number"], 16),
        hash=bytes.fromhex(answer["hash"][2:]),
        time=int(answer["timestamp"], 16),
        transactions=tuple(bytes.fromhex(item[2:]) for item in answer["transactions"]),
    )
