"""What stations say of their settings, and where it differs from what is wanted."""

from typing import Any

import pytest

from sunpile.basics.ids import StationId
from sunpile.chargers.commands import CommandResult, GetVariables, SetVariables, VariableName, VariableValue
from sunpile.chargers.notices import ReportPart
from sunpile.fleet.cards import StationCard
from sunpile.fleet.device_model import key_of, name_of, newest, of_answer, of_report, same_value
from sunpile.fleet.templates import Template, TemplateSelection, batches, drift, wrong_values

HEARTBEAT = VariableName("HeartbeatInterval", "OCPPCommCtrlr")
ROW: dict[str, Any] = {
    "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 2}},
    "variable": {"name": "Power", "instance": "L1"},
    "variableAttribute": [{"value": "7"}, {"type": "MaxSet", "value": "9", "mutability": "ReadOnly"}],
    "variableCharacteristics": {"unit": "W", "dataType": "integer", "supportsMonitoring": False},
}
TEMPLATE = Template(
    "t", "base", TemplateSelection(model="Wall"), (),
    (VariableValue(HEARTBEAT, "300"), VariableValue(VariableName("Key16"), "a,b")),
)  # fmt: skip


def test_a_report_becomes_a_row_per_attribute() -> None:
    found = of_report(ReportPart(StationId("SP"), "variables", 1, 0, True, (ROW,)), 9)
    assert [(one.key.attribute, one.value, one.mutability) for one in found] == [
        ("Actual", "7", "ReadWrite"),
        ("MaxSet", "9", "ReadOnly"),
    ]
    assert found[0].key.label == "Connector#1.2.Power[L1]"
    assert found[0].characteristics is not None
    assert name_of(found[0].key) == VariableName("Power", "Connector", "L1", "", 1, 2)


def test_answers_teach_only_what_was_accepted() -> None:
    rows = [
        {"attributeStatus": "Accepted", "attributeValue": "300"} | _named(HEARTBEAT),
        {"attributeStatus": "UnknownVariable"} | _named(VariableName("X")),
    ]
    result = CommandResult("Accepted", True, data={"getVariableResult": rows})
    (known,) = of_answer(GetVariables([HEARTBEAT]), result, 5)
    assert (known.key, known.value, known.at) == (key_of(HEARTBEAT), "300", 5)
    wish = SetVariables([VariableValue(HEARTBEAT, "60"), VariableValue(VariableName("X"), "1")])
    rows = [
        {"attributeStatus": "RebootRequired"} | _named(HEARTBEAT),
        {"attributeStatus": "Rejected"} | _named(VariableName("X")),
    ]
    (known,) = of_answer(wish, CommandResult("RebootRequired", True, data={"setVariableResult": rows}), 6)
    assert (known.key, known.value) == (key_of(HEARTBEAT), "60")


def _named(name: VariableName) -> dict[str, Any]:
    return {"component": {"name": name.component}, "variable": {"name": name.variable}}


@pytest.mark.parametrize(
    ("wanted", "has", "same"),
    [
        ("true", "True", True), ("a,b", "b, a", True), ("60", "60.0", True), ("060", "60", True), ("0.50", "0.5", True),
        ("60", "61", False), ("true", "1", False), ("A", "a", False), ("", None, False), ("-1", "1", False),
    ],
)  # fmt: skip
def test_the_same_value_may_be_written_in_several_ways(wanted: str, has: str | None, same: bool) -> None:
    assert same_value(wanted, has) is same


def test_drift_names_what_differs_what_is_unread_and_how_old_the_word_is() -> None:
    rows = [{"attributeStatus": "Accepted", "attributeValue": "60"} | _named(HEARTBEAT)]
    held = newest(of_answer(GetVariables([HEARTBEAT]), CommandResult("A", True, data={"getVariableResult": rows}), 7))
    found = drift(TEMPLATE, "SP", held)
    assert (found.differs, found.unread, found.oldest_read_at) == (1, 1, 7)
    assert [(row.variable, row.state, row.has) for row in found.rows] == [
        ("OCPPCommCtrlr.HeartbeatInterval", "different", "60"),
        ("Key16", "unread", None),
    ]
    assert wrong_values(TEMPLATE, held) == TEMPLATE.values


def test_a_selection_fits_by_every_word_it_names_and_an_empty_one_fits_nobody() -> None:
    card = StationCard("SP", vendor="V", model="Wall", firmware="1.4.2", version="1.6")
    assert TemplateSelection(model="Wall", firmware="1.4*").fits(card)
    assert not TemplateSelection(model="Wall", firmware="1.5*").fits(card)
    assert not TemplateSelection(vendor="W", model="Wall").fits(card)
    assert not TemplateSelection().fits(card)


def test_stations_that_need_the_same_share_a_command() -> None:
    one, two = TEMPLATE.values
    found = batches({"A": (one,), "B": (one, two), "C": (one,), "D": ()})
    assert [(len(command.values), stations) for command, stations in found] == [(1, ["A", "C"]), (2, ["B"])]
