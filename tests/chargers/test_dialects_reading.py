"""Every action of every version: a station may send it and it is read, or a command makes it; nothing is left out."""

import random
from typing import Any

import pytest
from tests.chargers.schema_walk import TIME, judge, payload

from sunpile.basics.errors import FrameInvalid
from sunpile.basics.ids import EvseId, IdToken, StationId
from sunpile.chargers.dialect import Context, Dialect, Outcome, Plan, Registration, TimeAsked
from sunpile.chargers.events import (
    STATION_EVENTS,
    Authorisation,
    Booted,
    Message,
    StatusChanged,
    TransactionAnswer,
    TransactionEnded,
    TransactionLimit,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.chargers.notices import (
    AuthorisationAsked,
    CarSchedule,
    LimitNotified,
    MonitorEvent,
    Notices,
    Progress,
    Question,
    ReportPart,
    ReservationEnded,
    SecurityEvent,
    Told,
)
from sunpile.chargers.ocpp2 import Ocpp21, Ocpp201
from sunpile.chargers.ocpp2.dialect import READERS as READERS_2
from sunpile.chargers.ocpp16 import Ocpp16
from sunpile.chargers.ocpp16.dialect import READERS as READERS_16
from sunpile.chargers.validation import actions

NOW = 1_700_000_000
PILE = StationId("P1")
CONTEXT = Context(PILE, NOW, Plan(), {"t1": EvseId(2)})
V16, V201, V21 = Ocpp16(), Ocpp201(), Ocpp21()
READABLE: list[tuple[Dialect, str]] = [
    *((V16, action) for action in sorted(READERS_16)),
    *((V201, action) for action in sorted(set(READERS_2) & actions("2.0.1"))),
    *((V21, action) for action in sorted(READERS_2)),
]
LIMIT = TransactionLimit(1_500_000_000, 20_000, 3600, 80)
FULL = Authorisation(
    "NotAtThisTime",
    parent="family",
    expires_at=NOW,
    priority=-3,
    languages=("de", "en", "zh"),
    evses=(1, 2),
    message=Message("Hello " * 200, "en"),
    certificate_status="Accepted",
    energy_transfer=("DC_BPT",),
    tariff={"tariffId": "day", "currency": "EUR"},
    limit=LIMIT,
)


def outcomes(request: Any, full: bool) -> Outcome:
    """What the inbox could answer."""
    match request:
        case AuthorisationAsked():
            return FULL if full else Authorisation("Accepted")
        case TransactionStarted() | TransactionUpdated() | TransactionEnded():
            if not full:
                return TransactionAnswer(None, "17")
            return TransactionAnswer(
                FULL, "17", 1_230_000_000, 9, Message("Hi"), (Message("Salut", "fr"),), LIMIT, True
            )
        case Booted():
            return Registration("Pending", 30) if full else None
        case Question():
            return {}
        case _:
            return None


def read(dialect: Dialect, action: str, body: dict[str, Any]) -> Any:
    """Read a payload that is valid by the published schema."""
    judge(dialect.version, action + "Request").validate(body)
    return dialect.read(action, body, CONTEXT)


def plain(dialect: Dialect, action: str, body: dict[str, Any]) -> dict[str, Any]:
    """`body` on a connector that exists, its meter values in a unit that their measurand has."""
    for field in ("meterValue", "transactionData"):
        if field in body:
            body[field] = [{"timestamp": TIME, "sampledValue": [{"value": "5" if dialect is V16 else 5}]}]
    return body | {"connectorId": 1} if action == "StartTransaction" else body


def test_there_are_as_many_actions_as_the_documents_say() -> None:
    assert [len(actions(version)) for version in ("1.6", "2.0.1", "2.1")] == [39, 64, 90]


@pytest.mark.parametrize(("dialect", "action"), READABLE, ids=lambda part: getattr(part, "version", part))
def test_whatever_a_schema_allows_is_read_and_answered(dialect: Dialect, action: str) -> None:
    chance = random.Random(action)
    for turn in range(12):
        body = payload(dialect.version, action + "Request", chance, fullness=turn / 11)
        request = read(dialect, action, plain(dialect, action, body))
        if action != "NotifyPeriodicEventStream":  # It has no answer.
            for full in (False, True):
                answer = dialect.reply(request, outcomes(request, full), CONTEXT)
                judge(dialect.version, action + "Response").validate(answer)


@pytest.mark.parametrize(("dialect", "action"), READABLE, ids=lambda part: getattr(part, "version", part))
def test_each_becomes_an_event_a_notice_or_a_question(dialect: Dialect, action: str) -> None:
    body = payload(dialect.version, action + "Request", random.Random(1), fullness=0)
    known = (*STATION_EVENTS, TimeAsked, AuthorisationAsked, Notices, Question, Progress, SecurityEvent, ReportPart)
    request = read(dialect, action, plain(dialect, action, body))
    assert isinstance(request, (*known, ReservationEnded, LimitNotified, CarSchedule, Told))
    if isinstance(request, Question | Told):
        assert request.action == action


@pytest.mark.parametrize("dialect", [V16, V201, V21], ids=lambda dialect: dialect.version)
def test_what_only_we_may_send_is_not_supported_from_a_station(dialect: Dialect) -> None:
    readable = {action for other, action in READABLE if other is dialect}
    for action in sorted(actions(dialect.version) - readable):
        with pytest.raises(FrameInvalid) as caught:
            dialect.read(action, {}, CONTEXT)
        assert caught.value.ocpp_code == "NotSupported"


class TestNotices:
    def test_how_far_firmware_logs_and_publishing_have_come(self) -> None:
        assert read(V16, "FirmwareStatusNotification", {"status": "Installed"}) == Progress(
            PILE, "firmware", None, "Installed"
        )
        signed = {"status": "InvalidSignature", "requestId": 4}
        assert read(V16, "SignedFirmwareStatusNotification", signed) == Progress(
            PILE, "firmware", 4, "InvalidSignature"
        )
        assert read(V16, "DiagnosticsStatusNotification", {"status": "UploadFailed"}) == Progress(
            PILE, "log", None, "UploadFailure"
        )
        log = {"status": "Uploaded", "requestId": 5}
        for dialect in (V16, V201, V21):
            assert read(dialect, "LogStatusNotification", log) == Progress(PILE, "log", 5, "Uploaded")
        published = {"status": "Published", "requestId": 6, "location": ["http://a", "http://b"]}
        assert read(V201, "PublishFirmwareStatusNotification", published) == Progress(
            PILE, "publish", 6, "Published", "http://a http://b"
        )

    def test_a_security_event(self) -> None:
        event = {"type": "FirmwareUpdated", "timestamp": TIME, "techInfo": "x"}
        for dialect in (V16, V201, V21):
            assert read(dialect, "SecurityEventNotification", event) == SecurityEvent(PILE, "FirmwareUpdated", NOW, "x")

    def test_each_event_of_a_monitor_is_a_notice_of_its_own(self) -> None:
        rows = [
            {
                "eventId": number,
                "timestamp": TIME,
                "trigger": "Alerting",
                "actualValue": "true",
                "cleared": number == 2,
                "component": {"name": "Connector", "instance": "main", "evse": {"id": 1, "connectorId": 2}},
                "variable": {"name": "Problem"},
                "eventNotificationType": "HardWiredMonitor",
                "variableMonitoringId": 9,
            }
            for number in (1, 2)
        ]
        told = read(V201, "NotifyEvent", {"generatedAt": TIME, "seqNo": 0, "eventData": rows})
        assert told == Notices(
            tuple(
                MonitorEvent(
                    station=PILE,
                    event=number,
                    at=NOW,
                    trigger="Alerting",
                    value="true",
                    component="Connector[main]@1.2",
                    variable="Problem",
                    monitor=9,
                    cleared=number == 2,
                    kind="HardWiredMonitor",
                )
                for number in (1, 2)
            )
        )

    def test_an_event_of_a_connectors_availability_is_its_status_too(self) -> None:
        row = {
            "eventId": 1,
            "timestamp": TIME,
            "trigger": "Delta",
            "actualValue": "Reserved",
            "component": {"name": "Connector", "evse": {"id": 2, "connectorId": 1}},
            "variable": {"name": "AvailabilityState"},
            "eventNotificationType": "HardWiredNotification",
        }
        told = read(
            V21, "NotifyEvent", {"generatedAt": TIME, "seqNo": 0, "eventData": [row, row | {"actualValue": "x"}]}
        )
        assert told.statuses == (StatusChanged(PILE, EvseId(2), "Reserved", None, NOW, 1),)
        assert len(told.notices) == 2

    def test_a_stream_brings_each_value_with_its_own_time(self) -> None:
        stream = {"id": 3, "pending": 0, "basetime": TIME, "data": [{"t": 0, "v": "1"}, {"t": 90.5, "v": "2"}]}
        told = read(V21, "NotifyPeriodicEventStream", stream)
        assert [(event.at, event.value, event.monitor, event.trigger) for event in told.notices] == [
            (NOW, "1", 3, "Stream"),
            (NOW + 90, "2", 3, "Stream"),
        ]

    def test_a_report_comes_in_parts(self) -> None:
        row = {
            "component": {"name": "C"},
            "variable": {"name": "V"},
            "variableAttribute": [{"value": "1"}],
        }
        part = {"requestId": 7, "generatedAt": TIME, "seqNo": 2, "tbc": True, "reportData": [row]}
        assert read(V201, "NotifyReport", part) == ReportPart(PILE, "variables", 7, 2, False, (row,))
        last = {"requestId": 7, "generatedAt": TIME, "seqNo": 3}
        assert read(V201, "NotifyReport", last) == ReportPart(PILE, "variables", 7, 3, True, ())

    def test_profiles_say_where_they_are_and_who_set_them(self) -> None:
        body = payload("2.1", "ReportChargingProfilesRequest", random.Random(2), 0)
        body |= {"requestId": 1, "evseId": 2, "chargingLimitSource": "CSO"}
        part = read(V21, "ReportChargingProfiles", body)
        assert [(row["evseId"], row["chargingLimitSource"]) for row in part.rows] == [(2, "CSO")] * len(part.rows)
        assert [row["chargingProfile"] for row in part.rows] == body["chargingProfile"]

    def test_grid_controls_say_which_they_are(self) -> None:
        gradient = {"id": "g", "gradient": {"priority": 0, "gradient": 1, "softGradient": 2}}
        part = read(V21, "ReportDERControl", {"requestId": 1, "gradient": [gradient]})
        assert part.rows == ({"control": "gradient"} | gradient,)

    def test_a_limit_from_outside_comes_and_goes(self) -> None:
        limit = {"chargingLimit": {"chargingLimitSource": "EMS", "isGridCritical": True}, "evseId": 1}
        assert read(V201, "NotifyChargingLimit", limit) == LimitNotified(PILE, EvseId(1), "EMS", False, True)
        gone = {"chargingLimitSource": "EMS"}
        assert read(V201, "ClearedChargingLimit", gone) == LimitNotified(PILE, None, "EMS", cleared=True)


class TestQuestions:
    def test_an_answer_is_cut_to_the_version(self) -> None:
        asked = read(V201, "DataTransfer", {"vendorId": "v"})
        answer = {"status": "Accepted", "data": "x", "statusInfo": {"reasonCode": "Fine"}}
        assert V201.reply(asked, answer, CONTEXT) == answer
        asked = read(V16, "DataTransfer", {"vendorId": "v"})
        assert V16.reply(asked, answer, CONTEXT) == {"status": "Accepted", "data": "x"}
        assert "statusInfo" in answer

    def test_an_answer_that_a_version_cannot_carry_becomes_a_no(self) -> None:
        hashes = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "c"}
        body = {"ocspRequestData": hashes | {"responderURL": "http://ocsp.example"}}
        answer = {"status": "Accepted", "ocspResult": "x" * 6000}
        assert V21.reply(read(V21, "GetCertificateStatus", body), answer, CONTEXT) == answer
        assert V201.reply(read(V201, "GetCertificateStatus", body), answer, CONTEXT) == {"status": "Failed"}

    def test_a_question_nobody_answers_is_answered_no(self) -> None:
        for dialect in (V16, V201, V21):
            csr = read(dialect, "SignCertificate", {"csr": "x"})
            assert dialect.reply(csr, {}, CONTEXT) == {"status": "Rejected"}
        vat = read(V21, "VatNumberValidation", {"vatNumber": "DE1", "evseId": 1})
        assert V21.reply(vat, {}, CONTEXT) == {"vatNumber": "DE1", "evseId": 1, "status": "Rejected"}


