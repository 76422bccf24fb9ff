"""The catalogue holds every command once, with a schema, both languages and an example that can be said."""

import dataclasses
import re
from pathlib import Path

import jsonschema_rs
import pytest

from sunpile.basics.errors import InputInvalid, NotFound
from sunpile.chargers import commands
from sunpile.chargers.commands import VariableName, VariableValue
from sunpile.fleet.catalogue import (
    CATALOGUE,
    GROUPS,
    Operation,
    as_asked,
    command_of,
    operation_named,
    refuse_secrets,
    schema,
    shown,
)
from sunpile.fleet.examples import EXAMPLES, example, versions

every = pytest.mark.parametrize("operation", CATALOGUE, ids=lambda operation: operation.name)


def test_every_command_is_one_operation() -> None:
    assert sorted(o.command.__name__ for o in CATALOGUE) == sorted(c.__name__ for c in commands.COMMANDS)
    assert len({o.name for o in CATALOGUE}) == len(CATALOGUE)
    assert set(EXAMPLES) <= {o.name for o in CATALOGUE}


@every
def test_every_operation_has_titles_and_a_group_in_both_languages(operation: Operation) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", operation.name)
    assert operation.title.isascii()
    assert re.search(r"[\u4e00-\u9fff]", operation.title_zh)
    assert re.search(r"[\u4e00-\u9fff]", GROUPS[operation.group][1])


@every
def test_every_field_is_described_and_labelled_in_both_languages(operation: Operation) -> None:
    made = schema(operation.name)
    for part in (made, *made.get("$defs", {}).values()):
        for field, described in part.get("properties", {}).items():
            assert re.search(r"[\u4e00-\u9fff]|EVSE", described["x-label-zh"]), field
            assert described["description"], field
    assert set(made.get("properties", ())) == {field.name for field in dataclasses.fields(operation.command)}


@every
def test_every_example_fits_the_schema_and_some_dialect_says_it(operation: Operation) -> None:
    assert jsonschema_rs.is_valid(schema(operation.name), example(operation.name))
    assert isinstance(command_of(operation, example(operation.name), 5), operation.command)
    assert "2.1" in versions(operation.name), "2.1 has words for everything"


def test_the_reference_page_lists_every_operation_as_it_is() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "operations.md").read_text()
    for operation in CATALOGUE:
        row = f"| `{operation.name}` | {operation.title} | {operation.title_zh} | {operation.permission} | "
        assert row + f"{operation.weight} | {', '.join(versions(operation.name))} |" in page


@pytest.mark.parametrize(
    ("name", "known"),
    [("remote-start", {"1.6", "2.0.1"}), ("set-der-control", set()), ("get-report", {"2.0.1"}),
     ("reset", {"1.6", "2.0.1"}), ("get-variables", {"1.6", "2.0.1"}), ("get-log", {"1.6", "2.0.1"}),
     ("get-customer-information", {"2.0.1"})],
)  # fmt: skip
def test_versions_are_what_the_dialects_say(name: str, known: set[str]) -> None:
    assert set(versions(name)) - {"2.1"} == known


def test_numbers_that_are_left_out_are_filled_in() -> None:
    report = command_of(operation_named("get-report"), {}, 41)
    assert isinstance(report, commands.GetReport)
    assert report.request == 41
    given = command_of(operation_named("get-report"), {"request": 7}, 41)
    assert isinstance(given, commands.GetReport)
    assert given.request == 7
    start = command_of(operation_named("remote-start"), {"token": {"id": "A"}}, 41)
    assert isinstance(start, commands.RemoteStart)
    assert start.remote_start == 41
    assert "request" not in schema("get-report").get("required", [])


@pytest.mark.parametrize(
    ("name", "arguments", "at"),
    [("reset", {"kind": "Now"}, "arguments.kind"), ("reset", {"evse": 1.0}, "arguments.evse"),
     ("reset", {"soon": True}, "arguments.soon"), ("unlock-connector", {}, "arguments.evse"),
     ("remote-start", {"token": {"id": ""}}, "arguments.token.id"), ("reset", {"evse": "1"}, "arguments.evse")],
)  # fmt: skip
def test_wrong_arguments_are_named(name: str, arguments: dict[str, object], at: str) -> None:
    with pytest.raises(InputInvalid) as refused:
        command_of(operation_named(name), arguments, 1)
    assert refused.value.detail.startswith(at)


def test_unknown_operation_is_not_found() -> None:
    with pytest.raises(NotFound):
        operation_named("explode")


def test_passwords_are_never_shown() -> None:
    network = {"slot": 1, "url": "wss://x", "password": "s3cret"}
    values = {"values": [{"name": {"variable": "BasicAuthPassword"}, "value": "s3cret"},
                         {"name": {"variable": "HeartbeatInterval"}, "value": "300"}]}  # fmt: skip
    assert "s3cret" not in str(shown(network)) + str(shown(values))
    assert "300" in str(shown(values))
    assert shown(network)["url"] == "wss://x"


@pytest.mark.parametrize(
    ("component", "variable", "way"),
    [
        ("SecurityCtrlr", "BasicAuthPassword", "/password"),
        ("", "authorizationkey", "/password"),
        ("SecurityCtrlr", "BasicAuthPassword[1]", "/password"),
        ("WebPaymentsCtrlr", "SharedSecret", "/qr-codes"),
    ],
)
def test_a_secret_has_a_way_of_its_own(component: str, variable: str, way: str) -> None:
    with pytest.raises(InputInvalid, match=way):
        refuse_secrets([VariableValue(VariableName(variable, component), "s3cret")])
    refuse_secrets([VariableValue(VariableName(variable, "NetworkConfiguration"), "s3cret")])


def test_a_customers_data_that_is_only_deleted_is_not_waited_for() -> None:
    operation = operation_named("get-customer-information")
    assert as_asked(operation, {"report": True, "clear": True}).ends == "customer"
    assert as_asked(operation, {"report": False, "clear": True}).ends == ""
    report = operation_named("get-report")
    assert as_asked(report, {}) is report
