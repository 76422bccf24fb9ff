"""OCPP messages per second: MeterValues with 8 values, from 100 piles on real sockets, each waiting for its answer.

The server is a process of its own; this one plays the piles with frames made beforehand, so that what is measured
is the server. The rate is per second of processor time of the server: one core's worth, whoever else uses the
machine. Five servers are measured one after another: a null store (codec and socket alone), durable registers
(answered after the commit), the whole path (the sessions' inbox on the store, each pile with a driver who pays), a
node as it is run, with raw log, curves and all that listens, and, as the peer, the `ocpp` package.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import logging
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT / "src")
"""In place of this folder, where this file would hide the package of the same name."""

import uvloop  # noqa: E402

CONNECTIONS = 100
WARM_UP_S = 1.0
MEASURED_S = 4.0
PASSWORD = bytes(range(20))
HEAD = '[2,"%d","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":['
TAIL = (
    '{"value":"%d","unit":"Wh","context":"Sample.Periodic"},'
    '{"value":"11040","measurand":"Power.Active.Import","unit":"W"},'
    '{"value":"16.0","measurand":"Current.Import","phase":"L1","unit":"A"},'
    '{"value":"16.1","measurand":"Current.Import","phase":"L2","unit":"A"},'
    '{"value":"15.9","measurand":"Current.Import","phase":"L3","unit":"A"},'
    '{"value":"229.5","measurand":"Voltage","phase":"L1-N","unit":"V"},'
    '{"value":"230.1","measurand":"Voltage","phase":"L2-N","unit":"V"},'
    '{"value":"230.4","measurand":"Voltage","phase":"L3-N","unit":"V"}]}]}]'
)
FRAME = HEAD + TAIL
START = '[2,"start","StartTransaction",{"connectorId":1,"idTag":"TAG%d","meterStart":1000,"timestamp":"%s"}]'
BEGAN = int(time.time()) - 300 * 86_400
TIMES = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(BEGAN + 60 * n)) for n in range(20_000)]
"""A sample a minute."""


# -- the piles ------------------------------------------------------------------------------------------------------

ROUNDS = 3
"""Runs of each figure, of which the best counts: a shared machine is slower by up to a third for seconds at a time."""


def text_frame(text: str) -> bytes:
    """A WebSocket text frame of a client, masked with zeros, which costs nothing."""
    body = text.encode()
    size = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + struct.pack("!H", len(body))
    return b"\x81" + size + bytes(4) + body


class Pile(asyncio.Protocol):
    """Sends a MeterValues, waits for its answer, sends the next."""

    def __init__(self, number: int, latencies: list[float], opened: Callable[[], None]) -> None:
        self.number = number
        self.latencies = latencies
        self.opened = opened
        self.sent = 0
        self.sent_at = 0.0
        self.answered = 0
        self.errors = 0
        self.transaction = 0
        self.upgraded = False
        self.running = False
        self.buffer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        name = f"P{self.number}"
        token = base64.b64encode(name.encode() + b":" + PASSWORD.hex().encode()).decode()
        transport.write(
            (
                f"GET /ocpp/{name} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Protocol: ocpp1.6\r\nAuthorization: Basic {token}\r\n\r\n"
            ).encode()
        )

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.upgraded:
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.splitlines()[0]:
                raise SystemExit(f"refused: {head!r}")
            self.upgraded, self.buffer = True, rest
            self.transport.write(text_frame(START % (self.number, TIMES[0])))
        while len(self.buffer) >= 2:
            size = self.buffer[1] & 0x7F
            start = 2
            if size == 126:
                size, start = struct.unpack_from("!H", self.buffer, 2)[0], 4
            if len(self.buffer) < start + size:
                return
            kind, body = self.buffer[0] & 0x0F, self.buffer[start : start + size]
            self.buffer = self.buffer[start + size :]
            if kind == 1:
                self._answer(body)

    def _answer(self, body: bytes) -> None:
        if not self.transaction:
            self.transaction = int(json.loads(body)[2]["transactionId"])
            self.opened()
            return
        self.latencies.append(time.perf_counter() - self.sent_at)
        self.answered += 1
        self.errors += not body.startswith(b"[3")
        if self.running:
            self.send()

    def send(self) -> None:
        """The next MeterValues."""
        self.sent += 1
        text = FRAME % (self.sent, self.transaction, TIMES[self.sent % len(TIMES)], 1000 + self.sent * 180)
        self.sent_at = time.perf_counter()
        self.transport.write(text_frame(text))


def cpu_seconds(pid: int) -> float:
    """CPU time a process has used [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(port: int, pid: int) -> tuple[float, float, float]:
    """Messages per second, the 99th percentile of the answer time [ms], messages per CPU second of the server."""
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    all_open = asyncio.Semaphore(0)
    piles = [Pile(number, latencies, all_open.release) for number in range(CONNECTIONS)]
    for pile in piles:
        await loop.create_connection(lambda pile=pile: pile, "127.0.0.1", port)
    for _ in piles:
        await all_open.acquire()
    for pile in piles:
        pile.running = True
        pile.send()
    await asyncio.sleep(WARM_UP_S)
    latencies.clear()
    began, cpu, before = time.perf_counter(), cpu_seconds(pid), sum(pile.answered for pile in piles)
    await asyncio.sleep(MEASURED_S)
    spent, count = time.perf_counter() - began, sum(pile.answered for pile in piles) - before
    cpu = cpu_seconds(pid) - cpu
    for pile in piles:
        pile.running = False
    errors = sum(pile.errors for pile in piles)
    if errors:
        raise SystemExit(f"{errors} messages were answered with an error")
    await asyncio.sleep(0.3)
    for pile in piles:
        pile.transport.close()
    return count / spent, sorted(latencies)[int(len(latencies) * 0.99)] * 1000, count / cpu


# -- the servers ----------------------------------------------------------------------------------------------------


class NullBook:
    """Knows every station, keeps nothing."""

    def __init__(self) -> None:
        self._salt = b"salt"
        self._hash = hashlib.sha256(self._salt + PASSWORD).digest()

    async def find(self, station: str) -> Any:
        from sunpile.basics.ids import StationId
        from sunpile.chargers.ports import StationRecord

        return StationRecord(StationId(station), "default", self._salt, self._hash, 11_000)

    async def refused(self, *_: object) -> None: ...
    async def connected(self, *_: object) -> None: ...
    async def disconnected(self, *_: object) -> None: ...
    async def booted(self, *_: object) -> None: ...
    async def status_changed(self, *_: object) -> None: ...
    def frame(self, *_: object) -> None: ...


class NullInbox:
    """Hears and forgets."""

    async def meter_read(self, event: Any) -> None: ...

    async def started(self, event: Any) -> Any:
        from sunpile.chargers.events import Authorisation, TransactionAnswer

        return TransactionAnswer(Authorisation("Accepted"), "1")


class RegisterInbox(NullInbox):
    """Keeps each sample's register; what arrives during one commit shares the next."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self._rows: list[dict[str, Any]] = []
        self._next: asyncio.Future[None] | None = None
        self._writing = False

    async def meter_read(self, event: Any) -> None:
        now = int(time.time())
        for sample in event.samples:
            self._rows.append(
                {
                    "station": event.station,
                    "evse": event.evse,
                    "at": sample.at,
                    "wh": sample.register_wh,
                    "taken_at": sample.at,
                    "received_at": now,
                    "kind": "sample",
                    "held": sample.held,
                }
            )
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        durable = self._next
        if not self._writing:
            self._writing = True
            self._task = asyncio.get_running_loop().create_task(self._write())
        await durable

    async def _write(self) -> None:
        from sqlalchemy import insert

        from sunpile.store.tables import registers

        while self._rows and self._next is not None:
            rows, self._rows, durable, self._next = self._rows, [], self._next, None
            await self._database.write(lambda connection, rows=rows: connection.execute(insert(registers), rows))
            durable.set_result(None)
        self._writing = False


async def stations_in(folder: str) -> Any:
    """A database with the piles in it."""
    from sunpile.store.database import Database
    from sunpile.store.schema import upgrade

    database = Database(f"sqlite:///{folder}/bench.db")
    upgrade(database.engine)
    await add_piles(database)
    return database


async def add_piles(database: Any) -> None:
    """The piles, each with a driver who has paid."""
    from sqlalchemy import insert

    from sunpile.store.tables import channels, connectors, drivers, stations

    salt = b"salt"
    rows = [
        {
            "station": f"P{number}",
            "tenant": "default",
            "password_salt": salt,
            "password_hash": hashlib.sha256(salt + PASSWORD).digest(),
            "max_w": 11_000,
        }
        for number in range(CONNECTIONS)
    ]
    await database.write(lambda connection: connection.execute(insert(stations), rows))
    evses = [{"station": row["station"], "evse": 1, "price": 300_000} for row in rows]
    people = [
        {"driver": f"d{number}", "id_token": f"TAG{number}", "pays": True, "created_at": BEGAN}
        for number in range(CONNECTIONS)
    ]
    # Paid far ahead, so that no voucher is ever late.
    money = {"payer": "", "payee": "", "signer": "", "salt": b"", "deposit": 1 << 62, "best": 1 << 62, "state": "open"}
    paid = [money | {"channel": number.to_bytes(32, "big"), "driver": f"d{number}"} for number in range(CONNECTIONS)]
    for table, its_rows in ((connectors, evses), (drivers, people), (channels, paid)):
        await database.write(lambda connection, t=table, its=its_rows: connection.execute(insert(t), its))


async def serve_node(folder: str) -> int:
    """A node as `sunpile node` runs it, without a market; the port of its piles' door."""
    from sunpile.settings import NodeSettings
    from sunpile.wiring.folder import Folder
    from sunpile.wiring.node import open_node
    from sunpile.wiring.running import settle_memory

    settings = {"market": "off", "http_port": 0, "ocpp_port": 0, "insecure_profiles": [1]}
    Folder(Path(folder)).create(settings, roles=())
    node = await open_node(NodeSettings.load(Path(folder)))
    await add_piles(node.ground.database)
    await node.start()
    settle_memory()
    serve_node.keep = node  # type: ignore[attr-defined]
    return node.stations.csms.port


async def serve_ours(kind: str, folder: str) -> int:
    """Start the server; its port."""
    from sunpile.chargers import Csms
    from sunpile.wiring.clock import MachineClock

    book: Any = NullBook()
    inbox: Any = NullInbox()
    clock = MachineClock()
    if kind != "null":
        from sunpile.store.chargers import StationStore

        database = await stations_in(folder)
        book = StationStore(database)
        inbox = RegisterInbox(database)
        if kind == "whole":
            from sunpile.sessions import Sessions
            from sunpile.store.sessions import SessionDatabase

            inbox = Sessions(SessionDatabase(database), None, clock)  # type: ignore[arg-type]
    csms = Csms(book, inbox, clock, insecure=(1,))
    await csms.start("127.0.0.1", 0)
    serve_ours.keep = csms  # type: ignore[attr-defined]
    return csms.port


async def serve_peer() -> int:
    """The `ocpp` package as its own documentation shows it."""
    import websockets
    from ocpp.routing import on
    from ocpp.v16 import ChargePoint, call_result

    logging.getLogger("ocpp").setLevel(logging.ERROR)

    class Point(ChargePoint):
        @on("StartTransaction")
        def on_start(self, **_: Any) -> Any:
            return call_result.StartTransaction(transaction_id=1, id_tag_info={"status": "Accepted"})

        @on("MeterValues")
        def on_meter_values(self, **_: Any) -> Any:
            return call_result.MeterValues()

    async def handler(socket: Any) -> None:
        await Point(socket.request.path, socket).start()

    server = await websockets.serve(
        handler, "127.0.0.1", 0, subprotocols=[websockets.Subprotocol("ocpp1.6")], compression=None
    )
    serve_peer.keep = server  # type: ignore[attr-defined]
    return int(server.sockets[0].getsockname()[1])


async def serve(kind: str, folder: str) -> None:
    """Serve until killed."""

    makers = {"peer": serve_peer, "node": partial(serve_node, folder)}
    port = await makers.get(kind, partial(serve_ours, kind, folder))()
    print(port, flush=True)
    await asyncio.Event().wait()


def run(kind: str) -> tuple[float, float, float]:
    """Measure one server."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(Path(__file__).resolve()), "--serve", kind, "--folder", folder]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            return uvloop.run(measure(port, server.pid))
        finally:
            server.kill()
            server.wait()


def best_of(kinds: list[str], rounds: int = ROUNDS) -> dict[str, tuple[float, float, float]]:
    """Of each kind, ours and the peer's alike, the run with the highest rate per core; the kinds take turns."""
    figures: dict[str, tuple[float, float, float]] = {}
    for kind in kinds * rounds:
        found = run(kind)
        if kind not in figures or found[2] > figures[kind][2]:
            figures[kind] = found
    return figures


def main() -> None:
    """Measure all and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--serve")
    parser.add_argument("--folder", default="")
    parser.add_argument("--only")
    given = parser.parse_args()
    if given.serve:
        uvloop.run(serve(given.serve, given.folder))
        return
    kinds = [given.only] if given.only else ["null", "registers", "whole", "node", "peer"]
    figures = best_of(kinds)
    for kind, (rate, p99, per_core) in figures.items():
        print(f"{kind}: {rate:.0f}/s, p99 {p99:.1f} ms, {per_core:.0f} per CPU second", file=sys.stderr)
    names = {
        "null": ("OCPP MeterValues: codec, socket, null store", ">= 15000"),
        "registers": ("OCPP MeterValues: durable registers", ">= 5000"),
        "whole": ("OCPP MeterValues: whole path to the sessions", ">= 5000"),
        "node": ("OCPP MeterValues: a whole node", ">= 5000"),
    }
    rows: list[dict[str, Any]] = []
    for kind in (kind for kind in names if kind in figures):
        name, goal = names[kind]
        _, p99, per_core = figures[kind]
        peer = {"peer": None, "peer_value": None}
        if kind == "null" and "peer" in figures:
            peer = {"peer": "ocpp 2.1.0", "peer_value": round(figures["peer"][2])}
        rows.append({"name": name, "value": round(per_core), "unit": "per s and core", "goal": goal} | peer)
        slow = {"name": f"{name}, p99", "value": round(p99, 1), "unit": "ms", "goal": "<= 100"}
        rows.append(slow | {"peer": None, "peer_value": None})
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
