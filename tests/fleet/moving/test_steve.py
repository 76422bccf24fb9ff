"""SteVe's tables as a fleet: stations, tags with parents and limits, transactions, reservations; nothing in silence."""

from collections.abc import Mapping, Sequence

import pytest
from tests.fleet.moving.dumps import NEW, OLD, Cell, dump, row, small, start, station, stop, table

from sunpile.basics.errors import InputInvalid
from sunpile.fleet.moving.dump import read_dump
from sunpile.fleet.moving.model import Fleet
from sunpile.fleet.moving.steve import TABLES, read_steve

NINE = 1_788_253_200
"""2026-09-01 09:00 UTC."""


def fleet(rows: Mapping[str, Sequence[Sequence[Cell]]], schema: Mapping[str, Sequence[str]] = NEW) -> Fleet:
    return read_steve(read_dump(dump(rows, schema), TABLES), names=True)


def whys(found: Fleet) -> list[tuple[str, str]]:
    return [(one.which, one.why) for one in found.problems]


def test_a_station_comes_with_its_place_its_connectors_and_its_profile() -> None:
    rows = small()
    rows["charge_box"] = [
        station("SP-1", 1, description="Yard", note="ring\nbell", address_pk=1, charge_point_model="Wall 11",
                charge_box_serial_number="S1", security_profile=2, auth_password="$2a$10$x"),
        station("SP-2", 2, security_profile=0, auth_password="$2a$10$y"),
        station("SP-3", 3, security_profile=3),
        station("SP-4", 4),
    ]  # fmt: skip
    rows["address"] = [
        row("address", address_pk=1, street="Mill St", house_number="3", zip_code="8000", city="Zürich",
            latitude="47.376887", longitude="8.541694"),
    ]  # fmt: skip
    first, second, third, fourth = fleet(rows).stations
    assert (first.station, first.evses, first.version, first.name) == ("SP-1", (1, 2), "1.6", "Yard")
    assert (first.site, first.latitude, first.longitude) == ("Mill St 3, 8000 Zürich", 47_376_887, 8_541_694)
    assert (first.notes, first.model, first.serial, first.profile) == ("ring bell", "Wall 11", "S1", 2)
    assert [one.profile for one in (second, third, fourth)] == [1, 2, 0]
    assert second.evses == (1,)


def test_the_schema_of_2019_is_read_too() -> None:
    rows = {
        "charge_box": [
            row("charge_box", OLD, charge_box_pk=1, charge_box_id="SP-1", ocpp_protocol="ocpp1.6J",
                registration_status="Accepted", location_latitude="1.5", location_longitude="-2"),
        ],
        "connector": [[7, "SP-1", 2]],
        "ocpp_tag": [row("ocpp_tag", OLD, ocpp_tag_pk=1, id_tag="AA", blocked=1, max_active_transaction_count=1)],
        "user": [[1, 1, "Ann", "Lee"]],
        "transaction_start": [[5, "2020-01-01 10:00:00", 7, "AA", "2020-01-01 10:00:00", "0"]],
        "transaction_stop": [[5, "2020-01-01 11:00:00", "station", "2020-01-01 11:00:00", "7000", "Local"]],
    }  # fmt: skip
    found = fleet(rows, OLD)
    assert (found.stations[0].evses, found.stations[0].latitude, found.stations[0].longitude) == (
        (2,), 1_500_000, -2_000_000,
    )  # fmt: skip
    assert (found.tokens[0].status, found.tokens[0].notes) == ("blocked", "Ann Lee")
    assert [(one.station, one.evse, one.start_wh, one.end_wh) for one in found.sessions] == [("SP-1", 2, 0, 7000)]
    assert found.problems == []


@pytest.mark.parametrize(
    ("cells", "status", "concurrent", "until"),
    [
        ({"max_active_transaction_count": 0}, "blocked", None, None),
        ({"max_active_transaction_count": 3}, "accepted", 3, None),
        ({"max_active_transaction_count": -1}, "accepted", None, None),
        ({"max_active_transaction_count": 1, "expiry_date": "2026-09-01 09:00:00.500000"}, "accepted", 1, NINE),
        ({"max_active_transaction_count": 1, "expiry_date": "0000-00-00 00:00:00"}, "accepted", 1, 0),
        ({"max_active_transaction_count": "many"}, "accepted", 1, None),
    ],
)
def test_a_tags_limits_mean_the_same_here(
    cells: dict[str, Cell], status: str, concurrent: int | None, until: int | None
) -> None:
    rows = small() | {"ocpp_tag": [row("ocpp_tag", **{"ocpp_tag_pk": 1, "id_tag": "aa 01 ü"} | cells)]}
    token = fleet(rows).tokens[0]
    assert (token.token, token.status, token.limits.concurrent) == ("AA 01 Ü", status, concurrent)
    assert token.valid_until == until


def test_a_parent_becomes_a_group_and_an_owner_a_note() -> None:
    found = fleet(small())
    assert [(one.token, one.group, one.parent, one.notes) for one in found.tokens] == [
        ("AA01", "FAMILY", None, "Zoë O'Neil"),
        ("FAMILY", None, None, ""),
    ]
    assert [(one.group, one.status) for one in found.groups] == [("FAMILY", "accepted")]


def test_names_of_people_stay_behind_unless_wished() -> None:
    found = read_steve(read_dump(dump(small()), TABLES))
    assert [one.notes for one in found.tokens] == ["", ""]
    assert "names of people are not kept here" in found.left["user"]
    assert "O'Neil" not in repr(found)


