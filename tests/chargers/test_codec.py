"""Frames: every fault gets the CALLERROR code its version's own table gives it, and nothing crashes."""

import contextlib
import json
import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sunpile.basics.errors import FrameInvalid
from sunpile.chargers.codec import Call, CallFault, Codec, Result, ResultFault, Send, Stray
from sunpile.chargers.validation import CODES, VERSIONS, Version

SOAK = os.environ.get("SUNPILE_SOAK") == "1"
TIME = "2023-11-14T22:13:20Z"
RPC = {"1.6": "FormationViolation", "2.0.1": "RpcFrameworkError", "2.1": "RpcFrameworkError"}
SHAPE = {"1.6": "FormationViolation", "2.0.1": "FormatViolation", "2.1": "FormatViolation"}
UNKNOWN_FIELD = {"1.6": "FormationViolation", "2.0.1": "ProtocolError", "2.1": "ProtocolError"}
MISSING = {"1.6": "ProtocolError", "2.0.1": "OccurrenceConstraintViolation", "2.1": "OccurrenceConstraintViolation"}
COUNT = {
    "1.6": "OccurenceConstraintViolation",
    "2.0.1": "OccurrenceConstraintViolation",
    "2.1": "OccurrenceConstraintViolation",
}
TYPE = {"1.6": "TypeConstraintViolation", "2.0.1": "TypeConstraintViolation", "2.1": "TypeConstraintViolation"}
VALUE = {
    "1.6": "PropertyConstraintViolation",
    "2.0.1": "PropertyConstraintViolation",
    "2.1": "PropertyConstraintViolation",
}
NO_ACTION = {"1.6": "NotImplemented", "2.0.1": "NotImplemented", "2.1": "NotImplemented"}
NO_TYPE = {"1.6": "GenericError", "2.0.1": "MessageTypeNotSupported", "2.1": "MessageTypeNotSupported"}


def call(action: str, payload: Any, message_id: Any = "m1") -> str:
    return json.dumps([2, message_id, action, payload])


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


BOTH: list[tuple[str, str, dict[str, str], str]] = [
    ("nothing", "", RPC, "-1"),
    ("not JSON", "{", RPC, "-1"),
    ("cut off", '[2,"m1","Heartbeat",{', RPC, "-1"),
    ("a word", "hello", RPC, "-1"),
    ("NaN", '[2,"m1","Heartbeat",NaN]', RPC, "-1"),
    ("infinite number", '[2,"m1","Heartbeat",{"a":1e400}]', RPC, "-1"),
    ("half a surrogate", '[2,"m1","Heartbeat","\\ud800"]', RPC, "-1"),
    ("raw control character", '[2,"m\x01","Heartbeat",{}]', RPC, "-1"),
    ("byte order mark", '\ufeff[2,"m1","Heartbeat",{}]', RPC, "-1"),
    ("two documents", '[2,"m1","Heartbeat",{}][]', RPC, "-1"),
    ("object", '{"a":1}', RPC, "-1"),
    ("number", "2", RPC, "-1"),
    ("null", "null", RPC, "-1"),
    ("empty array", "[]", RPC, "-1"),
    ("type alone", "[2]", RPC, "-1"),
    ("type is text", '["2","m1","Heartbeat",{}]', RPC, "m1"),
    ("type is true", '[true,"m1","Heartbeat",{}]', RPC, "m1"),
    ("type is a fraction", '[2.5,"m1","Heartbeat",{}]', RPC, "m1"),
    ("type is null", '[null,"m1"]', RPC, "m1"),
    ("type 1", '[1,"m1","Heartbeat",{}]', NO_TYPE, "m1"),
    ("type 7", '[7,"m1","Heartbeat",{}]', NO_TYPE, "m1"),
    ("negative type", '[-2,"m1","Heartbeat",{}]', NO_TYPE, "m1"),
    ("call of three", '[2,"m1","Heartbeat"]', RPC, "m1"),
    ("call of five", '[2,"m1","Heartbeat",{},{}]', RPC, "m1"),
    ("id is a number", call("Heartbeat", {}, 1), RPC, "-1"),
    ("id is null", call("Heartbeat", {}, None), RPC, "-1"),
    ("id is empty", call("Heartbeat", {}, ""), RPC, "-1"),
    ("id is too long", call("Heartbeat", {}, "x" * 37), RPC, "-1"),
    ("id is a list", call("Heartbeat", {}, []), RPC, "-1"),
    ("action is a number", '[2,"m1",3,{}]', RPC, "m1"),
    ("unknown action", call("Fly", {}), NO_ACTION, "m1"),
    ("action in lower case", call("heartbeat", {}), NO_ACTION, "m1"),
    ("action with suffix", call("HeartbeatRequest", {}), NO_ACTION, "m1"),
    ("action with signature", call("Heartbeat-Signed", {}), NO_ACTION, "m1"),
    ("action of no version", call("__proto__", {}), NO_ACTION, "m1"),
    ("payload is a list", call("Heartbeat", []), SHAPE, "m1"),
    ("payload is text", call("Heartbeat", "x"), SHAPE, "m1"),
    ("payload is a number", call("Heartbeat", 0), SHAPE, "m1"),
    ("payload is false", call("Heartbeat", False), SHAPE, "m1"),
    ("unknown field", call("Heartbeat", {"a": 1}), UNKNOWN_FIELD, "m1"),
    ("field in snake case", call("DataTransfer", {"vendor_id": "v"}), UNKNOWN_FIELD, "m1"),
    ("required field missing", call("DataTransfer", {}), MISSING, "m1"),
    ("text where a number", call("MeterValues", {"connectorId": "1", "evseId": "1", "meterValue": []}), {}, "m1"),
    ("number where text", call("DataTransfer", {"vendorId": 12}), TYPE, "m1"),
    ("null where text", call("DataTransfer", {"vendorId": None}), TYPE, "m1"),
    ("text too long", call("DataTransfer", {"vendorId": "v" * 256}), VALUE, "m1"),
    ("NUL in text", call("DataTransfer", {"vendorId": "v\x00"}), VALUE, "m1"),
    ("too deep", f'[2,"m1","DataTransfer",{{"vendorId":"v","data":{nested(20)}}}]', RPC, "m1"),
    ("much too deep", nested(5000), RPC, "-1"),
    ("deep objects", '{"a":' * 600 + "1" + "}" * 600, RPC, "-1"),
    ("too long", call("DataTransfer", {"vendorId": "v", "data": "d" * 65536}), RPC, "-1"),
]


