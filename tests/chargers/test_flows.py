"""One whole visit of a car, per version, with a scripted pile: what a certification test walks through."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest

from chargers.fakes import Book, Inbox, StillClock, pile
from sunpile.basics.ids import EvseId, StationId
from sunpile.chargers import Csms, Plan
from sunpile.chargers.commands import (
    ClearChargingProfile,
    Period,
    Profile,
    RemoteStart,
    RemoteStop,
    Schedule,
    SetChargingProfile,
    Token,
    TriggerMessage,
)
from sunpile.chargers.events import MeterRead, StatusChanged, TransactionEnded, TransactionStarted, TransactionUpdated

P1 = StationId("P1")
TIME = "2023-11-14T22:13:20Z"


@pytest.fixture
async def csms() -> AsyncIterator[Csms]:
    made = Csms(Book("P1"), Inbox(), StillClock(), Plan(clock_aligned_s=300), insecure=(1,))
    await made.start("127.0.0.1", 0)
    yield made
    await made.stop()


def events(csms: Csms, kind: type) -> list[Any]:
    return [event for event in csms._inbox.events if isinstance(event, kind)]  # type: ignore[attr-defined]


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_visit_in_1_6(csms: Csms) -> None:
    refused = {"MeterValuesSampledData": "Energy.Active.Import.Register,Power.Active.Import"}
    async with pile(csms.port, "P1") as p:
        p.answers |= {
            "ChangeConfiguration": lambda asked: {
                "status": "Rejected" if refused.get(asked["key"]) == asked["value"] else "Accepted"
            },
            "RemoteStartTransaction": {"status": "Accepted"},
            "RemoteStopTransaction": {"status": "Accepted"},
            "SetChargingProfile": {"status": "Accepted"},
            "ClearChargingProfile": {"status": "Unknown"},
        }
        boot = await p.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        assert boot[2]["status"] == "Accepted"
        await until(lambda: csms.stations[P1].configuration)
        asked = {payload["key"]: payload["value"] for action, payload in p.received}
        assert asked["ClockAlignedDataInterval"] == "300"
        assert asked["MeterValuesSampledData"] == "Energy.Active.Import.Register"
        assert set(csms.stations[P1].configuration.values()) == {"Accepted"}

        status = {"connectorId": 1, "errorCode": "NoError", "status": "Preparing", "timestamp": TIME}
        await p.call("StatusNotification", status)
        assert csms.stations[P1].evses[EvseId(1)].status == "Preparing"
        assert (await csms.command(P1, RemoteStart(Token("tag"), 5, 1))).accepted
        assert (await p.call("Authorize", {"idTag": "tag"}))[2] == {"idTagInfo": {"status": "Accepted"}}
        start = {"connectorId": 1, "idTag": "tag", "meterStart": 1000, "timestamp": TIME}
        number = (await p.call("StartTransaction", start))[2]["transactionId"]
        assert csms.stations[P1].evses[EvseId(1)].ocpp_transaction == str(number)
        assert (await csms.command(P1, SetChargingProfile(1, Profile(1, [Schedule([Period(0, 3700)])])))).accepted

        sampled = [
            {"value": "1.5", "unit": "kWh", "context": "Sample.Clock"},
            {"value": "3.7", "unit": "kW", "measurand": "Power.Active.Import", "context": "Sample.Clock"},
        ]
        values = [{"timestamp": TIME, "sampledValue": sampled}]
        await p.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": values})
        evse = csms.stations[P1].evses[EvseId(1)]
        assert (evse.register_wh, evse.power_w) == (1500, 3700)
        assert events(csms, MeterRead)[0].ocpp_transaction == str(number)

        assert not (await csms.command(P1, ClearChargingProfile(1))).accepted
        assert (await csms.command(P1, RemoteStop(str(number)))).accepted
        stop = {"transactionId": number, "meterStop": 2000, "timestamp": TIME, "reason": "Remote"}
        assert (await p.call("StopTransaction", stop))[2] == {}
        evse = csms.stations[P1].evses[EvseId(1)]
        assert (evse.ocpp_transaction, evse.register_wh, evse.power_w) == (None, 2000, 0)
        assert events(csms, TransactionStarted)[0].sample.register_wh == 1000
        assert events(csms, TransactionEnded)[0].samples[-1].register_wh == 2000


async def test_a_visit_in_2_0_1(csms: Csms) -> None:
    async with pile(csms.port, "P1", "ocpp2.0.1") as p:

        def set_variables(asked: dict[str, Any]) -> dict[str, Any]:
            return {
                "setVariableResult": [
                    {
                        "attributeStatus": "UnknownVariable" if v["variable"]["name"] == "Interval" else "Accepted",
                        "component": v["component"],
                        "variable": v["variable"],
                    }
                    for v in asked["setVariableData"]
                ]
            }

        p.answers |= {
            "SetVariables": set_variables,
            "RequestStartTransaction": {"status": "Accepted", "transactionId": "t1"},
            "RequestStopTransaction": {"status": "Accepted"},
            "TriggerMessage": {"status": "Accepted"},
        }
        station = {"vendorName": "V", "model": "M"}
        boot = await p.call("BootNotification", {"reason": "PowerUp", "chargingStation": station})
        assert boot[2]["status"] == "Accepted"
        await until(lambda: csms.stations[P1].configuration)
        assert csms.stations[P1].configuration["AlignedDataCtrlr.Interval"] == "UnknownVariable"
        assert csms.stations[P1].configuration["AlignedDataCtrlr.Measurands"] == "Accepted"

        assert (await csms.command(P1, TriggerMessage("StatusNotification", 1))).accepted
        status = {"timestamp": TIME, "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1}
        await p.call("StatusNotification", status)
        assert events(csms, StatusChanged)[0].status == "Occupied"
        assert (await csms.command(P1, RemoteStart(Token("tag"), 5, 1))).data == {
            "remoteStartId": 5,
            "transactionId": "t1",
        }

        def event(kind: str, seq_no: int, wh: float, **more: Any) -> dict[str, Any]:
            return {
                "eventType": kind,
                "timestamp": TIME,
                "triggerReason": "RemoteStart",
                "seqNo": seq_no,
                "transactionInfo": {"transactionId": "t1", "remoteStartId": 5},
                "meterValue": [{"timestamp": TIME, "sampledValue": [{"value": wh}]}],
            } | more

        token = {"idToken": "tag", "type": "Central"}
        started = await p.call("TransactionEvent", event("Started", 0, 1000, evse={"id": 1}, idToken=token))
        assert started[2] == {"idTokenInfo": {"status": "Accepted"}}
        await p.call("TransactionEvent", event("Updated", 1, 1500.9))
        assert csms.stations[P1].evses[EvseId(1)].register_wh == 1500
        assert events(csms, TransactionUpdated)[0].evse == 1
        assert (await csms.command(P1, RemoteStop("t1"))).accepted
        assert (await p.call("TransactionEvent", event("Ended", 2, 2000)))[2] == {}
        assert csms.stations[P1].transactions == {}
        assert events(csms, TransactionStarted)[0].remote_start_id == 5
        assert events(csms, TransactionEnded)[0].evse == 1


async def test_a_pile_that_cannot_be_configured_is_still_served(csms: Csms) -> None:
    async with pile(csms.port, "P1") as p:
        p.answers["ChangeConfiguration"] = ["NotImplemented", "", {}]  # type: ignore[assignment]
        await p.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        await until(lambda: csms.stations[P1].configuration)
        assert set(csms.stations[P1].configuration.values()) == {"NotImplemented"}
        assert (await p.call("Heartbeat", {}))[0] == 3


async def test_piles_that_come_back_at_once_are_set_up_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sunpile.chargers.server.SET_UP_PER_S", 5)
    made = Csms(Book("P1", "P2", "P3"), Inbox(), StillClock(), Plan(), insecure=(1,))
    await made.start("127.0.0.1", 0)
    asked: dict[str, float] = {}
    clock = asyncio.get_running_loop().time

    async def visit(name: str) -> None:
        async with pile(made.port, name) as p:
            p.answers["ChangeConfiguration"] = lambda _: asked.setdefault(name, clock()) and {"status": "Accepted"}
            await p.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
            await until(lambda: made.stations[StationId(name)].configuration)

    try:
        await asyncio.gather(visit("P1"), visit("P2"), visit("P3"))
    finally:
        await made.stop()
    turns = sorted(asked.values())
    assert len(turns) == 3
    # A tenth of a second is what a loaded machine may add to one turn and so take from the next.
    assert all(later - sooner > 0.1 for sooner, later in pairwise(turns))
