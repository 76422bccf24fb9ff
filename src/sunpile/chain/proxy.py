"""What the world may ask the chain: an allow-list in front of its JSON-RPC.

The embedded engine's own port would let anyone mint and travel in time. Here nothing but reading passes, and raw
transactions, which go through the engine's journal.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson

from sunpile.basics.errors import ChainFault, ChainRefused, InputInvalid, SunpileError
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address
from sunpile.chain.engine.ports import Engine
from sunpile.chain.transaction import read

READING = frozenset(
    {
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_estimateGas",
        "eth_gasPrice",
        "eth_getBalance",
        "eth_getBlockByNumber",
        "eth_getCode",
        "eth_getLogs",
        "eth_getTransactionByHash",
        "eth_getTransactionCount",
        "eth_getTransactionReceipt",
        "net_version",
        "web3_clientVersion",
    }
)
SENDING = "eth_sendRawTransaction"
BATCH_MAX = 1000
BODY_MAX = 2_000_000
CALL_GAS = 200_000_000
"""Most gas a reading call may burn."""
SENT_GAS = 1 << 24
"""Most gas a transaction from outside may have: as much as any chain allows (EIP-7825). Gas has no price here."""
PARSE, INVALID, UNKNOWN, PARAMS, REVERTED, SERVER = -32700, -32600, -32601, -32602, 3, -32000
ERROR_STRING = "0x08c379a0"
Answer = dict[str, Any]


class RpcProxy:
    """JSON-RPC over `engine`, to be mounted at POST /rpc."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def handle(self, body: bytes) -> bytes:
        """Answer one request body, single or batch; never raises."""
        if len(body) > BODY_MAX:
            return orjson.dumps(_error(None, INVALID, f"a request has at most {BODY_MAX} bytes"))
        try:
            request = orjson.loads(body)
        except orjson.JSONDecodeError:
            return orjson.dumps(_error(None, PARSE, "the request is no JSON"))
        if not isinstance(request, list):
            return orjson.dumps((await self._answer_all([request]))[0])
        calls = cast("list[Any]", request)
        if not 0 < len(calls) <= BATCH_MAX:
            return orjson.dumps(_error(None, INVALID, f"a batch has 1 to {BATCH_MAX} calls"))
        return orjson.dumps(await self._answer_all(calls))

    async def _answer_all(self, requests: list[Any]) -> list[Answer]:
        answers: dict[int, Answer] = {}
        reads: dict[int, tuple[str, list[Any]]] = {}
        sends: dict[int, bytes] = {}
        for index, request in enumerate(requests):
            refused = _refusal(request)
            if refused is not None:
                answers[index] = refused
            elif request["method"] == SENDING:
                sends[index] = bytes.fromhex(request["params"][0][2:])
            else:
                reads[index] = (request["method"], _tamed(request["method"], request.get("params") or []))
        for index, result in (await self._sent(sends) | await self._read(reads)).items():
            answers[index] = _reply(requests[index].get("id"), result)
        return [answers[index] for index in range(len(requests))]

    async def _read(self, reads: dict[int, tuple[str, list[Any]]]) -> dict[int, Any]:
        if not reads:
            return {}
        try:
            results = await self._engine.rpc.batch(list(reads.values()))
        except SunpileError as fault:
            results = [fault] * len(reads)
        return dict(zip(reads, results, strict=True))

    async def _sent(self, sends: dict[int, bytes]) -> dict[int, Any]:
        if not sends:
            return {}
        try:
            faults = await self._offer(list(sends.values()))
        except SunpileError as fault:
            faults = [fault] * len(sends)
        hashes = ["0x" + keccak256(raw).hex() for raw in sends.values()]
        return {index: fault or hash for index, fault, hash in zip(sends, faults, hashes, strict=True)}

    async def _offer(self, raws: list[bytes]) -> Sequence[SunpileError | None]:
        """Send what can be mined at once. What could only wait is refused: it costs its sender nothing, and what waits
        for ever in an embedded chain leaves no room for the node's own transactions."""
        if not self._engine.on_demand:
            return await self._engine.send(raws)
        faults: list[SunpileError | None] = []
        upcoming: dict[Address, int] = {}
        for raw in raws:
            try:
                transaction = read(raw)
                sender = transaction.sender
                if sender not in upcoming:
                    count = await self._engine.rpc.call("eth_getTransactionCount", sender, "pending")
                    upcoming[sender] = int(count, 16)
                if transaction.nonce > upcoming[sender]:
                    raise InputInvalid(f"nonce too high: the next one of {sender} is {upcoming[sender]}")
                if transaction.gas_limit > SENT_GAS:
                    raise InputInvalid(f"the gas limit is above {SENT_GAS}")
            except SunpileError as fault:
                faults.append(fault)
            else:
                faults.append(None)
                upcoming[sender] = max(upcoming[sender], transaction.nonce + 1)
        fit = [raw for raw, fault in zip(raws, faults, strict=True) if fault is None]
        answers = iter(await self._engine.send(fit)) if fit else iter(())
        # Who sends a transaction waits for its block.
        await self._engine.advance()
        return [fault or next(answers) for fault in faults]


