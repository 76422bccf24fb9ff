"""Both dialects say the same things: events in, answers out, all valid by the published schemas."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import ocpp
import pytest

from sunpile.basics.errors import FrameInvalid
from sunpile.basics.ids import EvseId, IdToken, StationId
from sunpile.chargers.dialect import (
    Context,
    Dialect,
    Outcome,
    Plan,
    Setting,
    TimeAsked,
)
from sunpile.chargers.events import (
    Authorisation,
    Booted,
    Sample,
    StatusChanged,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.chargers.notices import AuthorisationAsked
from sunpile.chargers.ocpp2 import Ocpp201
from sunpile.chargers.ocpp16 import Ocpp16

NOW = 1_700_000_000
TIME = "2023-11-14T22:13:20Z"
PILE = StationId("P1")
V16, V201 = Ocpp16(), Ocpp201()
DIALECTS: list[Dialect] = [V16, V201]
CONTEXT = Context(PILE, NOW, Plan(), {"t1": EvseId(2)})


def published(dialect: Dialect, message: str) -> Any:
    """The validator of a message by the published schemas."""
    folder = Path(ocpp.__file__).parent / ("v16" if dialect.version == "1.6" else "v201") / "schemas"
    name = message.removesuffix("Request") if dialect.version == "1.6" else message
    schema = json.loads((folder / f"{name}.json").read_text("utf-8-sig"))
    return jsonschema_rs.validator_for(schema, validate_formats=True)


def read(dialect: Dialect, action: str, payload: dict[str, Any]) -> Any:
    """Read a payload that is valid by the published schema."""
    published(dialect, action + "Request").validate(payload)
    return dialect.read(action, payload, CONTEXT)


def answered(dialect: Dialect, action: str, payload: dict[str, Any], outcome: Outcome = None) -> dict[str, Any]:
    """The answer to a payload, valid by the published schema."""
    answer = dialect.reply(read(dialect, action, payload), outcome, CONTEXT)
    published(dialect, action + "Response").validate(answer)
    return answer


def values16(*entries: dict[str, str], time: str = TIME) -> list[dict[str, Any]]:
    return [{"timestamp": time, "sampledValue": list(entries)}]


def sampled16(*entries: dict[str, str]) -> Sample:
    event = read(V16, "MeterValues", {"connectorId": 1, "meterValue": values16(*entries)})
    assert len(event.samples) == 1
    return event.samples[0]


def sampled201(*entries: dict[str, Any]) -> Sample:
    values = [{"timestamp": TIME, "sampledValue": list(entries)}]
    event = read(V201, "MeterValues", {"evseId": 1, "meterValue": values})
    assert len(event.samples) == 1
    return event.samples[0]


def event201(kind: str, seq_no: int = 0, **more: Any) -> dict[str, Any]:
    info = {"transactionId": "t1"} | more.pop("info", {})
    return {
        "eventType": kind,
        "timestamp": TIME,
        "triggerReason": "CablePluggedIn",
        "seqNo": seq_no,
        "transactionInfo": info,
    } | more


class TestRequests:
    def test_boot(self) -> None:
        boot16 = {
            "chargePointVendor": "V",
            "chargePointModel": "M",
            "firmwareVersion": "1",
            "chargeBoxSerialNumber": "S",
        }
        station = {"vendorName": "V", "model": "M", "firmwareVersion": "1", "serialNumber": "S"}
        assert read(V16, "BootNotification", boot16) == Booted(PILE, "V", "M", "S", "1", None)
        boot201 = {"reason": "PowerUp", "chargingStation": station}
        assert read(V201, "BootNotification", boot201) == Booted(PILE, "V", "M", "S", "1", "PowerUp")
        expected = {"status": "Accepted", "currentTime": TIME, "interval": 300}
        assert answered(V16, "BootNotification", boot16) == expected
        assert answered(V201, "BootNotification", boot201) == expected

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_heartbeat_brings_our_time(self, dialect: Dialect) -> None:
        assert read(dialect, "Heartbeat", {}) == TimeAsked()
        assert answered(dialect, "Heartbeat", {}) == {"currentTime": TIME}

    def test_status(self) -> None:
        status16 = {"connectorId": 2, "errorCode": "GroundFailure", "status": "Faulted", "timestamp": TIME}
        status201 = {"evseId": 2, "connectorId": 1, "connectorStatus": "Faulted", "timestamp": TIME}
        assert read(V16, "StatusNotification", status16) == StatusChanged(
            PILE, EvseId(2), "Faulted", "GroundFailure", NOW
        )
        assert read(V201, "StatusNotification", status201) == StatusChanged(PILE, EvseId(2), "Faulted", None, NOW, 1)
        assert answered(V16, "StatusNotification", status16) == {}
        assert answered(V201, "StatusNotification", status201) == {}

    def test_a_status_without_or_with_an_absurd_time_is_of_now(self) -> None:
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
        assert read(V16, "StatusNotification", status).at == NOW
        assert read(V16, "StatusNotification", status | {"timestamp": "2099-01-01T00:00:00Z"}).at == NOW

    @pytest.mark.parametrize("status", ["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"])
    def test_authorise(self, status: str) -> None:
        outcome = Authorisation(status, parent="family", expires_at=NOW)
        assert read(V16, "Authorize", {"idTag": "tag"}) == AuthorisationAsked(PILE, IdToken("tag"), "")
        assert answered(V16, "Authorize", {"idTag": "tag"}, outcome) == {
            "idTagInfo": {"status": status, "parentIdTag": "family", "expiryDate": TIME}
        }
        token = {"idToken": {"idToken": "tag", "type": "ISO14443"}}
        assert read(V201, "Authorize", token) == AuthorisationAsked(PILE, IdToken("tag"), "ISO14443")
        assert answered(V201, "Authorize", token, outcome) == {
            "idTokenInfo": {
                "status": status,
                "groupIdToken": {"idToken": "family", "type": "Central"},
                "cacheExpiryDateTime": TIME,
            }
        }

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_vendor_data_is_answered_unknown_vendor(self, dialect: Dialect) -> None:
        assert answered(dialect, "DataTransfer", {"vendorId": "com.example"}, {}) == {"status": "UnknownVendorId"}

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_an_action_a_pile_may_not_send_is_not_supported(self, dialect: Dialect) -> None:
        with pytest.raises(FrameInvalid) as caught:
            dialect.read("Reset", {}, CONTEXT)
        assert caught.value.ocpp_code == "NotSupported"


class TestTransactions:
    def test_start_and_stop_in_1_6(self) -> None:
        start = {"connectorId": 1, "idTag": "tag", "meterStart": 17, "timestamp": TIME}
        event = read(V16, "StartTransaction", start)
        assert isinstance(event, TransactionStarted)
        assert event.key == f"start/1/tag/{TIME}/17"
        assert event.sample == Sample(NOW, 17, context="Transaction.Begin")  # type: ignore[arg-type]
        assert (event.ocpp_transaction, event.held, event.offline) == (None, None, False)
        granted = TransactionAnswer(Authorisation("Accepted"), "77")
        assert answered(V16, "StartTransaction", start, granted) == {
            "idTagInfo": {"status": "Accepted"},
            "transactionId": 77,
        }
        stop = {"transactionId": 77, "meterStop": 1017, "timestamp": TIME, "idTag": "tag", "reason": "Remote"}
        stop["transactionData"] = values16({"value": "0.9", "unit": "kWh"})
        ended = read(V16, "StopTransaction", stop)
        assert isinstance(ended, TransactionEnded)
        assert (ended.key, ended.evse, ended.ocpp_transaction, ended.reason) == ("stop/77", None, "77", "Remote")
        assert [sample.register_wh for sample in ended.samples] == [900, 1017]
        assert answered(V16, "StopTransaction", stop, granted) == {"idTagInfo": {"status": "Accepted"}}
        assert (
            answered(V16, "StopTransaction", {k: stop[k] for k in ("transactionId", "meterStop", "timestamp")}, granted)
            == {}
        )

    @pytest.mark.parametrize("number", [0, -1, 2**31 - 1])
    def test_a_stop_of_any_number_is_read(self, number: int) -> None:
        stop = {"transactionId": number, "meterStop": 0, "timestamp": TIME}
        assert read(V16, "StopTransaction", stop).ocpp_transaction == str(number)

    def test_the_three_events_of_2_0_1(self) -> None:
        begin = {"value": 17, "context": "Transaction.Begin"}
        meter = [{"timestamp": TIME, "sampledValue": [begin]}]
        token = {"idToken": "tag", "type": "Central"}
        started = read(
            V201,
            "TransactionEvent",
            event201("Started", 0, evse={"id": 1}, idToken=token, meterValue=meter, info={"remoteStartId": 9}),
        )
        assert isinstance(started, TransactionStarted)
        assert (started.key, started.evse, started.remote_start_id, started.id_token) == ("t1/0", 1, 9, "tag")
        assert started.sample == Sample(NOW, 17, context="Transaction.Begin")  # type: ignore[arg-type]
        updated = read(
            V201, "TransactionEvent", event201("Updated", 1, offline=True, info={"chargingState": "Charging"})
        )
        assert isinstance(updated, TransactionUpdated)
        assert (updated.evse, updated.offline, updated.details.charging_state, updated.samples) == (
            2,
            True,
            "Charging",
            (),
        )
        ended = read(V201, "TransactionEvent", event201("Ended", 2, info={"stoppedReason": "EVDisconnected"}))
        assert isinstance(ended, TransactionEnded)
        assert (ended.key, ended.reason, ended.evse) == ("t1/2", "EVDisconnected", 2)

    def test_an_event_of_2_0_1_is_answered_with_the_token_it_brought(self) -> None:
        granted = TransactionAnswer(Authorisation("Blocked"), "t1")
        with_token = event201("Started", idToken={"idToken": "tag", "type": "Central"})
        assert answered(V201, "TransactionEvent", with_token, granted) == {"idTokenInfo": {"status": "Blocked"}}
        assert answered(V201, "TransactionEvent", event201("Started"), granted) == {}

    def test_the_evse_of_an_unknown_transaction_is_zero(self) -> None:
        event = event201("Updated", info={"transactionId": "never seen"})
        assert read(V201, "TransactionEvent", event).evse == 0

    def test_the_same_body_has_the_same_hash_whatever_the_order_of_its_fields(self) -> None:
        event = event201("Started")
        turned = dict(reversed(event.items()))
        assert read(V201, "TransactionEvent", event).body_hash == read(V201, "TransactionEvent", turned).body_hash
        other = read(V201, "TransactionEvent", event | {"offline": True})
        assert other.body_hash != read(V201, "TransactionEvent", event).body_hash

    @pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "2000-01-01T00:00:00Z", "2099-12-31T23:59:59Z"])
    def test_a_transaction_of_another_age_is_read_and_held(self, time: str) -> None:
        start = {"connectorId": 1, "idTag": "tag", "meterStart": 0, "timestamp": time}
        event = read(V16, "StartTransaction", start)
        assert (event.held, event.sample.held) == ("clock", "clock")
        assert read(V201, "TransactionEvent", event201("Started") | {"timestamp": time}).held == "clock"
        values = {"connectorId": 1, "meterValue": values16({"value": "5"}, time=time)}
        assert read(V16, "MeterValues", values).samples[0].held == "clock"

    @pytest.mark.parametrize("tag", ["ta\ng", "täg", "t\x7fg"])
    def test_a_tag_that_cannot_be_printed_is_refused(self, tag: str) -> None:
        start = {"connectorId": 1, "idTag": tag, "meterStart": 0, "timestamp": TIME}
        with pytest.raises(FrameInvalid, match="ASCII"):
            V16.read("StartTransaction", start, CONTEXT)
        with pytest.raises(FrameInvalid, match="ASCII"):
            V201.read("Authorize", {"idToken": {"idToken": tag, "type": "Central"}}, CONTEXT)

    @pytest.mark.parametrize("time", ["2023-11-14T23:59:60Z", "0000-01-01T00:00:00Z", "2023-11-14T22:13:20+99:00"])
    def test_a_moment_that_does_not_exist_is_refused(self, time: str) -> None:
        with pytest.raises(FrameInvalid, match="time"):
            V16.read("MeterValues", {"connectorId": 1, "meterValue": values16({"value": "5"}, time=time)}, CONTEXT)


class TestMeterValues:
    def test_units_of_1_6(self) -> None:
        sample = sampled16(
            {"value": "12.3459", "unit": "kWh"},
            {"value": "11.05", "measurand": "Power.Active.Import", "unit": "kW"},
            {"value": "15.9", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
            {"value": "16.1", "measurand": "Current.Import", "phase": "L2", "unit": "A"},
            {"value": "229.4", "measurand": "Voltage", "phase": "L1-N", "unit": "V"},
            {"value": "55.5", "measurand": "SoC", "unit": "Percent", "location": "EV"},
            {"value": "50.01", "measurand": "Frequency"},
            {"value": "21", "measurand": "Temperature", "unit": "Celsius"},
        )
        assert sample == Sample(NOW, 12345, 11050, 16100, 229400, 555)  # type: ignore[arg-type]

    def test_units_of_2_0_1(self) -> None:
        sample = sampled201(
            {"value": 12.3459, "unitOfMeasure": {"unit": "kWh"}},
            {"value": 1.105, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W", "multiplier": 4}},
            {"value": 16.1, "measurand": "Current.Import"},
            {"value": 229.4, "measurand": "Voltage"},
            {"value": 55, "measurand": "SoC", "unitOfMeasure": {"unit": "Percent"}},
        )
        assert sample == Sample(NOW, 12345, 11050, 16100, 229400, 550)  # type: ignore[arg-type]

    def test_wh_without_a_unit_is_the_default(self) -> None:
        assert sampled16({"value": "12345"}).register_wh == 12345
        assert sampled201({"value": 12345}).register_wh == 12345

    def test_clock_aligned_values_say_so(self) -> None:
        assert sampled16({"value": "1", "context": "Sample.Clock"}).context == "Sample.Clock"
        assert sampled201({"value": 1, "context": "Sample.Clock"}).context == "Sample.Clock"

    def test_values_of_two_contexts_are_two_samples(self) -> None:
        entries = {"value": "1", "context": "Sample.Clock"}, {"value": "2", "context": "Transaction.End"}
        event = read(V16, "MeterValues", {"connectorId": 1, "meterValue": values16(*entries)})
        assert [(s.context, s.register_wh) for s in event.samples] == [("Sample.Clock", 1), ("Transaction.End", 2)]

    def test_phases_add_up_and_a_total_wins(self) -> None:
        phases = [{"value": "100", "phase": phase} for phase in ("L1", "L2", "L3")]
        assert sampled16(*phases).register_wh == 300
        assert sampled16(*phases, {"value": "301"}).register_wh == 301

    def test_the_inlet_is_not_the_evse(self) -> None:
        assert sampled16({"value": "9", "location": "Inlet"}, {"value": "5"}).register_wh == 5
        station = {"connectorId": 0, "meterValue": values16({"value": "9", "location": "Inlet"})}
        assert read(V16, "MeterValues", station).samples[0].register_wh == 9

    def test_export_is_negative_power(self) -> None:
        assert sampled16({"value": "7", "measurand": "Power.Active.Export", "unit": "kW"}).power_w == -7000

    def test_a_negative_register_is_kept_as_it_came(self) -> None:
        assert sampled16({"value": "-5"}).register_wh == -5

    def test_signed_data_is_kept(self) -> None:
        assert sampled16({"value": "OCMF|{...}|{...}", "format": "SignedData"}, {"value": "5"}) == Sample(
            NOW,
            5,
            signed="OCMF|{...}|{...}",  # type: ignore[arg-type]
        )
        signed = {"signedMeterData": "AB==", "signingMethod": "", "encodingMethod": "OCMF", "publicKey": ""}
        assert sampled201({"value": 5, "signedMeterValue": signed}).signed == "AB=="

    @pytest.mark.parametrize(
        "value", ["", "NaN", "Infinity", "１２３", "1_000", "1e400", "1e3", "+5", "1,5", "0x10", " 5", "9" * 30]
    )
    @pytest.mark.parametrize("measurand", ["Energy.Active.Import.Register", "Temperature"])
    def test_a_weird_number_refuses_the_message(self, value: str, measurand: str) -> None:
        payload = {"connectorId": 1, "meterValue": values16({"value": value, "measurand": measurand})}
        with pytest.raises(FrameInvalid) as caught:
            read(V16, "MeterValues", payload)
        assert caught.value.ocpp_code == "PropertyConstraintViolation"

    @pytest.mark.parametrize(
        "entry",
        [
            {"value": 1e300},
            {"value": 1, "unitOfMeasure": {"multiplier": 30}},
            {"value": 1, "unitOfMeasure": {"multiplier": -40}},
            {"value": 1, "unitOfMeasure": {"unit": "W"}},
            {"value": 10**14, "unitOfMeasure": {"unit": "kWh"}},
        ],
    )
    def test_a_number_or_unit_no_meter_has_refuses_the_message(self, entry: dict[str, Any]) -> None:
        values = [{"timestamp": TIME, "sampledValue": [entry]}]
        with pytest.raises(FrameInvalid) as caught:
            read(V201, "MeterValues", {"evseId": 1, "meterValue": values})
        assert caught.value.ocpp_code == "PropertyConstraintViolation"


class TestPlan:
    def test_the_plan_asks_for_clock_aligned_registers(self) -> None:
        plan = Plan(clock_aligned_s=300)
        assert Setting("ClockAlignedDataInterval", "300") in V16.settings(plan)
        assert Setting("Interval", "300", "AlignedDataCtrlr") in V201.settings(plan)
