"""Every command in every version: what goes out is valid by the published schema, or the refusal says why."""

import contextlib
import dataclasses
import os
import random
import typing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.chargers.schema_walk import judge, payload

from sunpile.basics.errors import InputInvalid, NotInDialect
from sunpile.chargers import commands
from sunpile.chargers.commands import (
    COMMANDS,
    ChangeAvailability,
    ClearChargingProfile,
    Command,
    CommandResult,
    CostUpdated,
    GetCompositeSchedule,
    GetInstalledCertificates,
    GetLocalListVersion,
    GetLog,
    GetReport,
    GetVariables,
    InstallCertificate,
    ListEntry,
    Monitor,
    Period,
    Profile,
    RemoteStart,
    RemoteStop,
    ReserveNow,
    Reset,
    Schedule,
    SendLocalList,
    SetChargingProfile,
    SetDerControl,
    SetMonitors,
    SetVariables,
    Token,
    TriggerMessage,
    UnlockConnector,
    UpdateFirmware,
    VariableName,
    VariableValue,
)
from sunpile.chargers.dialect import Dialect, Plan
from sunpile.chargers.ocpp2 import Ocpp21, Ocpp201
from sunpile.chargers.ocpp2.dialect import READERS as READERS_2
from sunpile.chargers.ocpp16 import Ocpp16
from sunpile.chargers.ocpp16.dialect import READERS as READERS_16
from sunpile.chargers.validation import actions

V16, V201, V21 = Ocpp16(), Ocpp201(), Ocpp21()
DIALECTS: list[Dialect] = [V16, V201, V21]
EXAMPLES = 300 if os.environ.get("SUNPILE_SOAK") else 30
TIME, AT = "2023-11-14T22:13:20Z", 1_700_000_000
NAME = VariableName("HeartbeatInterval", "OCPPCommCtrlr")
FILE = "https://node.example/file"

PLAIN: dict[type[Command], dict[str, Any]] = {
    commands.AdjustEventStream: {"stream": 1},
    commands.AllowEnergyTransfer: {"transaction": "17", "modes": ["DC"]},
    commands.CancelReservation: {"reservation": 1},
    commands.ChangeAvailability: {"operative": True},
    commands.ClearDerControl: {"default": True},
    commands.ClearDisplayMessage: {"id": 1},
    commands.ClearMonitors: {"ids": [1]},
    commands.CostUpdated: {"transaction": "17", "nano": 1},
    commands.DataTransfer: {"vendor": "v"},
    commands.DeleteCertificate: {
        "certificate": {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "c"}
    },
    commands.GetChargingProfiles: {"request": 1},
    commands.GetCompositeSchedule: {"evse": 1, "duration_s": 60},
    commands.GetCustomerInformation: {"request": 1, "report": True, "clear": False, "customer": "c"},
    commands.GetDerControl: {"request": 1},
    commands.GetDisplayMessages: {"request": 1},
    commands.GetLog: {"request": 1, "kind": "SecurityLog", "url": FILE},
    commands.GetMonitors: {"request": 1},
    commands.GetReport: {"request": 1},
    commands.GetVariables: {"names": [NAME]},
    commands.InstallCertificate: {"kind": "CSMSRootCertificate", "pem": "PEM"},
    commands.NotifyWebPaymentStarted: {"evse": 1, "timeout_s": 60},
    commands.PublishFirmware: {"request": 1, "url": FILE, "checksum": "0" * 32},
    commands.RemoteStart: {"token": Token("tag"), "remote_start": 1},
    commands.RemoteStop: {"transaction": "17"},
    commands.RequestBatterySwap: {"request": 1, "token": Token("tag")},
    commands.ReserveNow: {"reservation": 1, "token": Token("tag"), "expires_at": AT},
    commands.SendAfrrSignal: {"at": AT, "signal": 1},
    commands.SendLocalList: {"version": 1, "update": "Full", "entries": [ListEntry(Token("tag"))]},
    commands.SendSignedCertificate: {"chain": "PEM"},
    commands.SetChargingProfile: {"evse": 1, "profile": Profile(1, [Schedule([Period(0, 3700)])])},
    commands.SetDisplayMessage: {"id": 1, "text": "Hi"},
    commands.SetMonitoringBase: {"base": "All"},
    commands.SetMonitoringLevel: {"severity": 1},
    commands.SetMonitors: {"monitors": [Monitor(NAME, "Delta", 1500, 5)]},
    commands.SetNetworkProfile: {"slot": 1, "url": "wss://node.example", "security_profile": 1},
    commands.SetVariables: {"values": [VariableValue(NAME, "300")]},
    commands.TriggerMessage: {"message": "Heartbeat"},
    commands.UnlockConnector: {"evse": 1},
    commands.UnpublishFirmware: {"checksum": "0" * 32},
    commands.UpdateDynamicSchedule: {"profile": 1, "update": {"limit": 3700}},
    commands.UpdateFirmware: {"request": 1, "url": FILE, "retrieve_at": AT},
    commands.UsePriorityCharging: {"transaction": "17", "activate": True},
}
"""Arguments that every version which knows the command takes; commands that need none are not here."""
CHANCE = random.Random(1)
TARIFF = payload("2.1", "SetDefaultTariffRequest", CHANCE, 1)["tariff"]
DER = payload("2.1", "SetDERControlRequest", CHANCE, 1)
PLAIN[commands.SetDefaultTariff] = {"evse": 1, "tariff": TARIFF}
PLAIN[commands.ChangeTransactionTariff] = {"transaction": "17", "tariff": TARIFF}
PLAIN[commands.SetDerControl] = {"control": DER}