def test_transactions_come_with_registers_times_and_reasons() -> None:
    found = fleet(small())
    assert [
        (one.evse, one.transaction, one.token, one.start_wh, one.end_wh, one.stop_reason) for one in found.sessions
    ] == [
        (1, "1", "AA01", 1000, 11000, "Local"),
        (2, "2", "AA01", 5000, 6000, None),
    ]  # fmt: skip
    assert [(one.started_at, one.ended_at) for one in found.sessions] == [(NINE - 3600, NINE)] * 2
    assert found.left == {"connector_meter_value": found.left["connector_meter_value"]}
    assert "stay in the dump" in found.left["connector_meter_value"]


def test_the_newest_stop_counts_and_doubts_are_told() -> None:
    rows = small()
    rows["transaction_stop"] = [
        stop(1, event_timestamp="2026-09-01 09:00:02", stop_value="12000"),
        stop(1, event_timestamp="2026-09-01 09:00:01", stop_value="11000"),
        stop(2, event_actor="manual", stop_value="6000"),
    ]
    first, second = fleet(rows).sessions
    assert (first.end_wh, first.doubts) == (12000, {"several stops"})
    assert second.doubts == {"stopped by hand in SteVe"}


def test_a_stop_that_steve_refused_ends_its_transaction_with_a_doubt() -> None:
    rows = small() | {"transaction_stop": [stop(1)]}
    rows["transaction_stop_failed"] = [
        [2, "SP-1", "2026-09-01 09:00:01", "station", "2026-09-01 09:00:00", "6000", "Local", "no such"],
        [77, "SP-1", "2026-09-01 09:00:01", "station", "2026-09-01 09:00:00", "6000", "Local", "no such"],
    ]
    found = fleet(rows)
    assert (found.sessions[1].ended_at, found.sessions[1].doubts) == (NINE, {"stop refused by SteVe"})
    assert ("77", "it has a stop but no start") in whys(found)


def test_only_the_last_transaction_of_today_is_under_way() -> None:
    rows = small() | {"transaction_stop": []}
    rows["transaction_start"] = [
        start(1, 2, start_timestamp="2026-10-01 08:00:00"),
        start(2, 2, start_timestamp="2026-10-01 09:00:00"),
        start(3, 3, start_timestamp="2026-01-01 09:00:00"),
    ]
    assert [(one.transaction, one.running) for one in fleet(rows).sessions] == [("1", False), ("2", True), ("3", False)]


def test_every_row_that_cannot_come_is_named_with_its_reason() -> None:
    rows = small()
    rows["charge_box"] += [
        station("Büro 1", 2),
        station("x" * 49, 3),
        station("SOAP-1", 4, ocpp_protocol="ocpp1.5S"),
        station("SP-9", 5, registration_status="Maybe"),
    ]
    rows["evse"] += [[9, "Büro 1", 1]]
    rows["ocpp_tag"] += [row("ocpp_tag", ocpp_tag_pk=8, id_tag="", max_active_transaction_count=1)]
    rows["ocpp_tag"] += [row("ocpp_tag", ocpp_tag_pk=9, id_tag="aa01", max_active_transaction_count=1)]
    rows["transaction_start"] += [
        start(10, 9),
        start(11, 99),
        start(12, 2, start_timestamp=None, event_timestamp="0000-00-00 00:00:00"),
    ]
    found = fleet(rows)
    lost = {one.which for one in found.problems if one.lost}
    assert lost == {"Büro 1", "x" * 49, "", "aa01", "10", "11", "12"}
    told = whys(found)
    assert any(which == "SOAP-1" and "ocpp1.5S" in why for which, why in told)
    assert [one.registration for one in found.stations if one.station == "SP-9"] == ["Pending"]
    # Each row read is either here or named.
    assert len(found.stations) + 2 == len(rows["charge_box"])
    assert len(found.tokens) + 2 == len(rows["ocpp_tag"])
    assert len(found.sessions) + 3 == len(rows["transaction_start"])


def test_reservations_that_stand_come_over() -> None:
    rows = small()
    rows["reservation"] = [
        row("reservation", reservation_pk=4, evse_pk=2, id_tag="aa01", status="ACCEPTED",
            start_datetime="2026-09-01 08:00:00", expiry_datetime="2026-09-01 09:00:00"),
        row("reservation", reservation_pk=5, evse_pk=2, id_tag="aa01", status="WAITING",
            expiry_datetime="2026-09-01 09:00:00"),
        row("reservation", reservation_pk=6, evse_pk=2, id_tag="aa01", status="USED",
            expiry_datetime="2026-09-01 09:00:00"),
    ]  # fmt: skip
    found = fleet(rows)
    assert [(one.number, one.station, one.evse, one.token, one.expires_at) for one in found.reservations] == [
        (4, "SP-1", 1, "AA01", NINE)
    ]
    assert ("5", "the station had not answered yet: reserve again") in whys(found)
    assert found.left["reservation"].startswith("1 that were used")


def test_a_dump_of_local_times_or_without_its_end_is_doubted() -> None:
    text = dump(small()).decode()
    bare = text.replace("/*!40103 SET TIME_ZONE='+00:00' */;\n", "").replace("-- Dump completed", "-- Dump")
    told = whys(read_steve(read_dump(bare.encode(), TABLES)))
    assert [which for which, _ in told] == ["last line", "times"]


def test_a_dump_of_something_else_is_refused() -> None:
    with pytest.raises(InputInvalid, match="no dump of SteVe"):
        read_steve(read_dump(table("wp_posts", ("id",), [[1]]).encode(), TABLES))