def _refusal(request: Any) -> Answer | None:
    """Why this call is not made; None if it may be."""
    if not isinstance(request, dict):
        return _error(None, INVALID, "a call is a JSON object")
    call = cast("dict[str, Any]", request)
    id_, method, params = call.get("id"), call.get("method"), call.get("params", [])
    if not isinstance(method, str):
        return _error(id_, INVALID, "a call has a method")
    if method not in READING and method != SENDING:
        return _error(id_, UNKNOWN, f"the method {method[:64]} is not offered here")
    if params is not None and not isinstance(params, list):
        return _error(id_, PARAMS, "params is an array")
    if method == SENDING and not _is_hex(cast("list[Any]", params or [])):
        return _error(id_, PARAMS, "one parameter is needed: the raw transaction as 0x hex")
    return None


def _is_hex(params: list[Any]) -> bool:
    if len(params) != 1 or not isinstance(params[0], str) or not params[0].startswith("0x"):
        return False
    try:
        bytes.fromhex(params[0][2:])
    except ValueError:
        return False
    return True


def _tamed(method: str, params: list[Any]) -> list[Any]:
    """Parameters as they may pass: a call's gas is limited, and no state is invented for it."""
    if method not in ("eth_call", "eth_estimateGas") or not params or not isinstance(params[0], Mapping):
        return params
    request = dict(cast("Mapping[str, Any]", params[0]))
    try:
        wanted = int(str(request.get("gas", hex(CALL_GAS))), 16)
    except ValueError:
        return params[:2]
    return [request | {"gas": hex(min(wanted, CALL_GAS))}, *params[1:2]]


def _reply(id_: Any, result: Any) -> Answer:
    if isinstance(result, ChainRefused):
        return _error(id_, REVERTED, f"execution reverted: {result.reason}", _reason_data(result.reason))
    if isinstance(result, ChainFault):
        return _error(id_, result.number or SERVER, result.message)
    if isinstance(result, SunpileError):
        return _error(id_, SERVER, result.detail)
    return {"jsonrpc": "2.0", "id": id_, "result": result}


def _reason_data(reason: str) -> str:
    """The output of the revert again, so that any client library finds the reason."""
    text = reason.encode()
    padded = text + bytes(-len(text) % 32)
    return ERROR_STRING + (32).to_bytes(32, "big").hex() + len(text).to_bytes(32, "big").hex() + padded.hex()


def _error(id_: Any, number: int, message: str, data: str | None = None) -> Answer:
    error: dict[str, Any] = {"code": number, "message": message}
    return {"jsonrpc": "2.0", "id": id_, "error": error | ({"data": data} if data else {})}