TOKEN = {"idToken": "tag", "type": "DirectPayment", "additionalInfo": [{"additionalIdToken": "1", "type": "pin"}]}


class TestAuthorisation:
    def test_all_that_comes_with_a_token_is_kept(self) -> None:
        hashes = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "c"}
        row = hashes | {"responderURL": "http://ocsp.example"}
        body = {"idToken": TOKEN, "certificate": "PEM", "iso15118CertificateHashData": [row]}
        assert read(V21, "Authorize", body) == AuthorisationAsked(
            PILE, IdToken("tag"), "DirectPayment", "PEM", (row,), (("pin", "1"),)
        )

    def test_2_1_hears_all_of_it_2_0_1_what_it_knows_and_1_6_the_rest(self) -> None:
        asked = read(V21, "Authorize", {"idToken": TOKEN})
        info = {
            "status": "NotAtThisTime",
            "groupIdToken": {"idToken": "family", "type": "Central"},
            "cacheExpiryDateTime": TIME,
            "chargingPriority": -3,
            "language1": "de",
            "language2": "en",
            "evseId": [1, 2],
        }
        text = "Hello " * 200
        message = {"format": "UTF8", "language": "en", "content": text[:1024]}
        assert V21.reply(asked, FULL, CONTEXT) == {
            "idTokenInfo": info | {"personalMessage": message},
            "certificateStatus": "Accepted",
            "allowedEnergyTransfer": ["DC_BPT"],
            "tariff": {"tariffId": "day", "currency": "EUR"},
        }
        short = message | {"content": text[:512]}
        assert V201.reply(asked, FULL, CONTEXT) == {
            "idTokenInfo": info | {"personalMessage": short},
            "certificateStatus": "Accepted",
        }
        assert V16.reply(asked, FULL, CONTEXT) == {
            "idTagInfo": {"status": "Blocked", "parentIdTag": "family", "expiryDate": TIME}
        }

    def test_a_group_too_long_for_a_version_is_left_out_rather_than_cut(self) -> None:
        asked = read(V16, "Authorize", {"idTag": "tag"})
        assert V16.reply(asked, Authorisation("Accepted", parent="x" * 21), CONTEXT) == {
            "idTagInfo": {"status": "Accepted"}
        }
        asked, long = read(V21, "Authorize", {"idToken": TOKEN}), Authorisation("Accepted", parent="x" * 37)
        assert V201.reply(asked, long, CONTEXT) == {"idTokenInfo": {"status": "Accepted"}}
        assert "groupIdToken" in V21.reply(asked, long, CONTEXT)["idTokenInfo"]

    def test_a_qr_code_is_shown_by_2_1_only(self) -> None:
        event = read(V21, "TransactionEvent", TestTransactionEvents().event("Updated"))
        outcome = TransactionAnswer(None, "t1", message=Message("https://pay.example", format="QRCODE"))
        assert V201.reply(event, outcome, CONTEXT) == {}
        assert V21.reply(event, outcome, CONTEXT)["updatedPersonalMessage"]["format"] == "QRCODE"


