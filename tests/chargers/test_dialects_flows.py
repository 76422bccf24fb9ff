"""Commands and notices over a real socket: what one version says in several calls, and what 2.1 adds."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chargers.fakes import Book, Inbox, StillClock, pile
from sunpile.basics.errors import NotInDialect
from sunpile.basics.ids import EvseId, StationId
from sunpile.chargers import Csms
from sunpile.chargers.commands import (
    RemoteStart,
    Reset,
    SetDefaultTariff,
    SetVariables,
    Token,
    VariableName,
    VariableValue,
)
from sunpile.chargers.notices import MonitorEvent, Question, ReportPart

P1 = StationId("P1")
TIME = "2023-11-14T22:13:20Z"


@pytest.fixture
async def csms() -> AsyncIterator[Csms]:
    made = Csms(Book("P1"), Inbox(), StillClock(), insecure=(1,))
    await made.start("127.0.0.1", 0)
    yield made
    await made.stop()


def inbox(csms: Csms) -> Inbox:
    return csms._inbox  # type: ignore[attr-defined,return-value]


async def test_a_key_that_is_refused_does_not_stop_the_others(csms: Csms) -> None:
    async with pile(csms.port, "P1") as p:
        p.answers["ChangeConfiguration"] = lambda asked: (
            ["InternalError", "out of memory", {}] if asked["key"] == "B" else {"status": "Accepted"}
        )
        values = [VariableValue(VariableName(key), "1") for key in "ABC"]
        result = await csms.command(P1, SetVariables(values))
        assert [asked["key"] for _, asked in p.received] == ["A", "B", "C"]
        assert (result.status, result.accepted, result.reason) == ("InternalError", False, "out of memory")
        statuses = [row["attributeStatus"] for row in (result.data or {})["setVariableResult"]]
        assert statuses == ["Accepted", "InternalError", "Accepted"]


async def test_a_remote_start_without_a_number_is_given_one_that_rises(csms: Csms) -> None:
    async with pile(csms.port, "P1", "ocpp2.0.1") as p:
        p.answers["RequestStartTransaction"] = {"status": "Accepted"}
        results = [await csms.command(P1, RemoteStart(Token("tag"), evse=1)) for _ in range(2)]
        sent = [asked["remoteStartId"] for _, asked in p.received]
        assert 0 < sent[0] < sent[1]
        assert [(result.data or {})["remoteStartId"] for result in results] == sent


async def test_what_a_version_cannot_do_reaches_no_socket(csms: Csms) -> None:
    async with pile(csms.port, "P1") as p:
        with pytest.raises(NotInDialect):
            await csms.command(P1, Reset(evse=1))
        assert p.received == []


async def test_2_1_takes_a_tariff(csms: Csms) -> None:
    tariff = {"tariffId": "day", "currency": "EUR", "energy": {"prices": [{"priceKwh": 0.35}]}}
    async with pile(csms.port, "P1", "ocpp2.1") as p:
        p.answers["SetDefaultTariff"] = {"status": "TooManyElements", "statusInfo": {"reasonCode": "TooManyPrices"}}
        result = await csms.command(P1, SetDefaultTariff(1, tariff))
        assert (result.status, result.accepted, result.reason) == ("TooManyElements", False, "TooManyPrices")
        assert p.received == [("SetDefaultTariff", {"evseId": 1, "tariff": tariff})]


async def test_what_2_1_tells_and_asks_reaches_the_inbox(csms: Csms) -> None:
    row: dict[str, Any] = {
        "eventId": 1,
        "timestamp": TIME,
        "trigger": "Delta",
        "actualValue": "Reserved",
        "component": {"name": "Connector", "evse": {"id": 2, "connectorId": 1}},
        "variable": {"name": "AvailabilityState"},
        "eventNotificationType": "HardWiredNotification",
    }
    gradient = {"id": "g", "gradient": {"priority": 0, "gradient": 1, "softGradient": 2}}
    async with pile(csms.port, "P1", "ocpp2.1") as p:
        told = await p.call("NotifyEvent", {"generatedAt": TIME, "seqNo": 0, "eventData": [row]})
        assert told[2] == {}
        assert csms.stations[P1].evses[EvseId(2)].status == "Reserved"
        assert (await p.call("ReportDERControl", {"requestId": 4, "gradient": [gradient]}))[2] == {}
        inbox(csms).answers["VatNumberValidation"] = {"status": "Accepted", "vatNumber": "DE1"}
        vat = await p.call("VatNumberValidation", {"vatNumber": "DE1"})
        assert vat[2] == {"status": "Accepted", "vatNumber": "DE1"}
        await p.socket.send(
            '[6,"s1","NotifyPeriodicEventStream",'
            f'{{"id":3,"pending":0,"basetime":"{TIME}","data":[{{"t":0,"v":"1"}},{{"t":1,"v":"2"}}]}}]'
        )
        async with asyncio.timeout(5):
            while len(inbox(csms).events) < 6:
                await asyncio.sleep(0.005)
    kinds = [type(event).__name__ for event in inbox(csms).events]
    assert kinds == ["MonitorEvent", "StatusChanged", "ReportPart", "Question", "MonitorEvent", "MonitorEvent"]
    assert isinstance(inbox(csms).events[3], Question)
    assert isinstance(inbox(csms).events[2], ReportPart)
    assert [event.value for event in inbox(csms).events if isinstance(event, MonitorEvent)] == ["Reserved", "1", "2"]
