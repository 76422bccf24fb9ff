"""Handles: names instead of addresses, values instead of words."""

from dataclasses import dataclass

import pytest
from eth_abi.abi import encode
from tests.chain.ground import COUNTER, Chain, counter_at

from sunpile.basics.errors import ChainRefused, InputInvalid, NotFound
from sunpile.basics.hashing import keccak256
from sunpile.chain.abi import Abi
from sunpile.chain.contracts import NAMES, Contracts, load_abi, log_of

SOMEWHERE = "0x" + "ab" * 20
NOTE = keccak256(b"note")


@dataclass(frozen=True)
class Step:
    by: int
    note: bytes


def test_selectors_are_the_first_bytes_of_the_hashed_signature() -> None:
    assert COUNTER.function("bump", 1).selector == keccak256(b"bump(uint256)")[:4]
    assert COUNTER.function("bump", 0).selector == keccak256(b"bump()")[:4]
    assert COUNTER.function("walk", 1).signature == "walk((uint256,bytes32)[])"


@pytest.mark.parametrize("step", [{"by": 3, "note": NOTE}, Step(3, NOTE), (3, NOTE), [3, NOTE]])
def test_a_struct_may_be_a_dict_a_dataclass_or_a_tuple(step: object) -> None:
    data = COUNTER.function("walk", 1).encode([step])
    assert data[4:] == encode(["(uint256,bytes32)[]"], [[(3, NOTE)]])
    assert COUNTER.decode_call(data) == ("walk", {"steps": [{"by": 3, "note": NOTE}]})


@pytest.mark.parametrize(("name", "args"), [("bump", (1, 2)), ("nothing", ()), ("bump", (-1,)), ("bump", ("x",))])
def test_wrong_calls_are_refused_by_name(name: str, args: tuple[object, ...]) -> None:
    with pytest.raises(InputInvalid):
        counter_at(SOMEWHERE).encode("Counter", name, *args)  # type: ignore[arg-type]


async def test_answers_are_values(chain: Chain) -> None:
    rpc = chain.engine.rpc
    assert await chain.counter.call(rpc, "Counter", "total") == 0
    assert await chain.counter.call(rpc, "Counter", "pair", 9) == {"by": 9, "note": keccak256(b"pair")}
    reads = [("Counter", "total", ()), ("Counter", "steps", (chain.key.address,)), ("Counter", "pair", (4,))]
    total, steps, pair = await chain.counter.call_many(rpc, reads)
    assert (total, steps, pair["by"]) == (0, 0, 4)
    with pytest.raises(ChainRefused, match="bump: zero"):
        await chain.counter.call(rpc, "Counter", "bump", 0)


async def test_an_address_without_code_is_said_clearly(chain: Chain) -> None:
    with pytest.raises(NotFound, match="there is no Counter at 0xabab"):
        await counter_at(SOMEWHERE).call(chain.engine.rpc, "Counter", "total")  # type: ignore[arg-type]
    with pytest.raises(NotFound, match="not deployed"):
        chain.counter.address("Market")
    with pytest.raises(NotFound, match="no artefact"):
        load_abi("Nothing")


async def test_logs_are_decoded_and_foreign_ones_left(chain: Chain) -> None:
    await chain.engine.send([chain.bump(1, by=8)])
    block = await chain.engine.mine()
    receipt = await chain.engine.rpc.call("eth_getTransactionReceipt", "0x" + block.transactions[0].hex())
    log = log_of(receipt["logs"][0])
    who, total = chain.key.address, 8
    expected = {"who": who, "total": total, "at": block.time, "note": b""}
    assert chain.counter.decode_log(log) == ("Counter", "Bumped", expected)
    assert counter_at(SOMEWHERE).decode_log(log) is None  # type: ignore[arg-type]
    assert counter_at(SOMEWHERE).events([log]) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_every_committed_artefact_loads(name: str) -> None:
    abi = load_abi(name)
    assert isinstance(abi, Abi)
    assert len(abi.bytecode) > 100
    assert len({function.selector for function in abi.functions}) == len(abi.functions)
    assert Contracts({name: SOMEWHERE}).abi(name) is abi
