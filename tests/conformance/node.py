"""The server under test: a real `sunpile node` with `market = off`, its own process, used over HTTP by an operator."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2

START_S = 30.0


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerRefused(Exception):
    """The node answered an operator with an error."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('detail')}")
        self.status, self.problem = status, problem


class NodeProcess:
    """One node; `start`, then `url` for piles and `get`, `post`, ... for the operator."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.http_port, self.ocpp_port, self.tls_port = free_port(), free_port(), free_port()
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.token = ""

    @property
    def url(self) -> str:
        """Where stations connect, without their identity."""
        return f"ws://127.0.0.1:{self.ocpp_port}/ocpp"

    @property
    def tls_url(self) -> str:
        """Where stations connect with TLS."""
        return f"wss://127.0.0.1:{self.tls_port}/ocpp"

    def start(self) -> None:
        """Make the folder, start the process, wait until it answers."""
        if not (self.folder / "sunpile.toml").exists():
            self._run("init", "--market", "off", "--folder", str(self.folder))
        self.token = (self.folder / "admin.token").read_text().strip()
        log = (self.folder / "node.log").open("ab")
        command = [sys.executable, "-m", "sunpile", "node", "--folder", str(self.folder)]
        self._process = subprocess.Popen(command, stdout=log, stderr=log, env=self._environment())
        asyncio.run(self._until_it_answers())

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    def client(self) -> httpx2.AsyncClient:
        """An HTTP client with the node's admin token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        base = f"http://127.0.0.1:{self.http_port}"
        return httpx2.AsyncClient(base_url=base, headers=headers, timeout=30, trust_env=False)

    async def _until_it_answers(self) -> None:
        async with self.client() as client:
            for _ in range(int(START_S / 0.1)):
                assert self._process is not None
                if self._process.poll() is not None:
                    raise RuntimeError((self.folder / "node.log").read_text()[-2000:])
                try:
                    if (await client.get("/api/info")).status_code == 200:
                        return
                except httpx2.HTTPError:
                    pass
                await asyncio.sleep(0.1)
        raise RuntimeError("the node does not answer")

    def _run(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "sunpile", *arguments]
        subprocess.run(command, check=True, env=self._environment(), capture_output=True)

    def _environment(self) -> dict[str, str]:
        settings: dict[str, object] = {"http_port": self.http_port, "ocpp_port": self.ocpp_port}
        settings |= {"ocpp_tls_port": self.tls_port, "insecure_profiles": [1], "sandbox": "true"}
        settings |= {"old_tls_suites": "true"} | self.settings
        return os.environ | {f"SUNPILE_{key.upper()}": str(value) for key, value in settings.items()}


class Operator:
    """What an operator does, over the node's REST API."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def request(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer. Raises `ServerRefused`."""
        answer = await self._client.request(method, path, json=body)
        if answer.is_success:
            return answer.json() if answer.content else None
        raise ServerRefused(answer.status_code, answer.json())

    async def get(self, path: str) -> Any:
        """GET."""
        return await self.request("GET", path)

    async def text(self, path: str) -> str:
        """GET, for what is no JSON."""
        answer = await self._client.get(path)
        answer.raise_for_status()
        return answer.text

    async def post(self, path: str, body: Any = None) -> Any:
        """POST."""
        return await self.request("POST", path, body if body is not None else {})

    async def put(self, path: str, body: Any) -> Any:
        """PUT."""
        return await self.request("PUT", path, body)

    async def delete(self, path: str) -> Any:
        """DELETE."""
        return await self.request("DELETE", path)
