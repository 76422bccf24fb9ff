"""Webhooks of a node: a station comes, charges and goes over a real socket, and a real receiver is told."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.conformance.node import free_port
from tests.people.receiver import Receiver
from websockets.asyncio.client import ClientConnection, connect

from sunpile.basics.errors import StoreUnreachable
from sunpile.basics.ids import EvseId, StationId
from sunpile.basics.scope import NODE
from sunpile.chargers.events import StatusChanged
from sunpile.sessions.model import Session
from sunpile.sessions.tokens import Token
from sunpile.settings import NodeSettings
from sunpile.wiring.announce import Announcer
from sunpile.wiring.init import NewNode, make_folder
from sunpile.wiring.node import Node, open_node

LONG_S = 10


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver().start()
    yield found
    found.stop()


@pytest.fixture
async def node(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Node]:
    settings: dict[str, object] = {
        "market": "off", "http_port": free_port(), "ocpp_port": free_port(), "insecure_profiles": [1],
        "webhook_hosts": sorted(receiver.plain),
    }  # fmt: skip
    make_folder(NewNode(tmp_path / "node", settings, [], "", quick_keys=True))
    opened = await open_node(NodeSettings.load(tmp_path / "node"))
    await opened.start()
    yield opened
    await opened.stop()


class Pile:
    """A pile of OCPP 1.6 that says what it is told to say."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.number = socket, 0

    async def say(self, action: str, **payload: Any) -> dict[str, Any]:
        """A call's answer; what the node asks meanwhile is accepted."""
        self.number += 1
        await self.socket.send(json.dumps([2, str(self.number), action, payload]))
        while True:
            frame = json.loads(await asyncio.wait_for(self.socket.recv(), LONG_S))
            if frame[0] == 3 and frame[1] == str(self.number):
                return frame[2]
            assert frame[0] == 2, frame
            await self.socket.send(json.dumps([3, frame[1], {"status": "Accepted"}]))


def told(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in receiver.got]


async def until(receiver: Receiver, *kinds: str) -> list[dict[str, Any]]:
    """What came, once all of these kinds have."""
    for _ in range(LONG_S * 20):
        if {*kinds} <= {one["type"] for one in told(receiver)}:
            return told(receiver)
        await asyncio.sleep(0.05)
    raise AssertionError([one["type"] for one in told(receiver)])


def ago(seconds: int) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def charge(url: str, password: str) -> None:
    """A whole visit of a car."""
    secret = base64.b64encode(f"CP-1:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {secret}"}
    async with connect(f"{url}/CP-1", subprotocols=["ocpp1.6"], additional_headers=headers) as socket:  # type: ignore[list-item]
        pile, at = Pile(socket), ago(0)
        assert (await pile.say("BootNotification", chargePointVendor="V", chargePointModel="M"))["status"] == "Accepted"
        for status in ("Available", "Preparing", "Preparing"):
            await pile.say("StatusNotification", connectorId=1, errorCode="NoError", status=status)
        started = await pile.say("StartTransaction", connectorId=1, idTag="04A1", meterStart=1000, timestamp=ago(3600))
        assert started["idTagInfo"]["status"] == "Accepted"
        number = started["transactionId"]
        sample = {"timestamp": ago(1800), "sampledValue": [{"value": "1500", "unit": "Wh"}]}
        await pile.say("MeterValues", connectorId=1, transactionId=number, meterValue=[sample])
        await pile.say("StopTransaction", transactionId=number, idTag="04A1", meterStop=3500, timestamp=at)
        await pile.say("SecurityEventNotification", type="TamperDetectionActivated", timestamp=at)
        await pile.say("SecurityEventNotification", type="SettingSystemTime", timestamp=at)
        for n in range(12):
            await pile.say("Authorize", idTag=f"GUESS{n % 2}")


