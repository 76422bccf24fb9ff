"""Those who mean a node harm, and the honest station beside them.

Attackers come from addresses of their own in 127.0.0.0/8: what is limited by address must not hit who is honest.
Each part gives rows of (name, value, unit, goal).
"""

import asyncio
import itertools
import os
import ssl
import time
from collections.abc import Callable
from typing import Any

from bench.clients.stations import Station, Tally, no_questions, upgrade

Row = tuple[str, float, str, str]
Note = Callable[[str], None]
ATTEMPTS = int(os.environ.get("ATTEMPTS", 1000))
SLOW = int(os.environ.get("SLOW", 5000))
RATE = int(os.environ.get("RATE", 5000))
FLOOD_S = 10.0
WRONG = bytes(20)


def addresses() -> "itertools.cycle[str]":
    """A few addresses to attack from."""
    return itertools.cycle([f"127.0.1.{number}" for number in range(1, 21)])


class Knock(asyncio.Protocol):
    """One upgrade, and what comes of it."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if not self.answer.done():
            self.answer.set_result(data.split(b"\r\n", 1)[0])
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answer.done():
            self.answer.set_result(b"closed")


async def knock(where: tuple[str, int], request: bytes, tls: ssl.SSLContext | None, local: str | None) -> bytes:
    """The first line of the answer; `closed` or `refused` if there is none."""
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {"local_addr": (local, 0)} if local else {}
    try:
        async with asyncio.timeout(30):
            _, made = await loop.create_connection(lambda: Knock(request), *where, ssl=tls, **options)
            return await made.answer
    except (OSError, TimeoutError):
        return b"refused"


async def honest(node: Any, tally: Tally, name: str = "S0") -> Station:
    """A station that charges over TLS."""
    station, ready = Station(name, node.tls, no_questions(), tally), asyncio.Event()
    station.on_ready = ready.set
    await station.connect()
    await ready.wait()
    return station


async def talking(station: Station, stop: asyncio.Event) -> None:
    """Heartbeats, one after another, 20 a second."""
    while not stop.is_set():
        station.heartbeat()
        await asyncio.sleep(0.05)


async def takeover(node: Any, note: Note) -> list[Row]:
    """Attempts to take a station's place without its key."""
    tally, tls, origin = Tally(), no_questions(), addresses()
    victim = await honest(node, tally)
    tally.latencies.clear()
    stop = asyncio.Event()
    speaking = asyncio.create_task(talking(victim, stop))
    kinds = [upgrade("S0", WRONG), upgrade("S0", None), upgrade("S0").replace(b"/ocpp/S0", b"/ocpp/S1")]

    async def attempt(number: int) -> bool:
        where, context = (node.plain, None) if number % 2 else (node.tls, tls)
        return b" 101 " in await knock(where, kinds[number % len(kinds)], context, next(origin))

    won = 0
    for first in range(0, ATTEMPTS, 20):
        won += sum(await asyncio.gather(*(attempt(number) for number in range(first, min(first + 20, ATTEMPTS)))))
    stop.set()
    await speaking
    while victim.calls:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    note(f"takeover: {len(tally.latencies)} heartbeats answered meanwhile, {tally.lost} sockets lost")
    name = f"takeover without the key, of {ATTEMPTS}"
    return [(name, won, "sockets", "<= 0"), (f"{name}, victim's sockets lost", tally.lost, "sockets", "<= 0")]


class Slow(asyncio.Protocol):
    """Opens a socket and drips."""

    def __init__(self, ended: Callable[[float], None]) -> None:
        self.ended = ended
        self.since = time.perf_counter()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(b"GET /ocpp/S1 HTTP/1.1\r\nHost: x\r\n")
        self.drip = asyncio.get_running_loop().call_later(1, self.more)

    def more(self) -> None:
        self.transport.write(b"X")
        self.drip = asyncio.get_running_loop().call_later(1, self.more)

    def connection_lost(self, exc: Exception | None) -> None:
        self.drip.cancel()
        self.ended(time.perf_counter() - self.since)


