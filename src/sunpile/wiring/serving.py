"""Serve an ASGI application on a loop that runs other things too, and say plainly when a port is taken."""

import asyncio
import errno
import logging
import socket
from typing import Any

import uvicorn

from sunpile.basics.errors import PortBusy

log = logging.getLogger("sunpile.serving")


def listen(host: str, port: int, what: str) -> socket.socket:
    """A listening socket.

    Raises
    ------
    PortBusy
        if another program has the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(1024)
    except OSError as fault:
        sock.close()
        if fault.errno == errno.EADDRINUSE:
            raise PortBusy(f"port {port} for {what} is taken by another program") from fault
        raise PortBusy(f"cannot listen for {what} on {host}:{port}: {fault.strerror}") from fault
    return sock


def shown_host(host: str) -> str:
    """`host` as others reach it: where a node listens on all addresses, the one of its way out."""
    if host not in ("0.0.0.0", "::"):
        return f"[{host}]" if ":" in host else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # Nothing is sent: the kernel only chooses the address.
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers."""

    def install_signal_handlers(self) -> None:
        """The process has its own."""


class Serving:
    """One application on one socket."""

    def __init__(self, app: Any, sock: socket.socket) -> None:
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_keep_alive=75)
        self._server = Server(config)
        self._sock = sock
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when it answers."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._sock]))
        while not self._server.started:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Close connections and end."""
        self._server.should_exit = True
        if self._task:
            self._server.force_exit = True
            await self._task
