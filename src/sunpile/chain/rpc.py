"""JSON-RPC to an EVM node: single calls and batches over one kept connection, with errors a person understands."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any, cast

import httpx2
import orjson
from eth_abi.abi import decode

from sunpile.basics.errors import ChainFault, ChainRefused, ChainUnreachable, SunpileError

BATCH_MAX = 400
REVERTED = 3
MOVED_TRIES = 8
ERROR_STRING = bytes.fromhex("08c379a0")
PANIC = bytes.fromhex("4e487b71")
PANICS = {0x01: "assertion", 0x11: "arithmetic overflow", 0x12: "division by zero", 0x32: "index out of range"}

Call = tuple[str, Sequence[object]]
"""(method, parameters)."""


class Rpc:
    """A client of one JSON-RPC endpoint.

    `revive` is asked when the endpoint does not answer: if it returns True the call is made again, so that a chain
    that is started again is a delay and not an error.
    """

    def __init__(self, url: str, *, timeout: float = 30.0, revive: Callable[[], Awaitable[bool]] | None = None) -> None:
        self.url = url
        self._timeout = timeout
        self._revive = revive
        self._ids = count(1)
        self._client: httpx2.AsyncClient | None = None

    async def call(self, method: str, *params: object) -> Any:
        """The result of one call.

        Raises
        ------
        ChainRefused
            if a contract reverted; `reason` is its own word.
        ChainFault
            if the node answered with another error.
        ChainUnreachable
            if the node did not answer.
        """
        result = _fault(await self._exchange(self._request(method, params)))
        for _ in range(MOVED_TRIES):
            if not _moved(result):
                break
            result = _fault(await self._exchange(self._request(method, params)))
        if isinstance(result, SunpileError):
            raise result
        return result

    async def batch(self, calls: Sequence[Call], size: int = BATCH_MAX) -> list[Any]:
        """Results of `calls` in order, `size` of them a request; an error stands in its place and is not raised.

        The node may work on the calls of one request in any order.
        """
        results: list[Any] = []
        for part in _parts(calls, size):
            requests = [self._request(method, params) for method, params in part]
            answers = await self._exchange(requests)
            if not isinstance(answers, list):
                fault = _fault(answers)
                raise fault if isinstance(fault, SunpileError) else ChainFault(0, "no answer to a batch")
            by_id = {answer.get("id"): answer for answer in cast("list[dict[str, Any]]", answers)}
            missing = {"error": {"code": 0, "message": "no answer in the batch"}}
            found = [_fault(by_id.get(request["id"], missing)) for request in requests]
            for place, result in enumerate(found):
                if _moved(result):
                    found[place] = await self._again(*part[place])
            results += found
        return results

    async def batch_all(self, calls: Sequence[Call]) -> list[Any]:
        """Like `batch`, but the first error is raised."""
        results = await self.batch(calls)
        for result in results:
            if isinstance(result, SunpileError):
                raise result
        return results

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _again(self, method: str, params: Sequence[object]) -> Any:
        try:
            return await self.call(method, *params)
        except SunpileError as fault:
            return fault

    def _request(self, method: str, params: Sequence[object]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}

    async def _exchange(self, body: object) -> Any:
        payload = orjson.dumps(body)
        for attempt in range(4):
            try:
                return await self._post(payload)
            except ChainUnreachable:
                if self._revive is None or attempt == 3 or not await self._revive():
                    raise
        raise AssertionError("unreachable")

    async def _post(self, payload: bytes) -> Any:
        if self._client is None:
            # Keep-alive is ended by us before the usual 60 s of servers: a stale connection is not an error.
            limits = httpx2.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=20)
            self._client = httpx2.AsyncClient(timeout=self._timeout, limits=limits, trust_env=False)
        try:
            response = await self._client.post(self.url, content=payload, headers={"content-type": "application/json"})
        except (httpx2.HTTPError, OSError) as fault:
            raise ChainUnreachable(f"the chain at {self.url} does not answer ({type(fault).__name__})") from fault
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError as fault:
            raise ChainUnreachable(
                f"the chain at {self.url} answered {response.status_code} and no JSON; is this a JSON-RPC address?"
            ) from fault


def _parts(calls: Sequence[Call], size: int) -> list[Sequence[Call]]:
    return [calls[start : start + size] for start in range(0, len(calls), size)]


def _moved(result: Any) -> bool:
    """A block was made between the node's look at "latest" and its work; a node without history fails then."""
    return isinstance(result, ChainFault) and "BlockOutOfRange" in result.detail


def _fault(answer: Any) -> Any:
    """The result of one answer, or the error it stands for."""
    if not isinstance(answer, dict):
        return ChainFault(0, "an answer that is no JSON-RPC object")
    body = cast("dict[str, Any]", answer)
    error = body.get("error")
    if error is None:
        return body.get("result")
    if not isinstance(error, dict):
        return ChainFault(0, str(error))
    error = cast("dict[str, Any]", error)
    number, message = int(error.get("code", 0)), str(error.get("message", ""))
    data = error.get("data")
    if number == REVERTED or "revert" in message.lower():
        output = bytes.fromhex(data[2:]) if isinstance(data, str) and data.startswith("0x") else b""
        return ChainRefused(revert_reason(output) or _after_colon(message))
    return ChainFault(number, message)


def _after_colon(message: str) -> str:
    tail = message.partition("reverted")[2].strip(" :")
    return tail or "no reason given"


def revert_reason(output: bytes) -> str:
    """The reason in the output of a reverted call; empty if it has none."""
    kind, body = output[:4], output[4:]
    try:
        if kind == ERROR_STRING:
            return str(decode(["string"], body)[0])
        if kind == PANIC:
            number = int(decode(["uint256"], body)[0])
            return PANICS.get(number, f"panic {number:#x}")
    except Exception:
        return "0x" + output[:36].hex()
    return "0x" + output[:36].hex() if output else ""
