"""JSON-RPC answers, as errors a person understands."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
import pytest
from eth_abi.abi import encode

from sunpile.basics.errors import ChainFault, ChainRefused, ChainUnreachable
from sunpile.chain.rpc import Rpc, revert_reason

REASON = bytes.fromhex("08c379a0") + encode(["string"], ["row: above cap"])
Serve = Callable[[Callable[[Any], bytes]], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a server that answers each request body as told."""
    servers: list[asyncio.Server] = []

    async def start(answer: Callable[[Any], bytes]) -> str:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            body = answer(orjson.loads(await reader.readexactly(length)))
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()


async def test_a_revert_carries_the_contracts_word(serve: Serve) -> None:
    error = {"code": 3, "message": "execution reverted", "data": "0x" + REASON.hex()}
    rpc = Rpc(await serve(lambda body: orjson.dumps({"id": body["id"], "error": error})))
    with pytest.raises(ChainRefused) as refused:
        await rpc.call("eth_call")
    assert refused.value.reason == "row: above cap"
    await rpc.close()


async def test_a_batch_is_put_back_in_order_and_keeps_errors_in_place(serve: Serve) -> None:
    def backwards(body: Any) -> bytes:
        answers = [{"id": call["id"], "result": call["method"]} for call in body]
        answers[1] = {"id": body[1]["id"], "error": {"code": -32000, "message": "nonce too low"}}
        return orjson.dumps(answers[::-1][:-1])

    rpc = Rpc(await serve(backwards))
    first, second, third = await rpc.batch([("a", []), ("b", []), ("c", [])])
    assert isinstance(first, ChainFault)
    assert isinstance(second, ChainFault)
    assert second.message == "nonce too low"
    assert third == "c"
    with pytest.raises(ChainFault):
        await rpc.batch_all([("a", []), ("b", [])])
    await rpc.close()


@pytest.mark.parametrize("body", [b"<html>busy</html>", b""])
async def test_an_address_that_is_no_chain_is_said_clearly(serve: Serve, body: bytes) -> None:
    rpc = Rpc(await serve(lambda _: body))
    with pytest.raises(ChainUnreachable, match="is this a JSON-RPC address"):
        await rpc.call("eth_chainId")
    await rpc.close()


@pytest.mark.parametrize("body", [b"7", b"[]", b'{"error":"text"}', b'{"error":{"code":1,"message":"no"}}'])
async def test_odd_answers_are_faults_and_not_exceptions(serve: Serve, body: bytes) -> None:
    rpc = Rpc(await serve(lambda _: body))
    with pytest.raises(ChainFault):
        await rpc.call("eth_chainId")
    await rpc.close()


async def test_a_chain_that_comes_back_is_only_a_delay(serve: Serve) -> None:
    rpc = Rpc("http://127.0.0.1:9")

    async def revive() -> bool:
        rpc.url = await serve(lambda body: orjson.dumps({"id": body["id"], "result": "0x1"}))
        return True

    rpc._revive = revive
    assert await rpc.call("eth_chainId") == "0x1"
    await rpc.close()


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (REASON, "row: above cap"),
        (bytes.fromhex("4e487b71") + (0x11).to_bytes(32, "big"), "arithmetic overflow"),
        (bytes.fromhex("4e487b71") + (0x99).to_bytes(32, "big"), "panic 0x99"),
        (bytes.fromhex("08c379a0") + b"\xff", "0x08c379a0ff"),
        (bytes.fromhex("12345678"), "0x12345678"),
        (b"", ""),
    ],
)
def test_reasons_of_every_kind(output: bytes, reason: str) -> None:
    assert revert_reason(output) == reason


async def test_a_block_that_comes_in_between_is_not_an_error(serve: Serve) -> None:
    moved = {"code": -32602, "message": "BlockOutOfRangeError: block height is 157 but requested was 156"}
    asked: list[str] = []

    def answer(body: Any) -> bytes:
        calls = body if isinstance(body, list) else [body]
        asked.extend(call["method"] for call in calls)
        late = len(asked) < 3
        answers = [{"id": c["id"]} | ({"error": moved} if late else {"result": "0x1"}) for c in calls]
        return orjson.dumps(answers if isinstance(body, list) else answers[0])

    rpc = Rpc(await serve(answer))
    assert await rpc.call("eth_call") == "0x1"
    asked.clear()
    assert await rpc.batch([("eth_call", [])]) == ["0x1"]
    await rpc.close()
