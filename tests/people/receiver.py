"""Somebody who receives webhooks, over HTTP, and answers as told."""

import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response


@dataclass
class Receiver:
    """What came, and what is answered."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    _server: Any = None
    _thread: Any = None

    def start(self) -> "Receiver":
        """On any free port of this machine."""
        app = FastAPI()

        @app.post("/{path:path}")
        async def take(request: Request) -> Response:
            self.got.append((dict(request.headers), await request.body()))
            return Response(status_code=self.status, headers=self.headers)

        sock = socket.create_server(("127.0.0.1", 0))
        self.port = sock.getsockname()[1]
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        self._thread = threading.Thread(target=self._server.run, args=([sock],), daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """End."""
        self._server.should_exit = True
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook?x=1"

    @property
    def plain(self) -> frozenset[str]:
        """What its operator trusts."""
        return frozenset({f"127.0.0.1:{self.port}"})
