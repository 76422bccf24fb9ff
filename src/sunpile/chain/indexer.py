"""The indexer: every event of our contracts in final blocks, once, in order, without a gap.

It reads headers and logs together and checks that each block names the one before it as its parent. The cursor and
the events are saved in one commit. If the chain changed below the cursor (a reorganisation, a restored backup) it
goes back to the newest block with events that is still there and reads on.
"""

from collections.abc import Sequence
from typing import Any, cast

from sunpile.basics.errors import ChainUnreachable, Inconsistent, SunpileError
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address
from sunpile.chain.contracts import Contracts, Log, log_of
from sunpile.chain.engine.ports import Engine
from sunpile.chain.ports import ChainEvent, Cursor, EventBook

EMPTY_TRANSACTIONS = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
"""transactionsRoot of a block without transactions."""
MARKS = 64


class Indexer:
    """Reads `contracts`' events from `engine` into `book`.

    Parameters
    ----------
    first
        block to begin with if nothing was read yet; the block of the first deployment saves time.
    stride
        blocks read in one go.
    """

    def __init__(
        self,
        engine: Engine,
        contracts: Contracts,
        book: EventBook,
        *,
        name: str = "events",
        first: int = 0,
        stride: int = 100,
    ) -> None:
        self._engine, self._contracts, self._book = engine, contracts, book
        self._name, self._first, self._stride = name, first, stride

    async def step(self) -> list[ChainEvent]:
        """Read up to the newest final block; the events that are new, in order.

        Raises
        ------
        Inconsistent
            if the chain no longer has the logs of a block that was not read yet.
        """
        final = await self._engine.final()
        cursor = await self._settled_cursor(final)
        found: list[ChainEvent] = []
        while True:
            begin = self._first if cursor is None else cursor.block + 1
            if begin > final:
                return found
            end = min(begin + self._stride - 1, final)
            cursor, events = await self._read(cursor, begin, end)
            await self._book.advance(self._name, cursor, events)
            found += events

    async def cursor(self) -> Cursor | None:
        """How far it has read."""
        return await self._book.cursor(self._name)

    async def _settled_cursor(self, final: int) -> Cursor | None:
        """The cursor, moved back if the chain no longer has its block."""
        cursor = await self._book.cursor(self._name)
        if cursor is None or await self._stands(cursor, final):
            return cursor
        below = cursor.block + 1
        while marks := await self._book.marks(below, MARKS):
            for mark in marks:
                if await self._stands(mark, final):
                    await self._book.rewind(self._name, mark)
                    return mark
            below = marks[-1].block
        await self._book.rewind(self._name, None)
        return None

    async def _stands(self, cursor: Cursor, final: int) -> bool:
        if cursor.block > final:
            return False
        header = await self._engine.rpc.call("eth_getBlockByNumber", hex(cursor.block), False)
        return header is not None and header["hash"] == "0x" + cursor.hash.hex()

    async def _read(self, cursor: Cursor | None, begin: int, end: int) -> tuple[Cursor, list[ChainEvent]]:
        headers = await self._headers(begin, end)
        parent = None if cursor is None else "0x" + cursor.hash.hex()
        for header in headers:
            if parent is not None and header["parentHash"] != parent:
                raise ChainUnreachable(f"the chain changed below block {int(header['number'], 16)} while it was read")
            parent = header["hash"]
        logs = await self._logs(begin, end)
        self._check(headers, logs)
        times = {header["hash"]: int(header["timestamp"], 16) for header in headers}
        events = [event for log in logs if (event := self._event(log, times)) is not None]
        return Cursor(end, bytes.fromhex(headers[-1]["hash"][2:])), events

    async def _headers(self, begin: int, end: int) -> list[dict[str, Any]]:
        calls = [("eth_getBlockByNumber", [hex(number), False]) for number in range(begin, end + 1)]
        headers = await self._engine.rpc.batch_all(calls)
        for number, header in zip(range(begin, end + 1), headers, strict=True):
            if header is None:
                raise Inconsistent(f"the chain no longer shows block {number}, which was not read yet")
        return headers

    async def _logs(self, begin: int, end: int) -> list[Log]:
        addresses = list(self._contracts.addresses.values())
        request = {"fromBlock": hex(begin), "toBlock": hex(end), "address": addresses}
        logs = [log_of(answer) for answer in await self._engine.rpc.call("eth_getLogs", request)]
        return sorted(logs, key=lambda log: (log.block, log.index))

    def _check(self, headers: Sequence[dict[str, Any]], logs: Sequence[Log]) -> None:
        """Logs are of exactly these blocks, and no block hides what its bloom filter promises."""
        hashes = {int(header["number"], 16): header["hash"] for header in headers}
        for log in logs:
            if hashes.get(log.block) != "0x" + log.block_hash.hex():
                raise ChainUnreachable(f"the chain changed at block {log.block} while it was read")
        told = {log.block for log in logs}
        for header in headers:
            number = int(header["number"], 16)
            dropped = not header["transactions"] and header["transactionsRoot"] != EMPTY_TRANSACTIONS
            if dropped and number not in told and self._promised(header):
                raise Inconsistent(f"the chain no longer keeps the events of block {number}, which was not read yet")

    def _promised(self, header: dict[str, Any]) -> bool:
        bloom = int(header["logsBloom"], 16)
        return any(bloom & mask == mask for mask in map(bloom_mask, self._contracts.addresses.values()))

    def _event(self, log: Log, times: dict[str, int]) -> ChainEvent | None:
        try:
            decoded = self._contracts.decode_log(log)
        except SunpileError as fault:
            raise Inconsistent(f"an event in block {log.block} does not fit its contract's ABI: {fault}") from fault
        if decoded is None:
            return None
        contract, event, args = decoded
        time = times["0x" + log.block_hash.hex()]
        plain = cast("dict[str, Any]", jsonable(args))
        return ChainEvent(log.block, log.index, log.block_hash, time, log.transaction, contract, event, plain)


def bloom_mask(address: Address) -> int:
    """The three bits of `address` in a block's bloom filter (Yellow Paper 4.3.1)."""
    digest = keccak256(bytes.fromhex(address[2:]))
    return sum({1 << (int.from_bytes(digest[at : at + 2], "big") & 2047) for at in (0, 2, 4)})


def jsonable(value: object) -> object:
    """Decoded arguments as JSON has them: bytes become 0x hex."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in cast("Sequence[object]", value)]
    return value
