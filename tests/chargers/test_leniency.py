"""Every deviation: refused of a strict station, accepted and counted of one that may, and harmless to all others."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargers.fakes import PASSWORD, basic, pile
from chargers.test_server import P1, Ground, ground, knock, until  # noqa: F401
from sunpile.chargers.leniency import BY_ID, DEVIATIONS, looks_always, mend
from sunpile.chargers.validation import Version, first_fault

TIME = "2023-11-14T22:13:20Z"
START = {"connectorId": 1, "idTag": "tag", "meterStart": 0, "timestamp": TIME}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}


def meter(*samples: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"connectorId": 1, "meterValue": [{"timestamp": TIME, "sampledValue": list(samples)}]} | more


def sample201(**more: Any) -> dict[str, Any]:
    return {"evseId": 1, "meterValue": [{"timestamp": TIME, "sampledValue": [{"value": 5} | more]}]}


Check = Callable[[dict[str, Any]], Any]
CASES: list[tuple[str, Version, str, dict[str, Any], Check, Any]] = [
    ("unknown-fields", "1.6", "Authorize", {"connectorId": 2, "idTag": "x"}, lambda p: p, {"idTag": "x"}),
    ("null-fields", "1.6", "StatusNotification", STATUS | {"info": None}, lambda p: p, STATUS),
    ("null-fields", "2.0.1", "MeterValues", sample201(measurand=None), lambda p: p, sample201()),
    ("empty-texts", "1.6", "StatusNotification", STATUS | {"timestamp": ""}, lambda p: p, STATUS),
    ("empty-texts", "1.6", "MeterValues", meter({"value": "5", "unit": ""}), lambda p: p, meter({"value": "5"})),
    ("time-without-zone", "1.6", "StartTransaction", START | {"timestamp": TIME[:-1]}, lambda p: p, START),
    ("time-other-form", "1.6", "StartTransaction", START | {"timestamp": "2023-11-14 22:13:20Z"}, lambda p: p, START),
    (
        "time-other-form",
        "1.6",
        "StartTransaction",
        START | {"timestamp": "2023-11-14T22:13:20+02"},
        lambda p: p["timestamp"],
        "2023-11-14T22:13:20+02:00",
    ),
    ("texts-for-numbers", "1.6", "StartTransaction", START | {"meterStart": "12"}, lambda p: p["meterStart"], 12),
    ("texts-for-numbers", "2.0.1", "MeterValues", sample201(value="5"), lambda p: p, sample201()),
    ("numbers-for-texts", "1.6", "MeterValues", meter({"value": 5}), lambda p: p, meter({"value": "5"})),
    ("fractions-for-integers", "1.6", "StartTransaction", START | {"meterStart": 7.9}, lambda p: p["meterStart"], 7),
    (
        "one-for-list",
        "1.6",
        "MeterValues",
        {"connectorId": 1, "meterValue": {"timestamp": TIME, "sampledValue": [{"value": "5"}]}},
        lambda p: p,
        meter({"value": "5"}),
    ),
    (
        "empty-lists",
        "2.0.1",
        "MeterValues",
        {"evseId": 1, "meterValue": [*sample201()["meterValue"], {"timestamp": TIME, "sampledValue": []}]},
        lambda p: p,
        sample201(),
    ),
    (
        "long-texts",
        "1.6",
        "BootNotification",
        BOOT | {"chargePointSerialNumber": "S" * 33},
        lambda p: p["chargePointSerialNumber"],
        "S" * 25,
    ),
    (
        "long-id-tags",
        "1.6",
        "StartTransaction",
        START | {"idTag": "x" * 20 + "\x10\x0e"},
        lambda p: p["idTag"],
        "x" * 20,
    ),
    ("enum-spelling", "1.6", "StatusNotification", STATUS | {"status": "available"}, lambda p: p, STATUS),
    (
        "enum-spelling",
        "1.6",
        "MeterValues",
        meter({"value": "5", "measurand": "energy.active.import_register"}),
        lambda p: p,
        meter({"value": "5", "measurand": "Energy.Active.Import.Register"}),
    ),
    ("status-words", "1.6", "StatusNotification", STATUS | {"status": "Occupied"}, lambda p: p["status"], "Preparing"),
    (
        "status-words",
        "2.1",
        "StatusNotification",
        {"timestamp": TIME, "connectorStatus": "SuspendedEV", "evseId": 1, "connectorId": 1},
        lambda p: p["connectorStatus"],
        "Occupied",
    ),
    (
        "error-codes",
        "1.6",
        "StatusNotification",
        STATUS | {"errorCode": "Error"},
        lambda p: p["errorCode"],
        "OtherError",
    ),
    (
        "stop-reasons",
        "1.6",
        "StopTransaction",
        {"meterStop": 1, "timestamp": TIME, "transactionId": 1, "reason": "CarFull"},
        lambda p: p["reason"],
        "Other",
    ),
    (
        "unknown-measurands",
        "1.6",
        "MeterValues",
        meter({"value": "5"}, {"value": "1", "measurand": "Request.Energy"}, {"value": "50", "unit": "Hz"}),
        lambda p: p,
        meter({"value": "5"}),
    ),
    (
        "sample-context",
        "1.6",
        "MeterValues",
        meter({"value": "5", "context": "Sample"}),
        lambda p: p,
        meter({"value": "5"}),
    ),
    (
        "connector-missing",
        "1.6",
        "MeterValues",
        {"meterValue": meter({"value": "5"})["meterValue"]},
        lambda p: p["connectorId"],
        1,
    ),
    (
        "boot-fields-missing",
        "1.6",
        "BootNotification",
        {"chargePointVendor": "V"},
        lambda p: p["chargePointModel"],
        "unknown",
    ),
]
ALWAYS: list[tuple[str, Version, str, dict[str, Any], dict[str, Any]]] = [
    (
        "placeholder-transactions",
        "1.6",
        "MeterValues",
        meter({"value": "5"}, transactionId=-1),
        meter({"value": "5"}),
    ),
    ("kwh-as-wh", "1.6", "StartTransaction", START | {"meterStart": 3}, START | {"meterStart": 3000}),
    ("kwh-as-wh", "1.6", "MeterValues", meter({"value": "5.25"}), meter({"value": "5.25", "unit": "kWh"})),
    ("kwh-as-wh", "2.0.1", "MeterValues", sample201(), sample201(unitOfMeasure={"unit": "kWh"})),
    ("decimal-comma", "1.6", "MeterValues", meter({"value": "5,25"}), meter({"value": "5.25"})),
]
OF_THE_CALL = {"numbers-for-texts"}


@pytest.mark.parametrize(("name", "version", "action", "payload", "check", "wanted"), CASES)
def test_what_breaks_a_rule_is_mended_only_by_its_own_deviation(
    name: str, version: Version, action: str, payload: dict[str, Any], check: Check, wanted: Any
) -> None:
    message, before = action + "Request", json.dumps(payload)
    assert first_fault(version, message, payload) is not None
    assert mend(version, message, payload, frozenset()) is None
    others = frozenset(BY_ID) - {name, *({"time-without-zone"} if name == "time-other-form" else ())}
    assert name not in (mend(version, message, payload, others) or ({}, {}))[1]
    mended = mend(version, message, payload, frozenset({name}))
    assert mended is not None
    assert check(mended.payload) == wanted
    assert set(mended.used) == {name}
    assert first_fault(version, message, mended.payload) is None
    assert json.dumps(payload) == before


@pytest.mark.parametrize(("name", "version", "action", "payload", "wanted"), ALWAYS)
def test_what_no_schema_sees_is_mended_of_those_who_may(
    name: str, version: Version, action: str, payload: dict[str, Any], wanted: dict[str, Any]
) -> None:
    message = action + "Request"
    assert first_fault(version, message, payload) is None
    assert looks_always({name})
    mended = mend(version, message, payload, frozenset({name}))
    assert mended is not None
    assert mended.payload == wanted
    assert mended.used == {name: 1}
    assert mend(version, message, wanted, frozenset(BY_ID) - {"kwh-as-wh"}).used == {}  # type: ignore[union-attr]


def test_every_deviation_has_words_and_a_case() -> None:
    cases = {case[0] for case in CASES} | {case[0] for case in ALWAYS}
    for deviation in DEVIATIONS:
        assert len(deviation.id) <= 48
        assert deviation.en.endswith(".")
        assert deviation.zh.endswith("。")
        assert (deviation.id in cases) == (deviation.fix is not None or deviation.always is not None)


@pytest.mark.parametrize(
    ("message", "payload"),
    [
        ("StartTransactionRequest", {"idTag": "x"}),
        ("MeterValuesRequest", meter({"value": "50", "unit": "Hz"})),
        ("StartTransactionRequest", START | {"meterStart": "many"}),
        ("StatusNotificationRequest", STATUS | {"status": "On fire"}),
        ("StatusNotificationRequest", STATUS | {"status": None}),
    ],
)
def test_what_cannot_be_known_is_not_guessed(message: str, payload: dict[str, Any]) -> None:
    assert mend("1.6", message, payload, frozenset(BY_ID)) is None


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*START, *STATUS, "meterValue"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["MeterValuesRequest", "StartTransactionRequest", "StatusNotificationRequest"]),
    st.dictionaries(st.sampled_from([*START, *STATUS, "meterValue", "sampledValue"]), JUNK),
)
def test_whatever_is_mended_is_valid(message: str, payload: dict[str, Any]) -> None:
    mended = mend("1.6", message, payload, frozenset(BY_ID))
    assert mended is None or first_fault("1.6", message, mended.payload) is None


class TestOnSockets:
    async def test_one_stations_leniency_is_counted_and_is_no_other_stations(self, ground: Ground) -> None:  # noqa: F811
        ground.book.change("P1", leniency=frozenset({"unknown-fields"}))
        odd = {"connectorId": 2, "idTag": "x"}
        async with pile(ground.port, "P1") as lenient, pile(ground.port, "P2") as strict:
            assert (await lenient.call("Authorize", odd))[0] == 3
            assert (await lenient.call("Authorize", odd))[0] == 3
            assert (await strict.call("Authorize", odd))[:3] == [4, "m1", "FormationViolation"]
            assert ground.csms.stations[P1].lenient == {"unknown-fields": 2}
            assert ground.csms.counters.mended == 2
        await ground.csms.stop()
        assert ground.book.leniencies == {"P1": {"unknown-fields": 2}}

    async def test_staff_may_allow_it_while_the_station_is_connected(self, ground: Ground) -> None:  # noqa: F811
        odd = {"connectorId": 2, "idTag": "x"}
        async with pile(ground.port, "P1") as p:
            assert (await p.call("Authorize", odd))[0] == 4
            ground.book.change("P1", leniency=frozenset({"unknown-fields"}))
            await ground.csms.changed(P1)
            assert (await p.call("Authorize", odd))[0] == 3

    async def test_an_answer_of_the_station_is_mended_too(self, ground: Ground) -> None:  # noqa: F811
        from sunpile.chargers.commands import Reset

        ground.book.change("P1", leniency=frozenset({"enum-spelling"}))
        async with pile(ground.port, "P1") as p:
            p.answers["Reset"] = {"status": "accepted"}
            await until(lambda: ground.csms.stations)
            assert (await ground.csms.command(P1, Reset("Immediate"))).accepted

    async def test_message_ids_may_be_used_again(self, ground: Ground) -> None:  # noqa: F811
        ground.book.change("P1", leniency=frozenset({"message-ids-reused"}))
        async with pile(ground.port, "P1") as p, pile(ground.port, "P2") as strict:
            for station, kind in ((p, 3), (strict, 4)):
                assert (await station.call("Heartbeat", {}, "same"))[0] == 3
                assert (await station.call("Heartbeat", {}, "same"))[0] == kind

    @pytest.mark.parametrize(
        ("name", "path"),
        [
            ("identity-trailing-slash", "P1/"),
            ("identity-encoded-twice", "%2550%31"),
            ("identity-case", "p1"),
        ],
    )
    async def test_a_misspelt_identity(self, ground: Ground, name: str, path: str) -> None:  # noqa: F811
        assert (await knock(ground.port, f"/ocpp/{path}", basic("P1")))[0] == 401
        ground.book.change("P1", leniency=frozenset({name}))
        assert (await knock(ground.port, f"/ocpp/{path}", basic("P1")))[0] == 101
        assert (await knock(ground.port, f"/ocpp/{path}", basic("P1", "0" * 40)))[0] == 401
        assert ground.csms.stations[P1].lenient == {name: 1}

    async def test_another_user_name(self, ground: Ground) -> None:  # noqa: F811
        assert (await knock(ground.port, "/ocpp/P1", basic("admin")))[0] == 401
        ground.book.change("P1", leniency=frozenset({"other-user-name"}))
        assert (await knock(ground.port, "/ocpp/P1", basic("admin")))[0] == 101
        assert (await knock(ground.port, "/ocpp/P1", basic("admin", "0" * 40)))[0] == 401

    @pytest.mark.parametrize(("name", "offered"), [("no-subprotocol", None), ("subprotocol-spelling", ["OCPP1.6J"])])
    async def test_a_version_that_is_not_named_right(
        self,
        ground: Ground,  # noqa: F811
        name: str,
        offered: list[str] | None,
    ) -> None:
        import websockets

        url, headers = f"ws://127.0.0.1:{ground.port}/ocpp/P1", basic("P1", PASSWORD)
        async with websockets.connect(url, subprotocols=offered, additional_headers=headers) as socket:  # type: ignore[arg-type]
            with pytest.raises(websockets.ConnectionClosed):
                await socket.recv()
        assert ground.book.refusals[-1] == ("P1", "unknown version" if offered else "no subprotocol")
        ground.book.change("P1", leniency=frozenset({name}))
        async with websockets.connect(url, subprotocols=offered, additional_headers=headers) as socket:  # type: ignore[arg-type]
            await socket.send('[2,"a","Heartbeat",{}]')
            assert json.loads(await socket.recv())[0] == 3
        assert ground.csms.stations[P1].lenient == {name: 1}
