"""What the world may ask the chain."""

from typing import Any

import orjson
from tests.chain.ground import CHAIN_ID, Chain

from sunpile.basics.keys import Key
from sunpile.chain.proxy import BATCH_MAX, BODY_MAX, READING, SENT_GAS, RpcProxy
from sunpile.chain.transaction import Fees, sign


async def ask(chain: Chain, method: str, *params: object) -> Any:
    body = orjson.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
    answer = orjson.loads(await RpcProxy(chain.engine).handle(body))
    assert answer["id"] == 7
    return answer.get("result", answer.get("error"))


async def test_reading_passes(chain: Chain) -> None:
    target, data = chain.counter.address("Counter"), "0x" + chain.counter.encode("Counter", "total").hex()
    assert await ask(chain, "eth_blockNumber") == "0x1"
    assert int(await ask(chain, "eth_call", {"to": target, "data": data}, "latest"), 16) == 0
    assert len(await ask(chain, "eth_getCode", target, "latest")) > 100
    assert int(await ask(chain, "eth_chainId"), 16) == chain.engine.chain_id


async def test_a_raw_transaction_is_journalled_and_mined(chain: Chain) -> None:
    raw = chain.bump(1, by=3)
    hash = await ask(chain, "eth_sendRawTransaction", "0x" + raw.hex())
    receipt = await ask(chain, "eth_getTransactionReceipt", hash)
    assert receipt["status"] == "0x1"
    assert await chain.total() == 3
    journals = chain.engine._folder.glob("journal-*.log")
    assert any(raw.hex() in journal.read_text() for journal in journals)


CHEATS = [
    "anvil_setBalance",
    "anvil_mine",
    "anvil_dumpState",
    "evm_mine",
    "evm_setNextBlockTimestamp",
    "evm_snapshot",
    "debug_traceTransaction",
    "hardhat_setCode",
    "eth_sendTransaction",
    "eth_sendUnsignedTransaction",
    "eth_sign",
    "eth_accounts",
    "personal_unlockAccount",
    "txpool_content",
    "ots_getTransactionError",
    "ETH_CALL",
    "",
]


async def test_nothing_else_passes(chain: Chain) -> None:
    for method in CHEATS:
        error = await ask(chain, method, "0x1")
        assert error["code"] == -32601, method
    assert not any(name.startswith(("anvil_", "evm_", "debug_")) for name in READING)
    assert (await chain.engine.head()).number == 1


async def test_a_cheat_hidden_in_a_batch_is_refused_alone(chain: Chain) -> None:
    calls = [{"id": 1, "method": "eth_blockNumber"}, {"id": 2, "method": "anvil_mine"}, "nonsense"]
    answers = orjson.loads(await RpcProxy(chain.engine).handle(orjson.dumps(calls)))
    assert answers[0]["result"] == "0x1"
    assert answers[1]["error"]["code"] == -32601
    assert answers[2]["error"]["code"] == -32600
    assert (await chain.engine.head()).number == 1


WRONG = [
    b"",
    b"{",
    b"[]",
    b"7",
    b"[" * 100,
    b"x" * (BODY_MAX + 1),
    orjson.dumps([{}] * (BATCH_MAX + 1)),
    b'{"method":7}',
    b'{"method":"eth_call","params":{}}',
    b'{"method":"eth_call","params":[1]}',
    b'{"method":"eth_call","params":[{"gas":"much"}]}',
    b'{"method":"eth_sendRawTransaction","params":[]}',
    b'{"method":"eth_sendRawTransaction","params":["0xzz"]}',
    b'{"method":"eth_sendRawTransaction","params":["0x02"]}',
]


async def test_a_wrong_request_gets_an_error_and_never_an_exception(chain: Chain) -> None:
    proxy = RpcProxy(chain.engine)
    for body in WRONG:
        assert "error" in orjson.loads(await proxy.handle(body)), body[:60]


async def test_reasons_reach_the_caller(chain: Chain) -> None:
    data = "0x" + chain.counter.encode("Counter", "bump", 0).hex()
    error = await ask(chain, "eth_call", {"to": chain.counter.address("Counter"), "data": data}, "latest")
    assert error["code"] == 3
    assert error["message"] == "execution reverted: bump: zero"
    assert bytes.fromhex(error["data"][2:]).rstrip(b"\0").endswith(b"bump: zero")
    refused = await ask(chain, "eth_sendRawTransaction", "0x" + chain.bump(0).hex())
    assert "nonce too low" in refused["message"]


async def test_a_call_cannot_invent_state_nor_burn_the_machine(chain: Chain) -> None:
    target = chain.counter.address("Counter")
    data = "0x" + chain.counter.encode("Counter", "total").hex()
    invented = {target: {"stateDiff": {"0x" + "00" * 32: "0x" + "11" * 32}}}
    call = {"to": target, "data": data, "gas": "0xffffffffffff"}
    assert int(await ask(chain, "eth_call", call, "latest", invented), 16) == 0


async def test_a_stranger_cannot_fill_the_pool_with_what_only_waits(chain: Chain) -> None:
    stranger = Key.from_seed("stranger")
    for nonce in (1, 7, 1 << 40):
        refused = await ask(chain, "eth_sendRawTransaction", "0x" + chain.bump(nonce, key=stranger).hex())
        assert "nonce too high" in refused["message"]
    assert (await chain.engine.health()).waiting == 0
    assert (await chain.engine.head()).number == 1
    raws = [chain.bump(nonce, key=stranger) for nonce in range(3)]
    calls = [
        {"id": at, "method": "eth_sendRawTransaction", "params": ["0x" + raw.hex()]} for at, raw in enumerate(raws)
    ]
    answers = orjson.loads(await RpcProxy(chain.engine).handle(orjson.dumps(calls)))
    assert all("result" in answer for answer in answers)
    assert await chain.total() == 3


async def test_a_transaction_from_outside_cannot_be_as_large_as_a_block(chain: Chain) -> None:
    data = chain.counter.encode("Counter", "bump", 1)
    target = chain.counter.address("Counter")
    raw = sign(Key.from_seed("stranger"), CHAIN_ID, 0, target, data, SENT_GAS + 1, Fees(0, 0))
    assert "gas limit" in (await ask(chain, "eth_sendRawTransaction", "0x" + raw.hex()))["message"]
