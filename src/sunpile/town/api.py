"""The node's HTTP interface as a stranger uses it: ask, and ask again while nobody is there."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx2

from sunpile.basics.errors import Unreachable
from sunpile.basics.ids import Address
from sunpile.basics.typed_data import Domain
from sunpile.town.signing import Domains

RETRY_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)
"""Real seconds between attempts; the last one repeats."""
EIP712_DOMAIN = "0x84b0196e"
"""Selector of `eip712Domain()` (EIP-5267)."""
BALANCE_OF = "0x70a08231"
"""Selector of `balanceOf(address)`."""


class ApiRefused(Exception):
    """The node said no: status and problem+json."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        super().__init__(f"{status} {problem.get('type', '')}: {problem.get('detail', '')}")


class NodeApi:
    """Calls to one node. A call that finds nobody is made again until `patience` real seconds have passed."""

    def __init__(self, url: str, admin_token: str, patience: float = 600.0) -> None:
        limits = httpx2.Limits(max_connections=16, max_keepalive_connections=16)
        self._client = httpx2.AsyncClient(base_url=url, timeout=60.0, limits=limits, trust_env=False)
        self._admin_token = admin_token
        self._patience = patience
        self.calls = 0
        """Answers received."""
        self.retries = 0
        """Attempts that found nobody."""

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    async def get(self, path: str, bearer: str | None = None) -> Any:
        """Answer to a GET."""
        return await self._ask("GET", path, None, bearer)

    async def post(self, path: str, body: Mapping[str, Any], bearer: str | None = None) -> Any:
        """Answer to a POST."""
        return await self._ask("POST", path, body, bearer)

    async def post_as_admin(self, path: str, body: Mapping[str, Any]) -> Any:
        """Answer to a POST of whoever runs the node."""
        return await self._ask("POST", path, body, self._admin_token)

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None, bearer: str | None) -> Any:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, separators=(",", ":")).encode()
        attempt, deadline = 0, asyncio.get_running_loop().time() + self._patience
        while True:
            try:
                answer = await self._client.request(method, path, content=content, headers=headers)
                if answer.status_code not in (502, 503):
                    break
            except httpx2.TransportError as fault:
                if asyncio.get_running_loop().time() > deadline:
                    raise Unreachable(f"the node does not answer at {self._client.base_url}: {fault}") from fault
            self.retries += 1
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1
            if asyncio.get_running_loop().time() > deadline:
                raise Unreachable(f"the node is not ready at {self._client.base_url}{path}")
        self.calls += 1
        return _content(answer)

    async def domains(self, info: Mapping[str, Any]) -> Domains:
        """The contracts signatures are bound to. The token's name is asked from the chain."""
        chain_id, at = int(info["chain_id"]), {name: Address(a.lower()) for name, a in info["contracts"].items()}
        token_name = await self._domain_name(at["SettlementToken"])
        return Domains(
            Domain("sunpile", chain_id, at["EnergyMarket"]),
            Domain("sunpile", chain_id, at["Registry"]),
            Domain(token_name, chain_id, at["SettlementToken"]),
            Domain("sunpile channels", chain_id, at["Channels"]),
        )

    async def _call(self, to: str, data: str) -> bytes:
        request = {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{"to": to, "data": data}, "latest"]}
        answer: Any = {}
        # `latest` may move between the engine's looking it up and its answer: then it is asked again.
        for pause in (0.0, *RETRY_S):
            await asyncio.sleep(pause)
            answer = await self.post("/rpc", request)
            if "result" in answer:
                return bytes.fromhex(answer["result"][2:])
        raise ApiRefused(200, {"detail": str(answer.get("error"))})

    async def _domain_name(self, contract: str) -> str:
        raw = await self._call(contract, EIP712_DOMAIN)
        at = int.from_bytes(raw[32:64], "big")
        length = int.from_bytes(raw[at : at + 32], "big")
        return raw[at + 32 : at + 32 + length].decode()

    async def wait_for_money(self, token: str, holder: str, amount: int) -> None:
        """Return when `holder` has at least `amount` [nano] of the token.

        Raises
        ------
        Unreachable
            if it does not arrive.
        """
        deadline = asyncio.get_running_loop().time() + self._patience
        while True:
            raw = await self._call(token, BALANCE_OF + holder[2:].lower().rjust(64, "0"))
            if int.from_bytes(raw, "big") >= amount:
                return
            if asyncio.get_running_loop().time() > deadline:
                raise Unreachable(f"{amount} nano did not arrive at {holder}")
            await asyncio.sleep(0.05)


def _content(answer: httpx2.Response) -> Any:
    try:
        body: Any = answer.json() if answer.content else None
    except ValueError:
        body = {"detail": answer.text}
    if answer.is_error:
        raise ApiRefused(answer.status_code, body)
    return body