def meter16(value: str, **more: Any) -> dict[str, Any]:
    return {"connectorId": 1, "meterValue": [{"timestamp": TIME, "sampledValue": [{"value": value, **more}]}]}


def event201(**changes: Any) -> dict[str, Any]:
    event = {
        "eventType": "Started",
        "timestamp": TIME,
        "triggerReason": "CablePluggedIn",
        "seqNo": 0,
        "transactionInfo": {"transactionId": "t1"},
    }
    return {name: value for name, value in (event | changes).items() if value is not None}


START = {"connectorId": 1, "idTag": "tag", "meterStart": 0, "timestamp": TIME}
OF_ONE: list[tuple[str, Version, str, dict[str, Any], dict[str, str]]] = [
    ("missing", "1.6", "StartTransaction", {"connectorId": 1}, MISSING),
    ("wrong type", "1.6", "StartTransaction", START | {"meterStart": "0"}, TYPE),
    ("fraction for an integer", "1.6", "StartTransaction", START | {"meterStart": 0.5}, TYPE),
    ("1.0 for an integer", "1.6", "StartTransaction", START | {"meterStart": 1.0}, TYPE),
    ("true for an integer", "1.6", "StartTransaction", START | {"connectorId": True}, TYPE),
    ("id tag too long", "1.6", "StartTransaction", START | {"idTag": "x" * 21}, VALUE),
    ("connector below 0", "1.6", "StartTransaction", START | {"connectorId": -1}, VALUE),
    ("connector of 40 bits", "1.6", "StartTransaction", START | {"connectorId": 2**40}, VALUE),
    ("register beyond any meter", "1.6", "StartTransaction", START | {"meterStart": 2**60}, VALUE),
    ("register of 100 digits", "1.6", "StartTransaction", START | {"meterStart": 10**100}, TYPE),
    ("time is a word", "1.6", "StartTransaction", START | {"timestamp": "yesterday"}, VALUE),
    ("time without zone", "1.6", "StartTransaction", START | {"timestamp": "2023-11-14T22:13:20"}, VALUE),
    ("time of year 222222", "1.6", "StartTransaction", START | {"timestamp": "222222-01-01T00:00:00Z"}, VALUE),
    ("30th of February", "1.6", "StartTransaction", START | {"timestamp": "2023-02-30T00:00:00Z"}, VALUE),
    ("full-width year", "1.6", "StartTransaction", START | {"timestamp": "２０２３-02-03T00:00:00Z"}, VALUE),
    ("time is a number", "1.6", "StartTransaction", START | {"timestamp": 1_700_000_000}, TYPE),
    ("unknown status", "1.6", "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "On"}, VALUE),
    ("no meter value", "1.6", "MeterValues", {"connectorId": 1, "meterValue": []}, COUNT),
    ("meter value is a number", "1.6", "MeterValues", meter16("1") | {"meterValue": 3}, TYPE),
    ("value is a number", "1.6", "MeterValues", meter16(5), TYPE),  # type: ignore[arg-type]
    ("unknown unit", "1.6", "MeterValues", meter16("5", unit="J"), VALUE),
    ("inner unknown field", "1.6", "MeterValues", meter16("5", unIt="Wh"), UNKNOWN_FIELD),
    ("missing", "2.0.1", "TransactionEvent", event201(seqNo=None), MISSING),
    ("wrong type", "2.0.1", "TransactionEvent", event201(seqNo="0"), TYPE),
    ("1.0 for an integer", "2.0.1", "TransactionEvent", event201(seqNo=1.0), TYPE),
    ("unknown event", "2.0.1", "TransactionEvent", event201(eventType="Begun"), VALUE),
    (
        "transaction id too long",
        "2.0.1",
        "TransactionEvent",
        event201(transactionInfo={"transactionId": "x" * 37}),
        VALUE,
    ),
    ("no meter value", "2.0.1", "TransactionEvent", event201(meterValue=[]), COUNT),
    ("time is a word", "2.0.1", "TransactionEvent", event201(timestamp="now"), VALUE),
    ("EVSE of 40 bits", "2.0.1", "TransactionEvent", event201(evse={"id": 2**40}), VALUE),
    ("boot of 1.6", "2.0.1", "BootNotification", {"chargePointVendor": "v", "chargePointModel": "m"}, {}),
    ("vendor data without vendor", "2.0.1", "Heartbeat", {"customData": {"a": 1}}, MISSING),
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("frame", "codes", "message_id"), [row[1:] for row in BOTH], ids=[row[0] for row in BOTH])
def test_a_hostile_frame_gets_its_code(version: Version, frame: str, codes: dict[str, str], message_id: str) -> None:
    with pytest.raises(FrameInvalid) as caught:
        Codec(version).decode(frame)
    assert caught.value.message_id == message_id
    assert caught.value.ocpp_code in CODES[version].values()
    if codes:
        assert caught.value.ocpp_code == codes[version]


@pytest.mark.parametrize(
    ("version", "action", "payload", "codes"), [row[1:] for row in OF_ONE], ids=[f"{row[1]} {row[0]}" for row in OF_ONE]
)
def test_a_wrong_payload_gets_its_code(
    version: Version, action: str, payload: dict[str, Any], codes: dict[str, str]
) -> None:
    with pytest.raises(FrameInvalid) as caught:
        Codec(version).decode(call(action, payload))
    assert caught.value.message_id == "m1"
    if codes:
        assert caught.value.ocpp_code == codes[version]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "frame",
    ['[3,"m1"]', '[3,"m1",[]]', '[3,"m1",{},{}]', "[3]", '[4,"m1"]', "[4]", '[4,"m1",7,"",{}]', '[3,"m1","x"]'],
)
def test_a_broken_answer_is_dropped_and_not_answered(version: Version, frame: str) -> None:
    assert isinstance(Codec(version).decode(frame), Stray)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_empty_payload_may_be_written_as_null(version: Version) -> None:
    assert Codec(version).decode('[2,"m1","Heartbeat",null]') == Call("m1", "Heartbeat", {})
    assert Codec(version).decode('[3,"m1",null]') == Result("m1", {})


