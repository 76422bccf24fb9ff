"""A station obeys what a management system may ask, in both versions, and its devices answer as SunSpec says."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from sunpile.basics.ids import PointId
from sunpile.basics.units import Watt
from sunpile.solar.modbus import ModbusReader
from sunpile.solar.plant import Device
from sunpile.town import faults
from sunpile.town.cars import Visit
from sunpile.town.registers import Shape, Values, image
from sunpile.town.scenario import TownPlan
from sunpile.town.town import Town
from town.conftest import SMALL
from town.fake_node import ADMIN, FakeNode

BEGIN = SMALL.begin
CAR = Visit(1, BEGIN + 600, BEGIN + 7200, 20_000, 11_000, 20_000, 11_000, False)
STATIONS = ("SP-HOME-01", "SP-STREET-02")


@pytest.fixture
async def street(small_plan: TownPlan, node: FakeNode) -> AsyncIterator[tuple[Town, FakeNode]]:
    """A town where one car at each of a 1.6 and a 2.0.1 station charges, twenty minutes after the begin."""
    scenario = replace(SMALL, intervals=6)
    chosen = [p for v in ("1.6", "2.0.1") for p in small_plan.piles if p.version == v and p.evses == 1][::1]
    piles = tuple(replace(p, visits=(CAR,)) for p in (chosen[0], next(p for p in chosen if p.version == "2.0.1")))
    drivers = tuple(
        replace(d, visits=((p.station, CAR),), resident=False)
        for d, p in zip(small_plan.drivers[:2], piles, strict=True)
    )
    plan = replace(small_plan, scenario=scenario, piles=piles, drivers=drivers)
    town = Town(scenario, plan)
    await node.start(await town.open())
    await town.run_to(*node.urls, [], ADMIN, BEGIN + 1200)
    yield town, node
    await town.close()


def stations(town: Town) -> tuple[Any, Any]:
    """The 1.6 and the 2.0.1 station."""
    old, new = town.world.piles.values()
    return old, new


async def test_remote_stop_ends_the_transaction(street: tuple[Town, FakeNode]):
    town, node = street
    old, new = stations(town)
    assert old.evses[0].power_w == 11_000
    stop16 = {"transactionId": old.evses[0].charge.number}
    stop201 = {"transactionId": new.evses[0].charge.local_id}
    assert await node.call(old.station, "RemoteStopTransaction", stop16) == {"status": "Accepted"}
    assert await node.call(new.station, "RequestStopTransaction", stop201) == {"status": "Accepted"}
    await town.clock.run_until(BEGIN + 1260)
    assert [p.evses[0].charge for p in (old, new)] == [None, None]
    assert [p.evses[0].power_w for p in (old, new)] == [0, 0]
    assert not any(session.active for session in node.memory.sessions.values())
    assert node.memory.invalid == []


async def test_a_charging_profile_limits_the_power_and_clearing_it_frees_it(street: tuple[Town, FakeNode]):
    town, node = street
    old, new = stations(town)
    periods = [{"startPeriod": 0, "limit": 4000.0}]
    schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": periods}
    common = {"stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute"}
    for16 = {"chargingProfileId": 5, **common, "chargingSchedule": schedule}
    for201 = {"id": 5, **common, "chargingSchedule": [{"id": 1, **schedule}]}
    await node.call(old.station, "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": for16})
    await node.call(new.station, "SetChargingProfile", {"evseId": 1, "chargingProfile": for201})
    await town.clock.run_until(BEGIN + 1260)
    assert [p.evses[0].power_w for p in (old, new)] == [4000, 4000]
    await node.call(old.station, "ClearChargingProfile", {"id": 5})
    await node.call(new.station, "ClearChargingProfile", {"chargingProfileId": 5})
    await town.clock.run_until(BEGIN + 1320)
    assert [p.evses[0].power_w for p in (old, new)] == [11_000, 11_000]


async def test_settings_change_how_often_it_speaks(street: tuple[Town, FakeNode]):
    town, node = street
    old, new = stations(town)
    change = {"key": "MeterValueSampleInterval", "value": "60"}
    assert (await node.call(old.station, "ChangeConfiguration", change))["status"] == "Accepted"
    variable = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}
    answer = await node.call(new.station, "SetVariables", {"setVariableData": [{**variable, "attributeValue": "60"}]})
    assert answer["setVariableResult"][0]["attributeStatus"] == "Accepted"
    before = {p.station: len(node.memory.talk[p.station]) for p in (old, new)}
    await town.clock.run_until(BEGIN + 2100)
    for pile in (old, new):
        assert len(node.memory.talk[pile.station]) - before[pile.station] >= 9
    unknown = {"key": "Colour", "value": "blue"}
    assert (await node.call(old.station, "ChangeConfiguration", unknown))["status"] == "NotSupported"


async def test_a_trigger_is_followed_at_once(street: tuple[Town, FakeNode]):
    town, node = street
    old, _ = stations(town)
    answer = await node.call(old.station, "TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1})
    assert answer == {"status": "Accepted"}
    await town.clock.run_until(BEGIN + 1201)
    assert '"Trigger"' in node.memory.talk[old.station][-1]


async def test_a_reset_stops_the_charge_and_boots_again(street: tuple[Town, FakeNode]):
    town, node = street
    old, new = stations(town)
    await node.call(old.station, "Reset", {"type": "Soft"})
    await node.call(new.station, "Reset", {"type": "Immediate"})
    await town.clock.run_until(BEGIN + 1260)
    for pile in (old, new):
        assert sum(line.startswith("BootNotification") for line in node.memory.talk[pile.station]) == 2
        assert pile.evses[0].charge is None
    assert node.memory.invalid == []


async def test_what_it_does_not_know_it_says(street: tuple[Town, FakeNode]):
    town, node = street
    old, new = stations(town)
    assert await node.call(old.station, "SelfDestruct", {}) == {"error": "NotImplemented"}
    assert await node.call(old.station, "RemoteStopTransaction", {}) == {"error": "FormationViolation"}
    assert await node.call(new.station, "SetVariables", {}) == {"error": "FormatViolation"}


async def test_an_unavailable_connector_takes_no_car(street: tuple[Town, FakeNode]):
    town, node = street
    old, _ = stations(town)
    answer = await node.call(old.station, "ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
    assert answer == {"status": "Scheduled"}
    await town.clock.run_until(CAR.depart + 60)
    assert old.evses[0].state == "Unavailable"


async def test_a_card_nobody_knows_charges_nothing(street: tuple[Town, FakeNode]):
    town, node = street
    old, _ = stations(town)
    node.memory.drivers.clear()
    await town.clock.run_until(CAR.depart + 60)
    before = len(node.memory.sessions)
    town.world.piles[old.station].evses[0].plug(replace(CAR, depart=CAR.depart + 900), CAR.depart + 60)
    await old.card(old.evses[0], "ABCDEF01234567", CAR.depart + 60)
    assert len(node.memory.sessions) == before


async def test_a_forged_reading_is_refused_by_who_checks(street: tuple[Town, FakeNode]):
    town, _node = street
    assert town.registered
    assert town._node
    domain = town.registered.domains.market
    home = town.registered.homes[1]
    forged = faults.forged(domain, home, SMALL.first_interval, 5)
    answer = await town._node.post("/api/readings", {"readings": [forged]})
    assert [result["status"] for result in answer["results"]] == ["refused"]


async def test_houses_answer_modbus_with_what_their_meters_count(street: tuple[Town, FakeNode]):
    town, _node = street
    reader = ModbusReader()
    for number, meter in town.world.houses.items():
        port, unit = town.world.park.address(town.world.devices["home", number])
        device = Device("x", PointId(1), "meter", "127.0.0.1", port, unit, Watt(20_000))
        first = await reader.read(device, 0)
        before = meter.read(town.scheduler.now)
        await town.clock.run_until(town.scheduler.now + 300)
        second = await reader.read(device, 0)
        after = meter.read(town.scheduler.now)
        assert second.exported.since(first.exported.wh()) - first.exported.wh() == after[1] - before[1]
        assert second.imported.since(first.imported.wh()) - first.imported.wh() == after[0] - before[0]
        assert second.w == meter.power(town.scheduler.now)
    await reader.close()


@pytest.mark.parametrize("sf", [-1, 0, 1])
def test_register_maps_are_as_long_as_their_models_say(sf: int):
    shape = Shape("A", "B", "C", True, True, 20_000, 5_000, power_sf=1, energy_sf=sf)
    registers = image(shape, Values(3_600_000, 7_200_000, -1500, 2000, 3_600_000, 500))
    at, found = 2, []
    while registers[at] != 0xFFFF:
        found.append((registers[at], registers[at + 1]))
        at += registers[at + 1] + 2
    assert found == [(1, 66), (103, 50), (802, 62), (203, 105)]
    assert at == len(registers) - 2
