"""Our copy of the schemas says what the published ones say."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import ocpp
import pytest

from sunpile.chargers.validation import VERSIONS, Version, actions, first_fault, sends, validator

PUBLISHED = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
NOTES = {"description", "javaType", "comment", "title", "$schema", "$id", "id", "default"}


def bare(node: Any, names: bool = False) -> Any:
    """`node` without what only a reader needs."""
    if isinstance(node, list):
        return [bare(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: bare(value, key in ("properties", "definitions") and not names)
        for key, value in node.items()
        if names or key not in NOTES
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_every_published_schema_is_here_unchanged(version: Version) -> None:
    ours = json.loads(files("sunpile.chargers").joinpath("schemas", version, "messages.json").read_text())
    published = sorted((Path(ocpp.__file__).parent / PUBLISHED[version] / "schemas").glob("*.json"))
    assert len(published) == len(ours["messages"])
    for file in published:
        schema = bare(json.loads(file.read_text("utf-8-sig")))
        name = file.stem if file.stem.endswith(("Request", "Response")) else file.stem + "Request"
        for definition, body in schema.pop("definitions", {}).items():
            assert ours["definitions"][definition] == body
        assert ours["messages"][name] == schema


@pytest.mark.parametrize("version", VERSIONS)
def test_every_schema_compiles(version: Version) -> None:
    for action in actions(version):
        assert isinstance(validator(version, action + "Request"), jsonschema_rs.Draft4Validator)
        assert isinstance(validator(version, action + "Response"), jsonschema_rs.Draft4Validator)


def test_the_number_of_actions_is_that_of_the_standards() -> None:
    assert len(actions("1.6")) == 39
    assert len(actions("2.0.1")) == 64
    assert len(actions("2.1")) == 90


def test_only_2_1_has_a_message_that_is_not_answered() -> None:
    assert [sends(version) for version in VERSIONS] == [set(), set(), {"NotifyPeriodicEventStream"}]


def test_both_spellings_of_celsius_are_allowed_in_1_6() -> None:
    for unit in ("Celsius", "Celcius"):
        sampled = [{"value": "20", "measurand": "Temperature", "unit": unit}]
        values = [{"timestamp": "2023-11-14T22:13:20Z", "sampledValue": sampled}]
        assert first_fault("1.6", "MeterValuesRequest", {"connectorId": 1, "meterValue": values}) is None


def test_a_limit_with_one_decimal_passes_in_1_6() -> None:
    for limit in (0.1, 0.3, 16.1, 21.4):
        schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
        profile = {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": schedule,
        }
        payload = {"connectorId": 1, "csChargingProfiles": profile}
        assert first_fault("1.6", "SetChargingProfileRequest", payload) is None
