"""CitrineOS's exports as a fleet: JSON and CSV, tables of 1.5 and of 1.8."""

import csv
import io
import json
from typing import Any

import pytest

from sunpile.basics.errors import InputInvalid
from sunpile.fleet.moving.citrineos import energy_of, read_citrineos
from sunpile.fleet.moving.export import read_export
from sunpile.fleet.moving.model import Fleet

NINE = 1_788_253_200
"""2026-09-01 09:00 UTC."""
REGISTER = "Energy.Active.Import.Register"


def meter(value: float | str, **other: Any) -> list[dict[str, Any]]:
    return [{"measurand": "Voltage", "value": 230}, {"measurand": REGISTER, "value": value, **other}]


def newest() -> dict[str, list[dict[str, Any]]]:
    """Tables of 1.8: a 1.6 and a 2.0.1 station, two authorizations, a session on each."""
    return {
        "ChargingStations": [
            {"pkId": 1, "id": "OLD-1", "protocol": "ocpp1.6", "isOnline": True, "chargePointVendor": "Acme",
             "chargePointModel": "Wall", "firmwareVersion": "1.2", "locationId": 5, "tenantId": 1,
             "latestOcppMessageTimestamp": "2026-09-01T10:00:00.000Z"},
            {"pkId": 2, "id": "NEW-1", "protocol": "ocpp2.0.1", "tenantId": 1, "locationId": 5,
             "coordinates": {"type": "Point", "coordinates": [8.5, 47.25]}},
        ],
        "Locations": [{"id": 5, "name": "Mill St", "tenantId": 1,
                       "coordinates": "0101000020E6100000000000000000F03F0000000000000040"}],
        "Evses": [
            {"id": 11, "stationId": "OLD-1", "evseTypeId": 1, "tenantId": 1},
            {"id": 21, "stationId": "NEW-1", "evseTypeId": 1, "tenantId": 1},
            {"id": 22, "stationId": "NEW-1", "evseTypeId": 2, "tenantId": 1},
            {"id": 23, "stationId": "NEW-1", "evseTypeId": 3, "tenantId": 1, "removed": True},
        ],
        "Connectors": [
            {"id": 31, "stationId": "OLD-1", "evseId": 11, "connectorId": 1, "maximumPowerWatts": 22000, "tenantId": 1},
            {"id": 32, "stationId": "OLD-1", "evseId": 11, "connectorId": 2, "maximumPowerWatts": 11000, "tenantId": 1},
            {"id": 33, "stationId": "NEW-1", "evseId": 22, "connectorId": 3, "evseTypeConnectorId": 1, "tenantId": 1},
        ],
        "Authorizations": [
            {"id": 41, "idToken": "abc1", "idTokenType": "ISO14443", "status": "Accepted", "groupAuthorizationId": 42,
             "concurrentTransaction": True, "cacheExpiryDateTime": "2026-09-01T09:00:00.000Z", "tenantId": 1},
            {"id": 42, "idToken": "FAM", "idTokenType": "Central", "status": "Blocked", "tenantId": 1},
            {"id": 43, "idToken": "NARROW", "status": "Accepted", "allowedConnectorTypes": ["cCCS2"], "tenantId": 1},
            {"id": 44, "idToken": "ABC1", "idTokenType": "eMAID", "status": "Accepted", "tenantId": 1},
            {"id": 45, "idToken": "ODD", "idTokenType": "Unheard", "status": "NoCredit", "tenantId": 1},
        ],
        "Transactions": [
            {"id": 51, "stationId": "OLD-1", "transactionId": "77", "isActive": False, "connectorId": 32,
             "authorizationId": 41, "totalKwh": "9.9", "stoppedReason": "Local", "tenantId": 1},
            {"id": 52, "stationId": "NEW-1", "transactionId": "b7c1-22", "isActive": False, "evseId": 22,
             "startTime": "2026-09-01 08:00:00+00", "endTime": "2026-09-01 11:00:00+02", "tenantId": 1},
            {"id": 53, "stationId": "NEW-1", "transactionId": "b7c1-23", "isActive": True, "evseId": 22,
             "startTime": "2026-09-01 09:30:00+00", "meterStart": "16.0", "tenantId": 1},
        ],
        "StartTransactions": [{"id": 1, "transactionDatabaseId": 51, "meterStart": 1000, "connectorDatabaseId": 32,
                               "timestamp": "2026-09-01T08:00:00Z", "tenantId": 1}],
        "StopTransactions": [{"id": 1, "transactionDatabaseId": 51, "meterStop": 11000, "tenantId": 1,
                              "timestamp": "2026-09-01T09:00:00Z", "reason": "Remote"}],
        "TransactionEvents": [
            {"id": 1, "transactionDatabaseId": 52, "eventType": "Started", "seqNo": 0, "tenantId": 1,
             "timestamp": "2026-09-01T08:00:00Z", "idTokenValue": "abc1", "idTokenType": "ISO14443"},
            {"id": 2, "transactionDatabaseId": 52, "eventType": "Ended", "seqNo": 9, "tenantId": 1,
             "timestamp": "2026-09-01T09:00:00Z"},
        ],
        "MeterValues": [
            {"id": 2, "transactionDatabaseId": 52, "timestamp": "2026-09-01T09:00:00Z", "tenantId": 1,
             "sampledValue": meter("15.5", unitOfMeasure={"unit": "kWh"})},
            {"id": 1, "transactionDatabaseId": 52, "timestamp": "2026-09-01T08:00:00Z", "tenantId": 1,
             "sampledValue": meter(5000, unitOfMeasure={"unit": "Wh", "multiplier": 0})},
        ],
        "Reservations": [
            {"databaseId": 1, "id": 9, "stationId": "NEW-1", "isActive": True, "tenantId": 1,
             "expiryDateTime": "2026-09-01T09:00:00Z", "idToken": {"idToken": "abc1", "type": "ISO14443"}},
            {"databaseId": 2, "id": 8, "stationId": "NEW-1", "isActive": False, "tenantId": 1},
        ],
        "Tariffs": [{"id": 1}],
    }  # fmt: skip