async def test_a_visit_is_told_in_order_and_guessing_alerts(node: Node, receiver: Receiver) -> None:
    side, settings = node.stations, node.ground.settings
    await side.staff.hooks.add(NODE, receiver.url, [])
    await side.tokens.desk.save(NODE, Token("04A1"), "")
    side.sessions.guessing.limits = type(side.sessions.guessing.limits)(per_token=3)
    side.sessions.guessing._tokens = type(side.sessions.guessing._tokens)(3, 1 / 60)
    password = await node.ground.stations.add("CP-1", 11_000, [(1, None)])
    await node.ground.sessions.set_price(StationId("CP-1"), EvseId(1), 300_000)
    await charge(f"ws://127.0.0.1:{settings.ocpp_port}/ocpp", password)
    found = await until(receiver, "station.disconnected", "session.ended", "alert.opened")
    kinds = [one["type"] for one in found if not one["type"].startswith("alert.")]
    assert sorted(kinds) == sorted(
        ["station.connected", "status.changed", "status.changed", "session.started", "session.ended",
         "security.critical", "station.disconnected"]
    )  # fmt: skip
    by_kind = {one["type"]: one["data"] for one in found}
    assert all(one["tenant"] == "default" and one["data"]["station"] == "CP-1" for one in found)
    assert by_kind["status.changed"]["evse"] == 1
    ended = by_kind["session.ended"]
    assert (ended["wh"], ended["session"]) == (2500, by_kind["session.started"]["session"])
    assert ended["cost"] == 2_500 * 300_000
    assert by_kind["security.critical"]["kind"] == "TamperDetectionActivated"
    alerts = {one["data"]["kind"]: one["data"] for one in found if one["type"] == "alert.opened"}
    assert alerts["token-guessing"]["detail"] == "one token is tried again and again"


async def test_the_end_of_a_run_is_told(node: Node, receiver: Receiver) -> None:
    await node.stations.staff.hooks.add(NODE, receiver.url, ["run"])
    await node.ground.stations.add("CP-1", 11_000, [(1, None)])
    headers = {"Authorization": f"Bearer {node.ground.folder.admin_token()}"}
    url = f"http://127.0.0.1:{node.ground.settings.http_port}/api/operations/clear-cache"
    async with httpx2.AsyncClient(trust_env=False, headers=headers) as client:
        run = (await client.post(url, json={"stations": ["CP-1"], "arguments": {}})).json()["run"]
    [one] = await until(receiver, "run.ended")
    assert (one["data"]["run"], one["data"]["operation"], one["data"]["total"]) == (run, "clear-cache", 1)
    assert one["data"]["counts"] == {"unreachable": 1}
    assert "station" not in one["data"]


class Outbox:
    """Remembers, and can be out of reach."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, Any]] = []
        self.asked, self.there, self.hooks = 0, True, True

    async def emit(self, whom: str, kind: str, data: Any) -> int:
        self.asked += 1
        if not self.there:
            raise StoreUnreachable("the store is away")
        self.told.append((whom, kind, data))
        return 1

    async def listening(self) -> bool:
        return self.hooks


def announcer(outbox: Outbox) -> Announcer:
    return Announcer(outbox.emit, outbox.emit, outbox.listening)


def session(**changes: Any) -> Session:
    values: dict[str, Any] = {"session": "s1", "station": "CP-1", "evse": 1, "ocpp_transaction": "7", "price": 300_000}
    return Session(**(values | {"started_at": 0, "last_at": 0} | changes))


async def test_each_session_begins_and_ends_once_and_ends_anew_with_another_energy() -> None:
    outbox = Outbox()
    ear = announcer(outbox)
    for wh in (0, 100, 200):
        ear.session(session(wh=wh))
    ear.session(session(state="waiting", wh=200))
    ear.session(session(state="held", wh=200))
    ear.session(session(state="held", wh=200, paid=5))
    ear.session(session(state="ended", wh=250, owed=75))
    ear.session(session(state="ended", wh=250, owed=75, paid=75))
    assert await ear.flush()
    assert [(kind, data["state"], data["wh"]) for _, kind, data in outbox.told] == [
        ("session.started", "active", 0), ("session.ended", "held", 200), ("session.ended", "ended", 250)
    ]  # fmt: skip


async def test_what_waits_is_told_once_the_store_is_back_and_nobody_is_asked_where_nobody_listens() -> None:
    outbox = Outbox()
    ear = announcer(outbox)
    outbox.there = False
    ear.heard(StatusChanged("CP-1", 1, "Charging", None, 5))  # type: ignore[arg-type]
    assert not await ear.flush()
    outbox.there = True
    assert await ear.flush()
    assert [kind for _, kind, _ in outbox.told] == ["status.changed"]
    outbox.hooks = False
    before = outbox.asked
    ear.heard(StatusChanged("CP-1", 1, "Available", None, 6))  # type: ignore[arg-type]
    done: list[int] = []

    async def other() -> None:
        done.append(1)

    ear.later(other)
    assert await ear.flush()
    assert (outbox.asked, done) == (before, [1])


async def test_what_cannot_be_told_keeps_nothing_back() -> None:
    told: list[int] = []

    async def emit(*_: object) -> int:
        return 0

    async def listening() -> bool:
        return True

    async def breaks() -> None:
        raise KeyError("a row nobody thought of")

    async def tells() -> None:
        told.append(1)

    announcer = Announcer(emit, emit, listening)
    announcer.later(breaks)
    announcer.later(tells)
    assert await announcer.flush()
    assert told == [1]
