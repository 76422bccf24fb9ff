"""What a station may say before its registration is accepted. Pure.

2.x, B02 and B03: nothing but BootNotification, and while Pending what it was asked to send. OCPP-J 1.6 recommends the
same answer in its errata (3.28): SecurityError.
"""

from collections.abc import Collection
from typing import Any

_REPORTS = {
    "GetBaseReport": "NotifyReport",
    "GetReport": "NotifyReport",
    "GetMonitoringReport": "NotifyMonitoringReport",
    "GetDisplayMessages": "NotifyDisplayMessages",
    "GetChargingProfiles": "ReportChargingProfiles",
    "GetLog": "LogStatusNotification",
    "GetDiagnostics": "DiagnosticsStatusNotification",
    "UpdateFirmware": "FirmwareStatusNotification",
    "SignedUpdateFirmware": "SignedFirmwareStatusNotification",
    "CustomerInformation": "NotifyCustomerInformation",
}
"""Our call to what the station then sends by itself."""
FREE = "BootNotification"


def may_say(registration: str, action: str, asked_for: Collection[str]) -> bool:
    """True if a station of this registration may send `action`; `asked_for` are the actions it was asked to send."""
    if registration == "Accepted" or action == FREE:
        return True
    return registration == "Pending" and action in asked_for


def asks_for(action: str, payload: dict[str, Any]) -> str | None:
    """What our call makes a station send by itself."""
    if action in ("TriggerMessage", "ExtendedTriggerMessage"):
        wanted = str(payload.get("requestedMessage", ""))
        return "SignCertificate" if wanted.startswith("Sign") else wanted
    return _REPORTS.get(action)


def boots_again(action: str, payload: dict[str, Any]) -> bool:
    """True if our call asks a station to boot again, which an accepted one must not be (1.6 errata 3.40; F06.FR.17)."""
    return action in ("TriggerMessage", "ExtendedTriggerMessage") and payload.get("requestedMessage") == FREE


def may_be_told(registration: str, action: str) -> bool:
    """True if our `action` may go to a station of this registration (1.6: 4.2; 2.x: B02.FR.05, B03)."""
    if registration == "Accepted":
        return True
    starts = ("RemoteStartTransaction", "RemoteStopTransaction", "RequestStartTransaction", "RequestStopTransaction")
    return action not in starts