class Mute(Slow):
    """Opens a socket to the TLS door and says nothing."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.drip = asyncio.get_running_loop().call_later(60, lambda: None)


async def slowloris(node: Any, note: Note) -> list[Row]:
    """Sockets that never get to the point: at the plain door, inside TLS, and before TLS."""
    loop, tally, tls, origin = asyncio.get_running_loop(), Tally(), no_questions(), addresses()
    station = await honest(node, tally)
    lives: list[float] = []
    stop = asyncio.Event()

    async def open_one(number: int) -> None:
        where, kind, context = (
            (node.plain, Slow, None) if number % 3 == 0 else (node.tls, Slow, tls) if number % 3 == 1 else
            (node.tls, Mute, None)
        )  # fmt: skip
        await loop.create_connection(
            lambda: kind(lives.append), *where, ssl=context, local_addr=(next(origin), 0)
        )  # fmt: skip

    tally.latencies.clear()
    speaking = asyncio.create_task(talking(station, stop))
    for first in range(0, SLOW, 100):
        await asyncio.gather(*(open_one(number) for number in range(first, min(first + 100, SLOW))))
        await asyncio.sleep(0.02)
    end = time.perf_counter() + 20
    while len(lives) < SLOW and time.perf_counter() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    stop.set()
    await speaking
    name = f"{SLOW} dripping sockets"
    note(f"slowloris: {len(lives)} of {SLOW} dropped, {len(tally.latencies)} heartbeats, {tally.lost} lost")
    longest = max(lives) if len(lives) == SLOW else 99.0
    return [
        (f"{name}, all dropped", longest, "s", "<= 12"),
        (f"{name}, p99 of an honest station", tally.p99_ms(), "ms", "<= 50"),
    ]


async def flood(node: Any, note: Note) -> list[Row]:
    """Bad upgrades at a rate, from a few addresses, while honest stations come in."""
    origin, answers = addresses(), dict[bytes, int]()
    running: set[asyncio.Task[None]] = set()
    times: list[float] = []
    stop = asyncio.Event()

    requests = [upgrade(f"S{number}", WRONG) for number in range(50)]

    async def bad(number: int) -> None:
        answer = await knock(node.plain, requests[number % 50], None, next(origin))
        answers[answer[:16]] = answers.get(answer[:16], 0) + 1

    async def good() -> None:
        number = 100
        while not stop.is_set():
            number += 1
            began = time.perf_counter()
            answer = await knock(node.tls, upgrade(f"S{number % 900 + 100}"), no_questions(), None)
            times.append(time.perf_counter() - began)
            if b" 101 " not in answer:
                note(f"an honest station was answered {answer!r}")
            await asyncio.sleep(0.02)

    coming = asyncio.create_task(good())
    began, sent, cpu = time.perf_counter(), 0, node.cpu_s()
    while (spent := time.perf_counter() - began) < FLOOD_S:
        while sent < spent * RATE and len(running) < 4000:
            task = asyncio.create_task(bad(sent))
            running.add(task)
            task.add_done_callback(running.discard)
            sent += 1
        await asyncio.sleep(0.005)
    rate = sent / (time.perf_counter() - began)
    stop.set()
    await coming
    cpu = (node.cpu_s() - cpu) / FLOOD_S
    await asyncio.gather(*running)
    worst = sorted(times)[int(len(times) * 0.99)] * 1000
    note(
        f"flood: {rate:.0f}/s offered, answered {sorted(answers.items())}, {len(times)} honest connects, core {cpu:.0%}"
    )
    let_in = sum(count for line, count in answers.items() if b" 101" in line)
    name = "bad upgrades from 20 addresses"
    return [
        (f"{name}, offered", rate, "per s", f">= {RATE}"),
        (f"{name}, let in", let_in, "sockets", "<= 0"),
        (f"{name}, p99 of an honest connect over TLS", worst, "ms", "<= 250"),
    ]