@pytest.mark.parametrize("frame", ['[5,"m1","GenericError","",{}]', '[6,"m1","NotifyPeriodicEventStream",{}]'])
@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_the_new_types_of_2_1_are_unknown_before(version: Version, frame: str) -> None:
    with pytest.raises(FrameInvalid) as caught:
        Codec(version).decode(frame)
    assert caught.value.ocpp_code == NO_TYPE[version]


STREAM = {"id": 1, "pending": 0, "basetime": TIME, "data": [{"t": 0.5, "v": "230.4"}]}


def test_a_message_without_answer_is_read_in_2_1() -> None:
    frame = json.dumps([6, "m1", "NotifyPeriodicEventStream", STREAM])
    assert Codec("2.1").decode(frame) == Send("m1", "NotifyPeriodicEventStream", STREAM)


@pytest.mark.parametrize(
    "frame",
    [
        [6],
        [6, "m1"],
        [6, "", "NotifyPeriodicEventStream", STREAM],
        [6, "m1", "NotifyPeriodicEventStream", {}],
        [6, "m1", "NotifyPeriodicEventStream", None],
        [6, "m1", "Heartbeat", {}],
        [6, "m1", ["Heartbeat"], {}],
        [5],
        [5, "m1"],
        [5, "m1", None, "", {}],
    ],
)
def test_a_broken_message_without_answer_gets_no_answer(frame: list[Any]) -> None:
    assert isinstance(Codec("2.1").decode(json.dumps(frame)), Stray)