class TestTransactionEvents:
    def event(self, kind: str, trigger: str = "CablePluggedIn", **more: Any) -> dict[str, Any]:
        info = {"transactionId": "t1"} | more.pop("info", {})
        start = {"eventType": kind, "timestamp": TIME, "triggerReason": trigger, "seqNo": 0, "transactionInfo": info}
        return start | more

    def test_what_2_1_tells_beside_is_kept(self) -> None:
        total = {"currency": "EUR", "typeOfCost": "NormalCost", "total": {"exclTax": 1, "inclTax": 1.19}}
        cost = {"totalCost": total, "totalUsage": {"energy": 1, "chargingTime": 2, "idleTime": 3}}
        body = self.event(
            "Updated",
            "TxResumed",
            info={
                "chargingState": "SuspendedEV",
                "tariffId": "day",
                "operationMode": "CentralSetpoint",
                "transactionLimit": {"maxCost": 12.5, "maxEnergy": 5000, "maxTime": 60, "maxSoC": 80},
                "timeSpentCharging": 7,
            },
            costDetails=cost,
            reservationId=4,
            cableMaxCurrent=32,
            numberOfPhasesUsed=3,
            evse={"id": 1, "connectorId": 2},
        )
        event = read(V21, "TransactionEvent", body)
        details = event.details
        assert details.resumed
        assert (details.charging_state, details.tariff, details.operation_mode) == (
            "SuspendedEV",
            "day",
            "CentralSetpoint",
        )
        assert details.limit == TransactionLimit(12_500_000_000, 5000, 60, 80)
        assert (details.cost_nano, details.cost) == (1_190_000_000, cost)
        assert (details.reservation, details.cable_a, details.phases_used) == (4, 32, 3)
        assert (event.evse, details.connector, details.charging_s) == (1, 2, 7)

    def test_every_sample_of_a_start_is_kept(self) -> None:
        values = [
            {"timestamp": TIME, "sampledValue": [{"value": 5, "context": "Transaction.Begin"}]},
            {"timestamp": TIME, "sampledValue": [{"value": 5, "context": "Sample.Periodic"}]},
        ]
        event = read(V201, "TransactionEvent", self.event("Started", evse={"id": 1}, meterValue=values))
        assert [sample.context for sample in event.samples] == ["Transaction.Begin", "Sample.Periodic"]
        assert event.sample == event.samples[0]

    def test_a_running_cost_a_message_and_a_limit_go_back(self) -> None:
        event = read(V21, "TransactionEvent", self.event("Updated"))
        outcome = TransactionAnswer(None, "t1", 1_230_000_000, 2, Message("Hi"), (Message("Salut", "fr"),), LIMIT)
        told = {
            "totalCost": 1.23,
            "chargingPriority": 2,
            "updatedPersonalMessage": {"format": "UTF8", "content": "Hi"},
        }
        assert V201.reply(event, outcome, CONTEXT) == told
        assert V21.reply(event, outcome, CONTEXT) == told | {
            "updatedPersonalMessageExtra": [{"format": "UTF8", "language": "fr", "content": "Salut"}],
            "transactionLimit": {"maxCost": 1.5, "maxEnergy": 20_000, "maxTime": 3600, "maxSoC": 80},
        }

    def test_an_authorisation_that_changed_is_told_without_a_token(self) -> None:
        event = read(V201, "TransactionEvent", self.event("Updated"))
        blocked = Authorisation("Blocked")
        assert V201.reply(event, TransactionAnswer(blocked, "t1"), CONTEXT) == {}
        told = V201.reply(event, TransactionAnswer(blocked, "t1", changed=True), CONTEXT)
        assert told == {"idTokenInfo": {"status": "Blocked"}}