MORE_ACTIONS: dict[str, list[Command]] = {
    "1.6": [
        TriggerMessage("LogStatusNotification"),
        GetLog(1, "DiagnosticsLog", FILE, by="GetDiagnostics"),
        UpdateFirmware(1, FILE, AT, certificate="PEM", signature="s"),
    ],
    "2.0.1": [GetReport(1, None, ["Problem"])],
    "2.1": [GetReport(1, None, ["Problem"])],
}
"""Commands that reach the actions which the plain arguments do not."""


def plain(command: type[Command]) -> Command:
    return command(**PLAIN.get(command, {}))


def calls(dialect: Dialect, command: Command) -> list[tuple[str, dict[str, Any]]]:
    """The calls, each valid by the published schema."""
    said = list(dialect.calls(command))
    assert said
    for action, body in said:
        judge(dialect.version, action + "Request").validate(body)
    return said


def call(dialect: Dialect, command: Command) -> dict[str, Any]:
    """The payload of the only call."""
    ((_, body),) = calls(dialect, command)
    return body


def knows(dialect: Dialect, command: Command) -> bool:
    try:
        return bool(calls(dialect, command))
    except NotInDialect:
        return False


class TestCompleteness:
    @pytest.mark.parametrize(("dialect", "count"), [(V16, 23), (V201, 39), (V21, 54)])
    def test_how_many_of_the_commands_a_version_knows(self, dialect: Dialect, count: int) -> None:
        assert sum(knows(dialect, plain(command)) for command in COMMANDS) == count

    @pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.version)
    def test_every_action_is_read_from_stations_or_sent_by_a_command(self, dialect: Dialect) -> None:
        asked = [*map(plain, COMMANDS), *MORE_ACTIONS[dialect.version]]
        sent = {action for command in asked if knows(dialect, command) for action, _ in dialect.calls(command)}
        read = set(READERS_16 if dialect is V16 else READERS_2)
        assert actions(dialect.version) - sent - read == set()
        assert sent & read == {"DataTransfer"}


def _any_dict(kind: Any) -> st.SearchStrategy[Any]:
    """Objects in 2.1's own JSON, or the plain maps of other fields."""
    inner = typing.get_args(kind)[1]
    values = st.integers(0, 9) | st.text(max_size=3) if inner is Any else st.from_type(inner)
    return st.dictionaries(st.sampled_from(["limit", "x", "en", "interval"]), values, max_size=3)


st.register_type_strategy(dict, _any_dict)