def test_a_message_without_answer_sent_as_a_call_is_unknown() -> None:
    with pytest.raises(FrameInvalid) as caught:
        Codec("2.1").decode(call("NotifyPeriodicEventStream", STREAM))
    assert caught.value.ocpp_code == "NotImplemented"


def test_the_error_about_our_answer_is_read_and_written_in_2_1() -> None:
    frame = Codec("2.1").result_error(FrameInvalid("FormatViolation", "status: missing", "m1"))
    assert frame == '[5,"m1","FormatViolation","status: missing",{}]'
    assert Codec("2.1").decode(frame) == ResultFault("m1", "FormatViolation", "status: missing")
    assert Codec("2.0.1").result_error(FrameInvalid("FormatViolation", "", "m1")) is None


def test_an_error_of_the_pile_is_read_even_if_its_tail_is_missing() -> None:
    assert Codec("1.6").decode('[4,"m1","NotSupported","no",{}]') == CallFault("m1", "NotSupported", "no")
    assert Codec("1.6").decode('[4,"m1","NotSupported"]') == CallFault("m1", "NotSupported", "")


def test_text_that_only_looks_like_an_escaped_nul_passes() -> None:
    frame = json.dumps([2, "m1", "DataTransfer", {"vendorId": "\\u0000"}])
    assert isinstance(Codec("1.6").decode(frame), Call)


def test_an_error_repeats_no_value_of_the_pile() -> None:
    with pytest.raises(FrameInvalid) as caught:
        Codec("1.6").decode(call("Authorize", {"idTag": "SECRET-TAG-THAT-IS-TOO-LONG"}))
    assert "SECRET" not in Codec("1.6").error(caught.value)


def test_an_error_description_has_at_most_255_characters() -> None:
    frame = json.loads(Codec("2.0.1").error(FrameInvalid("GenericError", "x" * 1000, "m1")))
    assert frame == [4, "m1", "GenericError", "x" * 255, {}]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
ACTIONS = st.sampled_from(
    ["Heartbeat", "BootNotification", "MeterValues", "TransactionEvent", "StartTransaction", "Reset", "x"]
)
FRAMES = st.one_of(
    JSON.map(json.dumps),
    st.text(max_size=200),
    st.tuples(st.integers(0, 6), JSON, ACTIONS, JSON).map(lambda frame: json.dumps(list(frame))),
    st.tuples(st.just(2), st.text(min_size=1, max_size=36), ACTIONS, JSON).map(lambda frame: json.dumps(list(frame))),
)


@settings(max_examples=20_000 if SOAK else 400, deadline=None)
@given(version=st.sampled_from(VERSIONS), frame=FRAMES)
def test_no_frame_escapes_the_codec(version: Version, frame: str) -> None:
    codec = Codec(version)
    try:
        decoded = codec.decode(frame)
    except FrameInvalid as fault:
        answer = json.loads(codec.error(fault))
        assert answer[0] == 4
        assert answer[2] in CODES[version].values()
        assert len(answer[1]) <= 36
        assert len(answer) == 5
    else:
        assert isinstance(decoded, Call | Result | CallFault | Send | ResultFault | Stray)


@settings(max_examples=5_000 if SOAK else 200, deadline=None)
@given(st.data())
def test_a_mutated_valid_frame_never_crashes(data: st.DataObject) -> None:
    frame = list(call("TransactionEvent", event201(evse={"id": 1}, meterValue=METER_201)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(frame) - 1))
        frame[at] = data.draw(st.sampled_from([*'{}[]",:0129eE+-.\\u', "\x00", "\ud7ff", "é", ""]))
    for version in VERSIONS:
        with contextlib.suppress(FrameInvalid):
            Codec(version).decode("".join(frame))


METER_201 = [{"timestamp": TIME, "sampledValue": [{"value": 12.5, "unitOfMeasure": {"unit": "kWh", "multiplier": 0}}]}]