class TestMeters:
    def values(self, *entries: dict[str, Any]) -> Any:
        body = {"evseId": 1, "meterValue": [{"timestamp": TIME, "sampledValue": list(entries)}]}
        return read(V21, "MeterValues", body).samples

    def test_what_flows_back_is_no_part_of_the_register(self) -> None:
        (sample,) = self.values({"value": 7}, {"value": 3.5, "measurand": "Energy.Active.Export.Register"})
        assert sample.register_wh == 7

    def test_a_frequency_in_a_strange_unit_does_not_cost_the_message(self) -> None:
        (sample,) = self.values({"value": 7}, {"value": 50, "measurand": "Frequency", "unitOfMeasure": {"unit": "W"}})
        assert sample.register_wh == 7

    def test_signed_data_stays_with_its_context_encoding_and_key(self) -> None:
        proof = {"signedMeterData": "AB==", "encodingMethod": "OCMF", "publicKey": "KEY"}
        begin, later = self.values(
            {"value": 5, "context": "Transaction.Begin", "signedMeterValue": proof},
            {"value": 6},
        )
        assert (begin.signed, begin.signed_encoding, begin.signed_key) == ("AB==", "OCMF", "KEY")
        assert later.signed is None


def test_a_station_hears_whether_it_is_registered() -> None:
    waits = Registration("Pending", 30)
    for dialect in (V16, V201):
        boot = payload(dialect.version, "BootNotificationRequest", random.Random(3), 0)
        told = dialect.reply(read(dialect, "BootNotification", boot), waits, CONTEXT)
        assert told == {"status": "Pending", "currentTime": TIME, "interval": 30}
