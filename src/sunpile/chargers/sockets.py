"""WebSockets of piles: pings spread, the first bytes looked at, and sends without what no pile needs."""

import contextlib
import random
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from sunpile.chargers.admission import Caller

_TLS_HANDSHAKE = b"\x16\x03"


class PileSocket(ServerConnection):
    """A WebSocket whose pings are spread, and that knows whose it is."""

    caller: Caller
    """Who it is, from admission on."""
    odd: Callable[[str, str], None] | None = None
    """Told of what is no HTTP request at all: reason of a refusal and address."""

    def __init__(self, *args: Any, ping_interval: float | None = 20, **options: Any) -> None:
        spread = None if ping_interval is None else ping_interval * random.uniform(0.75, 1.25)
        super().__init__(*args, ping_interval=spread, **options)
        self._looked = False

    def data_received(self, data: bytes) -> None:
        """Look at the first bytes only. (A loop may keep this very method, so it is never exchanged.)"""
        if not self._looked:
            self._looked = True
            if self.odd is not None and not b"GET ".startswith(data[:4]):
                reason = "wrong scheme" if data.startswith(_TLS_HANDSHAKE) else "not a WebSocket"
                self.odd(reason, str((self.remote_address or ("",))[0]))
        super().data_received(data)


class SocketLine:
    """`connection.Socket` over websockets."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket

    async def receive(self) -> str | bytes | None:
        """See `connection.Socket.receive`."""
        try:
            return await self._socket.recv()
        except ConnectionClosed:
            return None

    async def send(self, text: str) -> None:
        """See `connection.Socket.send`."""
        # `ServerConnection.send` without what only fragments and handshakes need: a third of its time.
        socket = self._socket
        if socket.state is State.OPEN:
            with contextlib.suppress(ConnectionClosed, OSError):
                socket.protocol.send_text(text.encode())
                socket.send_data()
                await socket.drain()
