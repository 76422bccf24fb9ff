"""One set of arguments for each operation that a station of every version that knows it takes: shown as an example,
and the question by which each dialect is asked whether it knows the operation at all."""

from functools import cache
from typing import Any

from sunpile.basics.errors import NotInDialect
from sunpile.chargers.server import DIALECTS
from sunpile.fleet.catalogue import command_of, operation_named

_TOKEN = {"id": "04A2B3C4D5E680", "kind": "ISO14443"}
_NAME = {"variable": "HeartbeatInterval", "component": "OCPPCommCtrlr"}
_SCHEDULE = {"periods": [{"start_s": 0, "limit": 7400, "phases": 3}], "unit": "W"}
_HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "ab12", "issuerKeyHash": "cd34", "serialNumber": "01"}
_TARIFF = {"tariffId": "day", "currency": "EUR", "energy": {"prices": [{"priceKwh": 0.35}]}}
_FILE = {"url": "https://node.example/files/once"}
_PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
_MD5 = "d41d8cd98f00b204e9800998ecf8427e"

EXAMPLES: dict[str, dict[str, Any]] = {
    "adjust-event-stream": {"stream": 1, "interval_s": 60},
    "allow-energy-transfer": {"transaction": "a1", "modes": ["DC_BPT"]},
    "cancel-reservation": {"reservation": 7},
    "change-availability": {"operative": False, "evse": 1},
    "change-transaction-tariff": {"transaction": "a1", "tariff": _TARIFF},
    "clear-charging-profile": {"profile": 1},
    "clear-der-control": {"default": False},
    "clear-display-message": {"id": 1},
    "clear-monitors": {"ids": [1]},
    "cost-updated": {"transaction": "a1", "nano": 1_250_000_000},
    "data-transfer": {"vendor": "org.example", "message": "ping"},
    "delete-certificate": {"certificate": _HASHES},
    "get-composite-schedule": {"evse": 1, "duration_s": 3600},
    "get-charging-profiles": {"evse": 1},
    "get-customer-information": {"report": True, "clear": False, "customer": "C-17"},
    "get-log": {"kind": "DiagnosticsLog", **_FILE},
    "get-variables": {"names": [_NAME]},
    "install-certificate": {"kind": "CSMSRootCertificate", "pem": _PEM},
    "notify-web-payment-started": {"evse": 1, "timeout_s": 120},
    "publish-firmware": {"checksum": _MD5, **_FILE},
    "remote-start": {"token": _TOKEN, "evse": 1},
    "remote-stop": {"transaction": "17"},
    "request-battery-swap": {"token": _TOKEN},
    "reserve-now": {"reservation": 7, "token": _TOKEN, "expires_at": 1_800_000_000, "evse": 1},
    "reset": {"kind": "OnIdle"},
    "send-afrr-signal": {"at": 1_800_000_000, "signal": 10},
    "send-local-list": {"version": 2, "update": "Full", "entries": [{"token": _TOKEN}]},
    "send-signed-certificate": {"chain": _PEM},
    "set-charging-profile": {"evse": 1, "profile": {"id": 1, "schedules": [_SCHEDULE]}},
    "set-default-tariff": {"evse": 0, "tariff": _TARIFF},
    "set-der-control": {"control": {"isDefault": True, "controlId": "g1", "controlType": "LimitMaxDischarge",
                                    "limitMaxDischarge": {"priority": 0, "pctMaxDischargePower": 50}}},
    "set-display-message": {"id": 1, "text": "Welcome"},
    "set-monitoring-base": {"base": "All"},
    "set-monitoring-level": {"severity": 5},
    "set-monitors": {"monitors": [{"name": _NAME, "kind": "Delta", "value_milli": 1000, "severity": 5}]},
    "set-network-profile": {"slot": 1, "url": "wss://node.example/ocpp", "security_profile": 2, "version": "OCPP20"},
    "set-variables": {"values": [{"name": _NAME, "value": "300"}]},
    "trigger-message": {"message": "StatusNotification", "evse": 1},
    "unlock-connector": {"evse": 1},
    "unpublish-firmware": {"checksum": _MD5},
    "update-dynamic-schedule": {"profile": 1, "update": {"limit": 7400}},
    "update-firmware": {"retrieve_at": 1_800_000_000, **_FILE},
    "use-priority-charging": {"transaction": "a1", "activate": True},
}  # fmt: skip
"""By operation; one without arguments is not named."""
_FOR_16: dict[str, dict[str, Any]] = {
    "get-variables": {"names": [{"variable": "HeartbeatInterval"}]},
    "set-variables": {"values": [{"name": {"variable": "HeartbeatInterval"}, "value": "300"}]},
}
"""Where a version wants other arguments for the same."""


def example(name: str, version: str = "") -> dict[str, Any]:
    """Example arguments of an operation."""
    if version == "1.6" and name in _FOR_16:
        return _FOR_16[name]
    return EXAMPLES.get(name, {})


@cache
def versions(name: str) -> tuple[str, ...]:
    """The OCPP versions that know an operation, as their dialects say."""
    operation = operation_named(name)
    known: list[str] = []
    for dialect in DIALECTS.values():
        try:
            dialect.calls(command_of(operation, example(name, dialect.version), 1))
        except NotInDialect:
            continue
        known.append(dialect.version)
    return tuple(sorted(known))