@st.composite
def changed(draw: st.DrawFn, kind: type[Command]) -> Command:
    """The plain command with up to two of its fields changed to any value of their type."""
    made, hints = plain(kind), typing.get_type_hints(kind, include_extras=True)
    names = draw(st.lists(st.sampled_from(sorted(hints)), max_size=2, unique=True)) if hints else []
    return dataclasses.replace(made, **{name: draw(st.from_type(hints[name])) for name in names})


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_any_command_is_said_validly_or_refused_in_words(command: type[Command]) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(made=changed(command) | st.from_type(command))
    def walk(made: Command) -> None:
        for dialect in DIALECTS:
            with contextlib.suppress(InputInvalid, NotInDialect):
                calls(dialect, made)

    walk()


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.version)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_any_answer_becomes_a_result(dialect: Dialect, command: type[Command]) -> None:
    asked = plain(command)
    if not knows(dialect, asked):
        with pytest.raises(NotInDialect, match=f"OCPP {dialect.version} has no"):
            dialect.calls(asked)
        return
    chance = random.Random(command.__name__)
    for turn in range(6):
        answers = [
            payload(dialect.version, action + "Response", chance, turn / 5) for action, _ in dialect.calls(asked)
        ]
        result = dialect.result(asked, answers)
        assert isinstance(result, CommandResult)
        assert result.status


class TestLimitsOfAVersion:
    def test_what_1_6_cannot_carry_is_refused_before_it_is_sent(self) -> None:
        with pytest.raises(InputInvalid, match="at most 20 characters"):
            V16.calls(RemoteStart(Token("x" * 21)))
        with pytest.raises(InputInvalid, match="is a number"):
            V16.calls(RemoteStop("a-uuid"))
        with pytest.raises(InputInvalid, match="at most 5500 characters"):
            V16.calls(InstallCertificate("CSMSRootCertificate", "x" * 5501))
        with pytest.raises(InputInvalid, match="at most 500 characters"):
            V16.calls(SetVariables([VariableValue(VariableName("K"), "x" * 501)]))

    @pytest.mark.parametrize(
        "command",
        [
            Reset(evse=1),
            Reset("ImmediateAndResume"),
            ChangeAvailability(True, 1, 2),
            UnlockConnector(1, 2),
            SetVariables([VariableValue(VariableName("V", "Own"), "1")]),
            SetVariables([VariableValue(VariableName("K"), "1", "Target")]),
            ReserveNow(1, Token("t"), AT, connector_type="cCCS2"),
            InstallCertificate("V2GRootCertificate", "PEM"),
            TriggerMessage("TransactionEvent"),
            SetChargingProfile(0, Profile(1, [Schedule([Period(0, 1)], start=AT)], "LocalGeneration")),
            SetChargingProfile(1, Profile(1, [Schedule([Period(0, 1, discharge_limit=-1)])])),
            UpdateFirmware(1, FILE, AT, install_at=AT),
            GetLog(1, "SecurityLog", FILE, by="GetDiagnostics"),
        ],
        ids=str,
    )
    def test_what_1_6_has_no_words_for_is_said_to_be_so(self, command: Command) -> None:
        with pytest.raises(NotInDialect, match=r"^OCPP 1\.6 has no "):
            V16.calls(command)

    @pytest.mark.parametrize(
        "command",
        [
            Reset("ImmediateAndResume"),
            RemoteStart(Token("t", "DirectPayment"), 1),
            SetChargingProfile(1, Profile(1, [Schedule([Period(0, setpoint=-1000)])])),
            SetMonitors([Monitor(NAME, "TargetDelta", 1, 1)]),
            GetLog(1, "DataCollectorLog", FILE),
        ],
        ids=str,
    )
    def test_what_only_2_1_knows_is_not_in_2_0_1(self, command: Command) -> None:
        assert calls(V21, command)
        with pytest.raises(NotInDialect, match=r"^OCPP 2\.0\.1 has no "):
            V201.calls(command)

    def test_times_and_identifiers_no_version_knows(self) -> None:
        for dialect in DIALECTS:
            with pytest.raises(InputInvalid, match="years"):
                dialect.calls(ReserveNow(1, Token("t"), 10**15))
            with pytest.raises(InputInvalid, match="ASCII"):
                dialect.calls(RemoteStart(Token("t\ng")))

    def test_2_x_wants_a_component_and_reads_only_what_is_named(self) -> None:
        with pytest.raises(InputInvalid, match="component"):
            V201.calls(SetVariables([VariableValue(VariableName("HeartbeatInterval"), "1")]))
        with pytest.raises(InputInvalid, match="report"):
            V201.calls(GetVariables([]))


