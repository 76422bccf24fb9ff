"""Handles of the deployed contracts: names instead of addresses, values instead of words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from sunpile.basics.errors import NotFound, SunpileError
from sunpile.basics.ids import Address
from sunpile.chain.abi import Abi
from sunpile.chain.rpc import Rpc

NAMES = ("SettlementToken", "Council", "Registry", "EnergyMarket", "Channels")
Read = tuple[str, str, Sequence[object]]
"""(contract, function, arguments) of one reading call."""


@dataclass(frozen=True, slots=True)
class Log:
    """One log entry of a block."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes
    index: int
    """Its place in the block."""
    block: int
    block_hash: bytes
    transaction: bytes
    """Hash of the transaction that wrote it."""


@cache
def load_abi(name: str) -> Abi:
    """ABI and creation code of the contract `name`, as committed.

    Raises
    ------
    NotFound
        if there is no such artefact.
    """
    source = files("sunpile.chain").joinpath("artifacts", f"{name}.json")
    if not source.is_file():
        raise NotFound(f"the contract {name} has no artefact: run `make contracts`")
    return read_abi(source.read_bytes())


def read_abi(content: bytes) -> Abi:
    """The `Abi` in an artefact: JSON with `abi` and `bytecode`."""
    artefact = orjson.loads(content)
    creation = bytes.fromhex(artefact["bytecode"].removeprefix("0x"))
    return Abi(artefact["abi"], creation, artefact.get("runtime_size", 0))


class Contracts:
    """Where each contract is, and how to speak to it.

    Parameters
    ----------
    addresses
        contract name -> address.
    abis
        contract name -> ABI, for contracts that are not sunpile's own.
    """

    def __init__(self, addresses: Mapping[str, str], abis: Mapping[str, Abi] | None = None) -> None:
        self.addresses = {name: Address(address.lower()) for name, address in addresses.items()}
        self._abis = dict(abis or {})
        self._names = {address: name for name, address in self.addresses.items()}

    def address(self, name: str) -> Address:
        """Address of the contract `name`."""
        if name not in self.addresses:
            raise NotFound(f"the contract {name} is not deployed")
        return self.addresses[name]

    def abi(self, name: str) -> Abi:
        """ABI of the contract `name`."""
        if name not in self._abis:
            self._abis[name] = load_abi(name)
        return self._abis[name]

    def encode(self, name: str, function: str, *args: object) -> bytes:
        """Call data of `function`."""
        return self.abi(name).function(function, len(args)).encode(*args)

    def decode_call(self, name: str, data: bytes) -> tuple[str, dict[str, Any]] | None:
        """(function, arguments by name) of call data sent to `name`."""
        return self.abi(name).decode_call(data)

    def decode_log(self, log: Log) -> tuple[str, str, dict[str, Any]] | None:
        """(contract, event, arguments by name); None if the log is of none of these contracts."""
        name = self._names.get(log.address)
        found = None if name is None else self.abi(name).decode_event(log.topics, log.data)
        return None if name is None or found is None else (name, *found)

    def events(self, logs: Iterable[Log]) -> list[tuple[str, str, dict[str, Any]]]:
        """Those of `logs` that are ours, decoded."""
        return [found for found in map(self.decode_log, logs) if found is not None]

    async def call(
        self, rpc: Rpc, name: str, function: str, *args: object, block: int | str = "latest", sender: str | None = None
    ) -> Any:
        """The answer of a reading call at `block`."""
        request = self._request(name, function, args, sender)
        output = await rpc.call("eth_call", request, block_tag(block))
        return self._answer(name, function, args, output)

    async def call_many(self, rpc: Rpc, reads: Sequence[Read], block: int | str = "latest") -> list[Any]:
        """Answers of many reading calls in a few requests; the first error is raised.

        On a chain that goes on meanwhile, give a `block` number to see one state.
        """
        tag = block_tag(block)
        calls = [("eth_call", [self._request(*read, None), tag]) for read in reads]
        outputs = await rpc.batch_all(calls)
        return [self._answer(*read, output) for read, output in zip(reads, outputs, strict=True)]

    def _request(self, name: str, function: str, args: Sequence[object], sender: str | None) -> dict[str, str]:
        request = {"to": str(self.address(name)), "data": "0x" + self.encode(name, function, *args).hex()}
        return request | ({"from": sender} if sender else {})

    def _answer(self, name: str, function: str, args: Sequence[object], output: str) -> Any:
        found = self.abi(name).function(function, len(args))
        if output in ("0x", "") and found.outputs:
            # No code answers nothing, and nothing decodes to nothing: say what is wrong instead.
            raise NotFound(f"there is no {name} at {self.address(name)} on this chain")
        return found.decode(bytes.fromhex(output[2:]))


def block_tag(block: int | str) -> str:
    """A block as JSON-RPC names it."""
    return hex(block) if isinstance(block, int) else block


def log_of(answer: Mapping[str, Any]) -> Log:
    """A log as JSON-RPC tells it."""
    try:
        return Log(
            address=Address(answer["address"].lower()),
            topics=tuple(bytes.fromhex(topic[2:]) for topic in answer["topics"]),
            data=bytes.fromhex(answer["data"][2:]),
            index=int(answer["logIndex"], 16),
            block=int(answer["blockNumber"], 16),
            block_hash=bytes.fromhex(answer["blockHash"][2:]),
            transaction=bytes.fromhex(answer["transactionHash"][2:]),
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise SunpileError("the chain told of a log that lacks a part") from fault