def as_json(tables: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for name, rows in tables.items():
        found |= read_export(f"{name}.json", json.dumps(rows).encode())
    return found


def as_csv(tables: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """As `psql \\copy (...) to 'Table.csv' csv header` writes them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, rows in tables.items():
        out = io.StringIO()
        writer = csv.DictWriter(out, list({key: None for row in rows for key in row}), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: _cell(value) for key, value in row.items()})
        found |= read_export(f"{name}.csv", out.getvalue().encode())
    return found


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "{" + ",".join(value) + "}"
    return json.dumps(value) if isinstance(value, dict | list) else value


@pytest.fixture(params=[as_json, as_csv], ids=["json", "csv"])
def fleet(request: pytest.FixtureRequest) -> Fleet:
    return read_citrineos(request.param(newest()))


def test_stations_come_with_their_evses_power_and_place(fleet: Fleet) -> None:
    old, new = fleet.stations
    assert (old.station, old.version, old.evses, old.max_w, old.site) == ("OLD-1", "1.6", (1, 2), 22_000, "Mill St")
    assert (old.longitude, old.latitude, old.last_seen) == (1_000_000, 2_000_000, NINE + 3600)
    assert (new.version, new.evses, new.max_w) == ("2.0.1", (1, 2), None)
    assert (new.longitude, new.latitude) == (8_500_000, 47_250_000)


def test_authorizations_come_as_tokens(fleet: Fleet) -> None:
    found = {one.token: one for one in fleet.tokens}
    assert set(found) == {"ABC1", "FAM", "NARROW", "ODD"}
    first = found["ABC1"]
    assert (first.kind, first.group, first.valid_until, first.limits.concurrent) == ("ISO14443", "FAM", NINE, None)
    assert (found["FAM"].status, found["FAM"].kind, found["FAM"].limits.concurrent) == ("blocked", "Central", 1)
    assert [one.group for one in fleet.groups] == ["FAM"]


def test_a_token_whose_limits_cannot_be_moved_is_blocked_and_said(fleet: Fleet) -> None:
    assert {one.token: one.status for one in fleet.tokens}["NARROW"] == "blocked"
    told = {one.which: one.why for one in fleet.problems if one.kind == "tag"}
    assert "blocked until staff" in told["NARROW"]
    assert "twice" in told["ABC1"]
    assert "decided here at each visit" in told["ODD"]


def test_transactions_are_put_together_from_their_parts(fleet: Fleet) -> None:
    old, new, running = fleet.sessions
    assert (old.evse, old.transaction, old.token, old.start_wh, old.end_wh) == (2, "77", "abc1", 1000, 11000)
    assert (old.started_at, old.ended_at, old.stop_reason) == (NINE - 3600, NINE, "Local")
    assert (new.evse, new.token, new.token_kind, new.start_wh, new.end_wh) == (2, "abc1", "ISO14443", 5000, 15500)
    assert (new.started_at, new.ended_at) == (NINE - 3600, NINE)
    assert (running.running, running.ended_at, running.start_wh) == (True, None, 16_000)


def test_reservations_that_stand_come_over(fleet: Fleet) -> None:
    assert [(one.number, one.station, one.token, one.expires_at) for one in fleet.reservations] == [
        (9, "NEW-1", "ABC1", NINE)
    ]
    assert set(fleet.left) == {"Reservations", "Tariffs"}


def test_tokens_of_1_5_stand_in_tables_of_their_own() -> None:
    tables = {
        "ChargingStations": [{"id": "CS-1", "protocol": "ocpp2.0.1"}],
        "Evses": [{"databaseId": 3, "id": 2, "connectorId": None}],
        "IdTokens": [{"id": 1, "idToken": "T1", "type": "ISO14443"}, {"id": 2, "idToken": "G1", "type": "Central"}],
        "IdTokenInfos": [{"id": 7, "status": "Blocked", "groupIdTokenId": 2}],
        "Authorizations": [{"id": 1, "idTokenId": 1, "idTokenInfoId": 7}],
        "Transactions": [{"id": 1, "stationId": "CS-1", "transactionId": "t", "isActive": False, "evseDatabaseId": 3,
                          "totalKwh": 2.5}],
        "TransactionEvents": [
            {"transactionDatabaseId": 1, "eventType": "Started", "timestamp": "2026-09-01T08:00:00Z", "idTokenId": 1},
            {"transactionDatabaseId": 1, "eventType": "Ended", "timestamp": "2026-09-01T09:00:00Z"},
        ],
    }  # fmt: skip
    found = read_citrineos(tables)
    assert [(one.token, one.status, one.group) for one in found.tokens] == [("T1", "blocked", "G1")]
    assert [(one.evse, one.token, one.start_wh, one.end_wh) for one in found.sessions] == [(2, "T1", 0, 2500)]


def test_identities_are_found_where_stations_have_numbers() -> None:
    tables = newest()
    numbers = {"OLD-1": 1, "NEW-1": 2}
    for row in tables["ChargingStations"]:
        row |= {"ocppConnectionName": row["id"], "id": numbers[row["id"]]}
    for name in ("Evses", "Connectors", "Transactions", "Reservations"):
        for row in tables[name]:
            row["ocppConnectionName"], row["stationId"] = row["stationId"], numbers[row["stationId"]]
    del tables["Evses"][2]["ocppConnectionName"]
    found, before = read_citrineos(tables), read_citrineos(newest())
    assert (found.stations, found.sessions, found.reservations) == (
        before.stations, before.sessions, before.reservations,
    )  # fmt: skip


def test_one_tenant_is_chosen() -> None:
    tables = newest()
    tables["ChargingStations"][1]["tenantId"] = 2
    with pytest.raises(InputInvalid, match="of 2 tenants"):
        read_citrineos(tables)
    found = read_citrineos(tables, "2")
    assert [one.station for one in found.stations] == ["NEW-1"]
    assert (found.tokens, found.sessions) == ([], [])


def test_a_graphql_answer_with_several_tables_is_read() -> None:
    answer = json.dumps({"data": {"ChargingStations": [{"id": "A"}], "Connectors": []}}).encode()
    assert read_export("all.json", answer) == {"ChargingStations": [{"id": "A"}], "Connectors": []}


def test_rows_of_one_object_a_line_are_read() -> None:
    assert read_export("Evses.json", b'{"id":1}\n{"id":2}\n') == {"Evses": [{"id": 1}, {"id": 2}]}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("A.json", b"[1]", "row 1 of A.json is no object"),
        ("A.json", b"[{", "A.json is no JSON"),
        ("A.json", b'{"a":1}\n{"a":\n', "line 2 of A.json"),
        ("A.json", b'{"errors":[{"message":"no table"}]}', "answer with errors"),
        ("A.json", b"[" * 100_000, "nested too deeply"),
        ("A.csv", b"id,name\n1\n", "line 2 of A.csv has 1 fields"),
        ("A.csv", b"id,id\n1,2\n", "names of its columns"),
        ("A.csv", b'id\n"x', "line 2 of A.csv is no CSV"),
        ("A.csv", b"id\n" + b"x" * ((1 << 20) + 1), "is no CSV"),
        ("A.csv", "id".encode("utf-16"), "UTF-16"),
        ("A.csv", b"id\n\xff", "not UTF-8"),
    ],
)
def test_a_broken_export_is_refused_with_its_place(name: str, content: bytes, told: str) -> None:
    with pytest.raises(InputInvalid, match=told):
        read_export(name, content)


def test_an_export_of_something_else_is_refused() -> None:
    with pytest.raises(InputInvalid, match="ChargingStations"):
        read_citrineos({"Posts": []})


@pytest.mark.parametrize(
    ("sampled", "wh"),
    [
        (meter(12), 12),
        (meter("1.2345", unitOfMeasure={"unit": "kWh"}), 1234),
        (meter(12, unitOfMeasure={"unit": "Wh", "multiplier": 3}), 12_000),
        (meter("1.5", unit="kWh"), 1500),
        (meter(12, phase="L1"), None),
        (meter(12, location="Inlet"), None),
        (meter(12, unitOfMeasure={"unit": "Wh", "multiplier": 99}), None),
        ([{"value": "7"}], 7),
        ("text", None),
        ([None, 3], None),
    ],
)
def test_energy_is_found_among_sampled_values(sampled: Any, wh: int | None) -> None:
    assert energy_of(sampled) == wh