class TestWordsOf16:
    def test_one_key_a_call(self) -> None:
        values = [VariableValue(VariableName(key), key.lower()) for key in ("A", "B")]
        assert calls(V16, SetVariables(values)) == [
            ("ChangeConfiguration", {"key": "A", "value": "a"}),
            ("ChangeConfiguration", {"key": "B", "value": "b"}),
        ]
        answers = [{"status": "RebootRequired"}, {"status": "NotSupported"}]
        result = V16.result(SetVariables(values), answers)
        assert (result.status, result.accepted) == ("NotSupported", False)
        assert [row["attributeStatus"] for row in (result.data or {})["setVariableResult"]] == [
            "RebootRequired",
            "UnknownVariable",
        ]

    def test_a_standard_variable_is_its_key_and_comes_back_by_its_own_name(self) -> None:
        command = GetVariables([NAME, VariableName("Own")])
        assert call(V16, command) == {"key": ["HeartbeatInterval", "Own"]}
        answer = {
            "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}],
            "unknownKey": ["Own"],
        }
        result = V16.result(command, [answer])
        assert not result.accepted
        assert result.data == {
            "getVariableResult": [
                {
                    "component": {"name": "OCPPCommCtrlr"},
                    "variable": {"name": "HeartbeatInterval"},
                    "attributeStatus": "Accepted",
                    "attributeValue": "300",
                    "mutability": "ReadWrite",
                },
                {"component": {"name": ""}, "variable": {"name": "Own"}, "attributeStatus": "UnknownVariable"},
            ]
        }

    def test_all_keys_are_read_by_naming_none(self) -> None:
        assert call(V16, GetVariables([])) == {}

    def test_logs_with_and_without_the_whitepaper(self) -> None:
        (new,), (old,) = (
            calls(V16, GetLog(7, "DiagnosticsLog", FILE, oldest=AT, retries=2, by=by))
            for by in ("GetLog", "GetDiagnostics")
        )
        log = {"remoteLocation": FILE, "oldestTimestamp": TIME}
        assert new == ("GetLog", {"requestId": 7, "logType": "DiagnosticsLog", "log": log, "retries": 2})
        assert old == ("GetDiagnostics", {"location": FILE, "startTime": TIME, "retries": 2})
        asked = GetLog(7, "DiagnosticsLog", FILE, by="GetDiagnostics")
        assert V16.result(asked, [{"fileName": "x.zip"}]).data == {"filename": "x.zip"}
        nothing = V16.result(asked, [{}])
        assert (nothing.status, nothing.accepted) == ("Rejected", False)
        assert nothing.reason

    def test_firmware_with_and_without_a_signature(self) -> None:
        assert calls(V16, UpdateFirmware(7, FILE, AT)) == [("UpdateFirmware", {"location": FILE, "retrieveDate": TIME})]
        ((action, body),) = calls(V16, UpdateFirmware(7, FILE, AT, AT, "PEM", "sig"))
        assert (action, body["firmware"]["signature"]) == ("SignedUpdateFirmware", "sig")
        for dialect in DIALECTS:
            with pytest.raises(InputInvalid, match="signature"):
                dialect.calls(UpdateFirmware(7, FILE, AT, certificate="PEM"))

    def test_triggers_of_the_whitepaper_are_chosen_where_they_must_be(self) -> None:
        assert calls(V16, TriggerMessage("StatusNotification", 1))[0][0] == "TriggerMessage"
        assert calls(V16, TriggerMessage("SignChargingStationCertificate")) == [
            ("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
        ]
        asked = TriggerMessage("StatusNotification", by="ExtendedTriggerMessage")
        assert calls(V16, asked)[0][0] == "ExtendedTriggerMessage"

    def test_installed_certificates_of_every_kind_are_gathered(self) -> None:
        command = GetInstalledCertificates()
        kinds = ["CentralSystemRootCertificate", "ManufacturerRootCertificate"]
        assert [body["certificateType"] for _, body in calls(V16, command)] == kinds
        hashes = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "c"}
        result = V16.result(command, [{"status": "NotFound"}, {"status": "Accepted", "certificateHashData": [hashes]}])
        assert result == CommandResult(
            "Accepted",
            True,
            data={
                "certificateHashDataChain": [
                    {"certificateType": "ManufacturerRootCertificate", "certificateHashData": hashes}
                ]
            },
        )
        assert V16.result(command, [{"status": "NotFound"}] * 2).status == "NotFound"

    def test_a_composite_schedule_is_told_in_words_of_2_1(self) -> None:
        schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 5}], "duration": 60}
        answer = {"status": "Accepted", "connectorId": 1, "scheduleStart": TIME, "chargingSchedule": schedule}
        assert V16.result(GetCompositeSchedule(1, 60), [answer]).data == {
            "schedule": schedule | {"evseId": 1, "scheduleStart": TIME}
        }

    def test_a_list_says_the_nearest_status(self) -> None:
        entries = [ListEntry(Token("a"), "NotAtThisTime"), ListEntry(Token("b"), None)]
        assert call(V16, SendLocalList(3, "Differential", entries))["localAuthorizationList"] == [
            {"idTag": "a", "idTagInfo": {"status": "Blocked"}},
            {"idTag": "b"},
        ]
        for dialect in DIALECTS:
            with pytest.raises(InputInvalid, match="full list"):
                dialect.calls(SendLocalList(3, "Full", entries))

    def test_the_version_of_a_list_is_told_alike(self) -> None:
        asked = GetLocalListVersion()
        assert V16.result(asked, [{"listVersion": 4}]) == V201.result(asked, [{"versionNumber": 4}])


