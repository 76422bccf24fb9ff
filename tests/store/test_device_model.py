"""Settings and templates in the store, and the service over them."""

from dataclasses import replace
from typing import Any

import pytest
from tests.fleet.upkeep_fakes import ALICE, BOB, NOON, FakeAudit, FakeRuns, HeldClock

from sunpile.basics.errors import Conflict, NotFound
from sunpile.basics.ids import StationId
from sunpile.chargers.commands import CommandResult, GetVariables, VariableName, VariableValue
from sunpile.chargers.notices import ReportPart
from sunpile.fleet.cards import StationCard
from sunpile.fleet.configuration import Configuration
from sunpile.fleet.templates import Template, TemplateSelection
from sunpile.store.database import Database
from sunpile.store.device_model import DeviceModelStore
from sunpile.store.station_cards import StationCards
from sunpile.store.station_limits import StationLimits
from sunpile.store.tables import stations

KEY = VariableName("HeartbeatInterval")
TEMPLATE = Template("", "base", TemplateSelection(), ("SP-1", "SP-2"), (VariableValue(KEY, "300"),))


class Setup:
    def __init__(self, database: Database) -> None:
        self.runs, self.audit, self.clock = FakeRuns(), FakeAudit(), HeldClock()
        self.service = Configuration(DeviceModelStore(database), self.runs, self.audit, self.clock)


@pytest.fixture
async def setup(database: Database) -> Setup:
    for station in ("SP-1", "SP-2"):
        await StationCards(database).add(ALICE, StationCard(station, max_w=1), [], NOON)
    with database.engine.begin() as connection:
        connection.execute(stations.update().where(stations.c.station == "SP-1").values(ocpp_version="1.6"))
    return Setup(database)


def answer(value: str, **more: str) -> CommandResult:
    row: dict[str, Any] = {"component": {"name": ""}, "variable": {"name": KEY.variable}, "attributeStatus": "Accepted"}
    return CommandResult("Accepted", True, data={"getVariableResult": [row | {"attributeValue": value} | more]})


async def test_an_answer_leaves_what_a_report_said_of_limits(setup: Setup) -> None:
    row = {
        "component": {"name": "C", "evse": {"id": 1}}, "variable": {"name": "V"},
        "variableAttribute": [{"value": "1", "mutability": "ReadOnly"}],
        "variableCharacteristics": {"dataType": "integer", "supportsMonitoring": True},
    }  # fmt: skip
    await setup.service.told(ReportPart(StationId("SP-1"), "variables", 1, 0, True, (row,)))
    setup.clock.time += 60
    name = VariableName("V", "C", evse=1)
    said = {"component": row["component"], "variable": row["variable"], "attributeStatus": "Accepted"}
    result = CommandResult("Accepted", True, data={"getVariableResult": [said | {"attributeValue": "2"}]})
    await setup.service.answered("SP-1", GetVariables([name]), result)
    (known,) = await setup.service.variables(ALICE, "SP-1")
    assert (known.value, known.mutability, known.at) == ("2", "ReadOnly", NOON + 60)
    assert known.characteristics == row["variableCharacteristics"]


async def test_only_stations_that_differ_are_sent_what_a_template_wants(setup: Setup) -> None:
    template = await setup.service.save(ALICE, TEMPLATE)
    await setup.service.answered("SP-1", GetVariables([KEY]), answer("300"))
    await setup.service.answered("SP-2", GetVariables([KEY]), answer("60", mutability="ReadWrite"))
    assert [(one.station, one.differs) for one in await setup.service.drift(ALICE, template.template)] == [
        ("SP-2", 1),
        ("SP-1", 0),
    ]
    assert await setup.service.apply(ALICE, template.template) == ["run-1"]
    operation, arguments, targets = setup.runs.started[0]
    assert (operation, targets, arguments["values"][0]["value"]) == ("set-variables", ["SP-2"], "300")
    assert [one.differs for one in await setup.service.drift_of(ALICE, "SP-2")] == [1]


async def test_templates_have_a_name_of_their_own_and_belong_to_a_tenant(setup: Setup) -> None:
    kept = await setup.service.save(ALICE, TEMPLATE)
    with pytest.raises(Conflict):
        await setup.service.save(ALICE, TEMPLATE)
    changed = await setup.service.save(ALICE, replace(kept, name="other"))
    assert [one.name for one in await setup.service.templates(ALICE)] == [changed.name]
    for attempt in (setup.service.drift(BOB, kept.template), setup.service.remove(BOB, kept.template)):
        with pytest.raises(NotFound):
            await attempt
    with pytest.raises(NotFound):
        await setup.service.save(BOB, replace(TEMPLATE, name="mine"))
    with pytest.raises(NotFound):
        await setup.service.variables(BOB, "SP-1")
    await setup.service.remove(ALICE, kept.template)
    assert await setup.service.templates(ALICE) == []


async def test_reading_anew_asks_each_version_in_its_way(setup: Setup) -> None:
    await setup.service.refresh(ALICE, "SP-1")
    await setup.service.refresh(ALICE, "SP-2")
    assert [operation for operation, _, _ in setup.runs.started] == ["get-variables", "get-report"]
    with pytest.raises(NotFound):
        await setup.service.refresh(BOB, "SP-1")


async def test_how_much_a_message_may_list_is_read_for_each_message(setup: Setup, database: Database) -> None:
    limits = StationLimits(database)
    assert await limits.items("SP-2", "GetVariables") is None
    rows: list[dict[str, Any]] = [
        {
            "component": {"name": component},
            "variable": {"name": "ItemsPerMessage", "instance": message},
            "variableAttribute": [{"value": value}],
        }
        for component, message, value in (
            ("DeviceDataCtrlr", "GetReport", "1"),
            ("DeviceDataCtrlr", "GetVariables", "4"),
            ("MonitoringCtrlr", "SetVariableMonitoring", "3"),
        )
    ]
    await setup.service.told(ReportPart(StationId("SP-2"), "variables", 1, 0, True, tuple(rows)))
    assert await limits.items("SP-2", "GetVariables") == 4
    assert await limits.items("SP-2", "SetVariableMonitoring") == 3
    assert await limits.items("SP-2", "SetVariables") is None
    assert await limits.items("SP-1", "GetVariables") is None
