"""A node as its own command line meets it: over HTTP, like everybody else."""

from collections.abc import Mapping
from typing import Any

import httpx2

from sunpile.basics.errors import SunpileError, Unreachable

SECONDS = 30.0


class NodeRefused(SunpileError):
    """The node answered with a problem."""

    code = "node-refused"

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.http_status = status


async def node_info(url: str) -> dict[str, Any]:
    """`GET /api/info`."""
    try:
        # Certificates are loaded only where they are used: that takes longer than the answer.
        async with httpx2.AsyncClient(timeout=SECONDS, trust_env=False, verify=url.startswith("https:")) as client:
            return _content(await client.get(f"{url}/api/info"))
    except httpx2.HTTPError as fault:
        raise Unreachable(f"no node answers at {url}: {type(fault).__name__}") from fault


def get(url: str, path: str, token: str | None = None) -> Any:
    """Answer to a GET of the node at `url`.

    Raises
    ------
    Unreachable
        if nothing listens there.
    NodeRefused
        with the node's own sentence.
    """
    return ask("GET", url, path, token, None)


def post(url: str, path: str, token: str | None, body: Mapping[str, Any]) -> Any:
    """Answer to a POST; errors as of `get`."""
    return ask("POST", url, path, token, body)


def ask(method: str, url: str, path: str, token: str | None, body: Mapping[str, Any] | list[Any] | bytes | None) -> Any:
    """Answer to any request: JSON, text if it is none, None if it is empty; errors as of `get`."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    content: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
    try:
        with httpx2.Client(timeout=SECONDS, trust_env=False, verify=url.startswith("https:")) as client:
            return _content(client.request(method, url + path, headers=headers, **content))
    except httpx2.HTTPError as fault:
        raise Unreachable(f"no node answers at {url}; start it with: sunpile node") from fault


def _content(answer: httpx2.Response) -> Any:
    if answer.is_success:
        if not answer.content:
            return None
        return answer.json() if answer.headers.get("content-type", "").startswith("application/json") else answer.text
    try:
        detail = str(answer.json().get("detail", answer.text))
    except ValueError:
        detail = answer.text[:300]
    raise NodeRefused(answer.status_code, detail)
