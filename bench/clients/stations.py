"""A charging station made of raw frames: thousands of them fit into one process.

It connects, boots, starts a transaction, then sends what it is told to, one call at a time. What is unanswered when its
socket dies waits and is sent again after the next boot, as a real station's queue is.
"""

import asyncio
import base64
import os
import ssl
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

PASSWORD = bytes(range(20))
BEGAN = int(time.time()) // 60 * 60 - 300 * 86_400
"""Time of the first sample, long ago: none of them is ever ahead of the node's clock [Unix s]."""
RETRY_S = 1.0
"""A station that is refused tries again so much later [s]."""


def stamp(at: int) -> str:
    """A time as OCPP writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def text_frame(text: str) -> bytes:
    """A WebSocket text frame of a client, masked with zeros, which costs nothing."""
    body = text.encode()
    size = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + struct.pack("!H", len(body))
    return b"\x81" + size + bytes(4) + body


def upgrade(station: str, password: bytes | None = PASSWORD, path: str = "/ocpp/") -> bytes:
    """The request for a WebSocket."""
    lines = [
        f"GET {path}{station} HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: ocpp1.6",
    ]
    if password is not None:
        token = base64.b64encode(f"{station}:{password.hex()}".encode()).decode()
        lines.append(f"Authorization: Basic {token}")
    return "\r\n".join([*lines, "", ""]).encode()


def no_questions() -> ssl.SSLContext:
    """A client's context that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass
class Tally:
    """What all stations of a process saw."""

    latencies: list[float] = field(default_factory=list[float])
    """Of calls answered, since it was last cleared [s]."""
    lost: int = 0
    """Sockets that ended without being asked to."""
    refused: int = 0
    """Upgrades that were answered by anything but 101."""
    errors: int = 0
    """Calls answered by an error."""
    booted: int = 0
    """Boots that were answered."""

    def p99_ms(self) -> float:
        """The 99th percentile of `latencies` [ms]."""
        found = sorted(self.latencies)
        return found[int(len(found) * 0.99)] * 1000 if found else 0.0


class Station(asyncio.Protocol):
    """One station, over as many sockets as it takes."""

    def __init__(self, name: str, address: tuple[str, int], tls: ssl.SSLContext | None, tally: Tally) -> None:
        self.name, self.address, self.tls, self.tally = name, address, tls, tally
        self.transport: Any = None
        self.calls: deque[tuple[str, str]] = deque()
        self.sent_at = 0.0
        self.upgraded = self.ready = self.leaving = self.turned_away = False
        self.buffer = b""
        self.transaction = 0
        self.beats = 0
        self.meters = 0
        """Samples made so far."""
        self.kept = 0
        """Samples the node has acknowledged."""
        self.on_ready: Callable[[], None] = lambda: None

    # -- what it does -------------------------------------------------------------------------------------------------

    async def connect(self, local: str | None = None) -> None:
        """Open a socket; tries again until there is one."""
        loop = asyncio.get_running_loop()
        where = {} if local is None else {"local_addr": (local, 0)}
        while True:
            try:
                await loop.create_connection(lambda: self, *self.address, ssl=self.tls, **where)
                return
            except OSError:
                await asyncio.sleep(RETRY_S)

    def heartbeat(self) -> None:
        """Queue a Heartbeat. An id is used once: a second time it would be a fault."""
        self.beats += 1
        self._queue(f"h{self.beats}", f'[2,"h{self.beats}","Heartbeat",{{}}]')

    def meter(self) -> None:
        """Queue the next MeterValues."""
        self.meters += 1
        number = self.meters
        self._queue(
            f"m{number}",
            f'[2,"m{number}","MeterValues",{{"connectorId":1,"transactionId":{self.transaction},"meterValue":'
            f'[{{"timestamp":"{stamp(BEGAN + 60 * number)}","sampledValue":['
            f'{{"value":"{1000 + 180 * number}","unit":"Wh"}},'
            '{"value":"11040","measurand":"Power.Active.Import","unit":"W"}]}]}]',
        )

    def leave(self) -> None:
        """Hang up."""
        self.leaving = True
        if self.transport is not None:
            self.transport.close()

    # -- its socket ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """See `asyncio.Protocol`."""
        self.transport, self.buffer = transport, b""
        self.upgraded = self.ready = self.turned_away = False
        transport.write(upgrade(self.name))

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.ready = False
        if self.leaving:
            return
        if self.upgraded:
            self.tally.lost += 1
        elif not self.turned_away:
            # It was let go before it was asked in: a station tries again, as after a refusal.
            asyncio.get_running_loop().call_later(RETRY_S, self._again)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self.buffer += data
        if not self.upgraded:
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.splitlines()[0]:
                self.tally.refused += 1
                self.turned_away = True
                self.transport.close()
                asyncio.get_running_loop().call_later(RETRY_S, self._again)
                return
            self.upgraded, self.buffer = True, rest
            boot = '{"chargePointVendor":"V","chargePointModel":"M"}'
            self.transport.write(text_frame(f'[2,"boot","BootNotification",{boot}]'))
        while len(self.buffer) >= 2:
            size, start = self.buffer[1] & 0x7F, 2
            if size == 126:
                size, start = struct.unpack_from("!H", self.buffer, 2)[0], 4
            if len(self.buffer) < start + size:
                return
            kind, body = self.buffer[0] & 0x0F, self.buffer[start : start + size]
            self.buffer = self.buffer[start + size :]
            if kind == 1:
                self._frame(orjson.loads(body))
            elif kind == 9:
                self.transport.write(b"\x8a" + bytes([0x80 | size]) + bytes(4) + body)

    def _again(self) -> None:
        self.trying = asyncio.ensure_future(self.connect())

    def _frame(self, frame: list[Any]) -> None:
        if frame[0] == 2:
            self.transport.write(text_frame(f'[3,"{frame[1]}",{{"status":"Accepted"}}]'))
        elif frame[1] == "boot":
            self.tally.booted += 1
            self.ready = True
            if not self.transaction and not self.calls:
                start = f'{{"connectorId":1,"idTag":"T{self.name}","meterStart":1000,"timestamp":"{stamp(BEGAN)}"}}'
                self._queue("start", f'[2,"start","StartTransaction",{start}]')
            else:
                self._send()
                self.on_ready()
        elif self.calls and frame[1] == self.calls[0][0]:
            self._answered(frame)

    def _answered(self, frame: list[Any]) -> None:
        call, _ = self.calls.popleft()
        self.tally.latencies.append(time.perf_counter() - self.sent_at)
        self.tally.errors += frame[0] != 3
        if call == "start":
            self.transaction = int(frame[2]["transactionId"])
            self.on_ready()
        elif call.startswith("m"):
            self.kept += 1
        self._send()

    def _queue(self, call: str, text: str) -> None:
        self.calls.append((call, text))
        if len(self.calls) == 1:
            self._send()

    def _send(self) -> None:
        if self.ready and self.calls:
            self.sent_at = time.perf_counter()
            self.transport.write(text_frame(self.calls[0][1]))