class TestProfiles:
    def test_a_relative_profile_in_watts(self) -> None:
        command = SetChargingProfile(1, Profile(5, [Schedule([Period(0, 7400), Period(900, 3700)])]))
        body = call(V16, command)["csChargingProfiles"]
        assert (body["chargingProfileKind"], body["chargingSchedule"]["chargingRateUnit"]) == ("Relative", "W")
        assert [p["limit"] for p in body["chargingSchedule"]["chargingSchedulePeriod"]] == [7400, 3700]
        assert call(V201, command)["chargingProfile"]["chargingSchedule"][0]["id"] == 1

    @pytest.mark.parametrize(("milli", "amps"), [(16_000, 16), (16_190, 16.1), (13_099, 13), (6_000, 6)])
    def test_milliamperes_become_amperes_with_a_decimal_never_more(self, milli: int, amps: float) -> None:
        command = SetChargingProfile(1, Profile(5, [Schedule([Period(0, milli)], "A")]))
        periods = [
            call(V16, command)["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"],
            call(V201, command)["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"],
        ]
        assert [p[0]["limit"] for p in periods] == [amps, amps]

    def test_every_tenth_of_an_ampere_is_valid_by_the_schema(self) -> None:
        for tenth in range(0, 6400, 7):
            calls(V16, SetChargingProfile(1, Profile(5, [Schedule([Period(0, tenth * 100)], "A")])))

    def test_what_flows_back_is_cut_towards_zero(self) -> None:
        period = Period(0, None, discharge_limit=-16_190, setpoint=-6_050, operation_mode="CentralSetpoint")
        command = SetChargingProfile(1, Profile(5, [Schedule([period], "A", more={"randomizedDelay": 5})], more={}))
        schedule = call(V21, command)["chargingProfile"]["chargingSchedule"][0]
        assert schedule["randomizedDelay"] == 5
        assert schedule["chargingSchedulePeriod"] == [
            {"startPeriod": 0, "dischargeLimit": -16.1, "setpoint": -6, "operationMode": "CentralSetpoint"}
        ]

    @pytest.mark.parametrize(
        ("evse", "profile", "why"),
        [
            (1, Profile(1, [Schedule([Period(5, 1)])]), "start at 0"),
            (1, Profile(1, [Schedule([Period(0, 1), Period(0, 2)])]), "rise"),
            (1, Profile(1, [Schedule([Period(0, -1)])]), "not negative"),
            (1, Profile(1, [Schedule([Period(0, 1)])], kind="Absolute"), "when it starts"),
            (1, Profile(1, [Schedule([Period(0, 1)], start=AT)], kind="Relative"), "no given time"),
            (1, Profile(1, [Schedule([Period(0, 1)], start=AT)], kind="Recurring"), "Daily or Weekly"),
            (0, Profile(1, [Schedule([Period(0, 1)])], "ChargingStationMaxProfile"), "says when it starts"),
            (1, Profile(1, [Schedule([Period(0, 1)], start=AT)], "ChargingStationMaxProfile"), "EVSE 0"),
            (1, Profile(1, [Schedule([Period(0, 1)])], "TxProfile"), "name both"),
            (1, Profile(1, [Schedule([Period(0, 1)])], transaction="17"), "only a TxProfile"),
            (0, Profile(1, [Schedule([Period(0, 1)], start=AT)], "ChargingStationExternalConstraints"), "own"),
            (1, Profile(1, [Schedule([Period(0, 1)])], valid_from=AT, valid_to=AT), "before"),
        ],
    )
    def test_what_no_station_could_follow(self, evse: int, profile: Profile, why: str) -> None:
        for dialect in DIALECTS:
            with pytest.raises(InputInvalid, match=why):
                dialect.calls(SetChargingProfile(evse, profile))

    def test_a_remote_start_takes_a_profile_of_no_transaction_yet(self) -> None:
        profile = Profile(1, [Schedule([Period(0, 1)])], "TxProfile")
        for dialect in DIALECTS:
            assert "chargingProfile" in call(dialect, RemoteStart(Token("t"), 1, profile=profile))
            with pytest.raises(InputInvalid, match="TxProfile"):
                dialect.calls(RemoteStart(Token("t"), 1, profile=Profile(1, [Schedule([Period(0, 1)])])))

    def test_a_profile_is_cleared_by_number_or_by_what_it_is(self) -> None:
        by = ClearChargingProfile(None, 1, "ChargingStationMaxProfile", 2)
        assert call(V16, by) == {"connectorId": 1, "chargingProfilePurpose": "ChargePointMaxProfile", "stackLevel": 2}
        assert call(V201, by) == {
            "chargingProfileCriteria": {
                "evseId": 1,
                "chargingProfilePurpose": "ChargingStationMaxProfile",
                "stackLevel": 2,
            }
        }
        assert call(V201, ClearChargingProfile(4)) == {"chargingProfileId": 4}


