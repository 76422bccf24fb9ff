"""Before its registration is accepted a station is answered, and nothing else of it counts."""

import pytest

from chargers.fakes import Book, pile
from chargers.test_server import BOOT, P1, Ground, ground, until  # noqa: F401
from sunpile.basics.errors import Conflict
from sunpile.chargers.commands import RemoteStart, Token, TriggerMessage
from sunpile.chargers.events import Booted, StatusChanged
from sunpile.chargers.registration import asks_for, may_be_told, may_say

TIME = "2023-11-14T22:13:20Z"
BOOT_2X = {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}
STATUS = {
    "ocpp1.6": {"connectorId": 1, "errorCode": "NoError", "status": "Available"},
    "ocpp2.0.1": {"timestamp": TIME, "connectorStatus": "Available", "evseId": 1, "connectorId": 1},
}
STATUS["ocpp2.1"] = STATUS["ocpp2.0.1"]
EVERY = pytest.mark.parametrize("version", list(STATUS))


@pytest.mark.parametrize(
    ("registration", "action", "asked", "wanted"),
    [
        ("Accepted", "MeterValues", set(), True),
        ("Pending", "BootNotification", set(), True),
        ("Rejected", "BootNotification", set(), True),
        ("Pending", "Heartbeat", set(), False),
        ("Pending", "Heartbeat", {"Heartbeat"}, True),
        ("Rejected", "Heartbeat", {"Heartbeat"}, False),
    ],
)
def test_what_a_station_may_say(registration: str, action: str, asked: set[str], wanted: bool) -> None:
    assert may_say(registration, action, asked) is wanted


def test_what_our_calls_make_a_station_say() -> None:
    assert asks_for("TriggerMessage", {"requestedMessage": "StatusNotification"}) == "StatusNotification"
    assert asks_for("TriggerMessage", {"requestedMessage": "SignV2GCertificate"}) == "SignCertificate"
    assert asks_for("GetBaseReport", {}) == "NotifyReport"
    assert asks_for("Reset", {}) is None
    assert may_be_told("Pending", "SetVariables")
    assert not may_be_told("Pending", "RequestStartTransaction")


@EVERY
@pytest.mark.parametrize("registration", ["Pending", "Rejected"])
async def test_a_station_that_is_not_accepted(ground: Ground, version: str, registration: str) -> None:  # noqa: F811
    ground.book.change("P1", registration=registration)
    boot = BOOT if version == "ocpp1.6" else BOOT_2X
    async with pile(ground.port, "P1", version) as p:
        for _ in range(2):
            answer = await p.call("StatusNotification", STATUS[version])
            assert (answer[0], answer[2]) == (4, "SecurityError")
            answer = await p.call("BootNotification", boot)
            assert (answer[2]["status"], answer[2]["interval"]) == (registration, 60)
        assert not any(isinstance(event, StatusChanged) for event in ground.inbox.events)
        assert sum(isinstance(event, Booted) for event in ground.inbox.events) == 2
        assert ground.csms.counters.before_acceptance == 2
        assert [r.code for r in ground.csms.stations[P1].remarks] == ["before-acceptance"]
        with pytest.raises(Conflict):
            await ground.csms.command(P1, RemoteStart(token=Token("x"), evse=1))


@EVERY
async def test_a_pending_station_says_what_it_is_asked_for_until_it_is_accepted(
    ground: Ground,  # noqa: F811
    version: str,
) -> None:
    ground.book.change("P1", registration="Pending")
    boot = BOOT if version == "ocpp1.6" else BOOT_2X
    async with pile(ground.port, "P1", version) as p:
        p.answers["TriggerMessage"] = {"status": "Accepted"}
        await p.call("BootNotification", boot)
        await ground.csms.command(P1, TriggerMessage("StatusNotification"))
        assert (await p.call("StatusNotification", STATUS[version]))[0] == 3
        assert (await p.call("Heartbeat", {}))[2] == "SecurityError"
        ground.book.change("P1", registration="Accepted")
        assert (await p.call("Heartbeat", {}))[2] == "SecurityError"
        assert (await p.call("BootNotification", boot))[2]["status"] == "Accepted"
        assert (await p.call("Heartbeat", {}))[0] == 3


@EVERY
async def test_an_accepted_station_is_not_asked_to_boot_again(ground: Ground, version: str) -> None:  # noqa: F811
    again = TriggerMessage("BootNotification")
    async with pile(ground.port, "P1", version) as p:
        p.answers["TriggerMessage"] = {"status": "Accepted"}
        assert (await ground.csms.command(P1, again)).accepted
        answer = await p.call("BootNotification", BOOT if version == "ocpp1.6" else BOOT_2X)
        assert answer[2]["status"] == "Accepted"
        with pytest.raises(Conflict, match="another"):
            await ground.csms.command(P1, again)
        assert (await ground.csms.command(P1, TriggerMessage("Heartbeat"))).accepted


async def test_a_rejected_station_is_not_set_up(ground: Ground) -> None:  # noqa: F811
    ground.book.change("P1", registration="Rejected")
    async with pile(ground.port, "P1") as p:
        await p.call("BootNotification", BOOT)
        await p.call("Heartbeat", {})
        assert p.received == []
        ground.book.change("P1", registration="Pending")
        await p.call("BootNotification", BOOT)
        await until(lambda: p.received)


def test_a_new_record_is_accepted() -> None:
    assert Book("P1").records["P1"].registration == "Accepted"
