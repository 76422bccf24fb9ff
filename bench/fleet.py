"""A node under a fleet: 10,000 stations over TLS, its restart under them, and those who mean it harm.

The node is `sunpile node` itself without a market, on one core; the clients run on another. Each figure is of one run,
for these take minutes. `STATIONS` in the environment makes it smaller. Prints a JSON list of
{name, value, unit, goal, peer, peer_value}; notes, with processor time and the machine's load, go to standard error.
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:1] = [str(ROOT / "src"), str(ROOT)]
"""In place of this folder."""

import uvloop  # noqa: E402
from bench.clients import attackers  # noqa: E402
from bench.clients.stations import PASSWORD, Station, Tally, no_questions  # noqa: E402

STATIONS = int(os.environ.get("STATIONS", 10_000))
HELD_S = int(os.environ.get("HELD_S", 120))
PERIOD_S = 60
HOST = "127.0.0.1"


def note(text: str) -> None:
    """Say something beside the figures."""
    print(f"{text} (load {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)


def row(name: str, value: float, unit: str, goal: str) -> dict[str, Any]:
    """A figure."""
    found = round(value, 1) if isinstance(value, float) else value
    return {"name": name, "value": found, "unit": unit, "goal": goal, "peer": None, "peer_value": None}


# -- the node ---------------------------------------------------------------------------------------------------------


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class NodeUnderTest:
    """The node's folder and process."""

    def __init__(self, folder: Path, stations: Sequence[str]) -> None:
        from sunpile.store.schema import upgrade
        from sunpile.wiring.folder import Folder

        self.folder, self.tls, self.plain = folder, (HOST, free_port()), (HOST, free_port())
        settings = {"market": "off", "http_port": free_port(), "ocpp_port": self.plain[1]}
        Folder(folder).create(settings | {"ocpp_tls_port": self.tls[1], "insecure_profiles": [1]}, roles=())
        from sunpile.store.database import Database

        database = Database(f"sqlite:///{folder.resolve() / 'sunpile.db'}")
        upgrade(database.engine)
        with database.engine.begin() as connection:
            add_stations(connection, stations)
        database.close()

    def start(self) -> None:
        """Start it on the first core."""
        pin = ["taskset", "-c", "0"] if len(os.sched_getaffinity(0)) > 1 else []
        log = (self.folder / "node.log").open("ab")
        command = [*pin, sys.executable, "-m", "sunpile", "node", "--folder", str(self.folder)]
        self.process = subprocess.Popen(command, stdout=log, stderr=log)

    async def listening(self) -> float:
        """When it first took a connection [s, monotonic]."""
        while True:
            try:
                _, writer = await asyncio.open_connection(*self.tls)
                writer.close()
                return time.perf_counter()
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit((self.folder / "node.log").read_text()[-3000:]) from None
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait()

    def cpu_s(self) -> float:
        """Processor time it has used [s]."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self, which: str = "VmHWM") -> float:
        """Memory at its highest (VmHWM) or now (VmRSS) [MiB]."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(which + ":")[1].split()[0]) / 1024

    def samples(self) -> dict[str, int]:
        """How many samples of each station are in the store."""
        from sqlalchemy import create_engine, text

        engine = create_engine(f"sqlite:///{self.folder.resolve() / 'sunpile.db'}")
        query = text("SELECT station, COUNT(DISTINCT at) FROM meter_registers WHERE kind = 'sample' GROUP BY station")
        with engine.connect() as connection:
            return {str(station): int(count) for station, count in connection.execute(query)}


def add_stations(connection: Any, names: Sequence[str], profile: int = 2) -> None:
    """Stations, each with a driver who has paid far ahead."""
    from sqlalchemy import insert

    from sunpile.store.tables import channels, connectors, drivers, stations

    salt = b"salt"
    hashed = hashlib.sha256(salt + PASSWORD).digest()
    own = {"tenant": "default", "password_salt": salt, "password_hash": hashed, "max_w": 22_000}
    money = {"payer": "", "payee": "", "signer": "", "salt": b"", "deposit": 1 << 62, "best": 1 << 62, "state": "open"}
    for table, rows in (
        (stations, [own | {"station": name, "security_profile": profile} for name in names]),
        (connectors, [{"station": name, "evse": 1, "price": 300_000} for name in names]),
        (drivers, [{"driver": f"d{n}", "id_token": f"T{n}", "pays": True, "created_at": 1} for n in names]),
        (channels, [money | {"channel": n.encode().rjust(32, b"0"), "driver": f"d{n}"} for n in names]),
    ):
        connection.execute(insert(table), rows)


# -- a day of the fleet -----------------------------------------------------------------------------------------------