class TestWordsOf2:
    @pytest.mark.parametrize(("nano", "cost"), [(1_250_000_000, 1.25), (0, 0), (1, 1e-09), (3 * 10**9, 3)])
    def test_a_cost_is_a_decimal_of_the_currency(self, nano: int, cost: float) -> None:
        assert call(V201, CostUpdated("t1", nano)) == {"totalCost": cost, "transactionId": "t1"}

    def test_a_monitor_looks_for_thousandths(self) -> None:
        body = call(V201, SetMonitors([Monitor(NAME, "UpperThreshold", 37_500, 3)]))
        assert body["setMonitoringData"][0]["value"] == 37.5

    def test_a_status_is_asked_of_the_first_connector(self) -> None:
        assert call(V201, TriggerMessage("StatusNotification", 2))["evse"] == {"id": 2, "connectorId": 1}
        assert call(V201, TriggerMessage("MeterValues", 2))["evse"] == {"id": 2}

    def test_a_reason_is_told_in_a_line(self) -> None:
        answer = {"status": "Rejected", "statusInfo": {"reasonCode": "TxInProgress", "additionalInfo": "EVSE 1"}}
        assert V201.result(Reset(), [answer]) == CommandResult("Rejected", False, "TxInProgress: EVSE 1")

    def test_one_refused_variable_refuses_and_the_rows_tell_which(self) -> None:
        rows = [
            {"attributeStatus": status, "component": {"name": "C"}, "variable": {"name": "V"}}
            for status in ("Accepted", "Rejected")
        ]
        command = SetVariables([VariableValue(NAME, "1")] * 2)
        result = V201.result(command, [{"setVariableResult": rows}])
        assert (result.status, result.accepted, result.data) == ("Rejected", False, {"setVariableResult": rows})

    def test_grid_controls_are_checked_by_their_schema(self) -> None:
        with pytest.raises(InputInvalid, match="is missing"):
            V21.calls(SetDerControl({"isDefault": True}))


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.version)
def test_the_plan_can_be_said(dialect: Dialect) -> None:
    for setting in dialect.settings(Plan()):
        calls(dialect, SetVariables([VariableValue(VariableName(setting.name, setting.component), setting.value)]))