async def all_ready(stations: Sequence[Station], at_a_time: int) -> None:
    """Connect them all, so many at a time, until each has booted and charges."""
    gate, left = asyncio.Semaphore(at_a_time), asyncio.Event()
    waiting = len(stations)

    def one_less() -> None:
        nonlocal waiting
        waiting -= 1
        gate.release()
        if not waiting:
            left.set()

    for station in stations:
        station.on_ready = one_less
    connecting: list[asyncio.Task[None]] = []
    for station in stations:
        await gate.acquire()
        connecting.append(asyncio.create_task(station.connect()))
    await left.wait()
    await asyncio.gather(*connecting)


def talk(stations: Sequence[Station]) -> list[asyncio.TimerHandle]:
    """Heartbeat and meter of each, once a period, spread evenly; returns what stops them."""
    loop = asyncio.get_running_loop()
    handles: list[asyncio.TimerHandle] = [loop.call_later(0, lambda: None)] * (2 * len(stations))

    def arm(slot: int, work: Any, delay: float) -> None:
        def due() -> None:
            work()
            arm(slot, work, PERIOD_S)

        handles[slot] = loop.call_later(delay, due)

    for number, station in enumerate(stations):
        arm(2 * number, station.heartbeat, random.uniform(0, PERIOD_S))
        arm(2 * number + 1, station.meter, random.uniform(0, PERIOD_S))
    return handles


async def hold_and_storm(node: NodeUnderTest, names: Sequence[str]) -> list[dict[str, Any]]:
    """The two figures of a whole fleet."""
    tally, tls = Tally(), no_questions()
    fleet = [Station(name, node.tls, tls, tally) for name in names]
    began = time.perf_counter()
    await all_ready(fleet, 500)
    note(f"{len(fleet)} stations charge after {time.perf_counter() - began:.1f} s, {node.memory_mib():.0f} MiB")
    timers = talk(fleet)
    await asyncio.sleep(5)
    tally.latencies.clear()
    cpu, began = node.cpu_s(), time.perf_counter()
    await asyncio.sleep(HELD_S)
    share = (node.cpu_s() - cpu) / (time.perf_counter() - began)
    figure = f"{len(fleet)} stations over TLS, {HELD_S} s"
    note(f"{len(tally.latencies)} calls answered, slowest {max(tally.latencies) * 1000:.0f} ms, core {share:.0%}")
    rows = [
        row(f"{figure}, p99", tally.p99_ms(), "ms", "<= 100"),
        row(f"{figure}, memory", node.memory_mib(), "MiB", "<= 1024"),
        row(f"{figure}, dropped", tally.lost, "sockets", "<= 0"),
        row(f"{figure}, core", share * 100, "%", "<= 60"),
    ]
    # The restart: killed in the middle of everything, and every station back at once.
    for station in fleet:
        station.meter()
    await asyncio.sleep(0.05)
    node.kill()
    tally.booted = 0
    node.start()
    up = await node.listening()
    await all_ready(fleet, len(fleet))
    took = time.perf_counter() - up
    note(f"all back in {took:.1f} s, {tally.refused} refused on the way, {node.cpu_s():.1f} s of processor time")
    for handle in timers:
        handle.cancel()
    while any(station.calls for station in fleet):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    for station in fleet:
        station.leave()
    await asyncio.sleep(1)
    kept = node.samples()
    lost = sum(max(0, station.kept - kept.get(station.name, 0)) for station in fleet)
    note(f"{sum(station.kept for station in fleet)} samples acknowledged, {tally.errors} calls answered by an error")
    storm = f"storm of {len(fleet)} over TLS after kill -9"
    return [
        *rows,
        row(f"{storm}, all booted", took, "s", "<= 15"),
        row(f"{storm}, samples lost", lost, "samples", "<= 0"),
    ]


PARTS = ("fleet", "takeover", "slowloris", "flood")


async def measure(parts: Sequence[str]) -> list[dict[str, Any]]:
    """All figures."""
    rows: list[dict[str, Any]] = []
    names = [f"S{number}" for number in range(STATIONS)]
    for part in parts:
        with tempfile.TemporaryDirectory() as folder:
            node = NodeUnderTest(Path(folder), names)
            node.start()
            try:
                await node.listening()
                if part == "fleet":
                    rows += await hold_and_storm(node, names)
                else:
                    rows += [row(*found) for found in await getattr(attackers, part)(node, note)]
            finally:
                node.kill()
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=PARTS)
    given = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, cores[1:])
    print(json.dumps(uvloop.run(measure([given.only] if given.only else PARTS)), indent=1))


if __name__ == "__main__":
    main()
