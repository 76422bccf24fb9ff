"""Words of OCPP 1.6 for those of 2.1, and back."""

from sunpile.basics.errors import FrameInvalid, InputInvalid, NotInDialect
from sunpile.chargers.validation import CODES, Fault, Version
from sunpile.chargers.values import unix_time
from sunpile.chargers.writing import id_text

VERSION: Version = "1.6"

STATUSES = {
    "NoCredit": "Blocked",
    "NotAllowedTypeEVSE": "Blocked",
    "NotAtThisLocation": "Blocked",
    "NotAtThisTime": "Blocked",
    "Unknown": "Invalid",
}
"""AuthorizationStatus of 2.x to the nearest of 1.6, for those it does not have."""

ROOTS = {
    "CSMSRootCertificate": "CentralSystemRootCertificate",
    "ManufacturerRootCertificate": "ManufacturerRootCertificate",
}
"""Root certificates 1.6 knows, by their names in 2.1."""

PURPOSES = {
    "TxProfile": "TxProfile",
    "TxDefaultProfile": "TxDefaultProfile",
    "ChargingStationMaxProfile": "ChargePointMaxProfile",
}
"""Profile purposes 1.6 knows, by their names in 2.1."""

TAG_MAX = 20


def wrong(detail: str, fault: Fault = Fault.PROPERTY) -> FrameInvalid:
    """The error for a call that is wrong."""
    return FrameInvalid(CODES[VERSION][fault], detail)


def tag(text: str) -> str:
    """An idTag.

    Raises
    ------
    InputInvalid
        if it is longer than 1.6 can carry, or no printable ASCII.
    """
    if len(text) > TAG_MAX:
        raise InputInvalid(f"an id token for OCPP 1.6 has at most {TAG_MAX} characters")
    return id_text(text)


def transaction_number(text: str) -> int:
    """A transaction id.

    Raises
    ------
    InputInvalid
        if it is no number.
    """
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        raise InputInvalid("a transaction of OCPP 1.6 is a number")
    return int(text)


def purpose_of(purpose: str) -> str:
    """A profile's purpose in 1.6.

    Raises
    ------
    NotInDialect
        if it has no such purpose.
    """
    if purpose not in PURPOSES:
        raise NotInDialect(VERSION, purpose)
    return PURPOSES[purpose]


def root_of(kind: str) -> str:
    """A root certificate's kind in 1.6.

    Raises
    ------
    NotInDialect
        if it has no such kind.
    """
    if kind not in ROOTS:
        raise NotInDialect(VERSION, kind)
    return ROOTS[kind]


def connector_of(evse: int, connector: int | None) -> int:
    """The connector of 1.6 that is an EVSE: one connector each.

    Raises
    ------
    NotInDialect
        if another than its first is meant.
    """
    if connector not in (None, 1):
        raise NotInDialect(VERSION, "second connector of an EVSE")
    return evse


def status_of(status: str) -> str:
    """An AuthorizationStatus in 1.6."""
    return STATUSES.get(status, status)


def time_of(text: str) -> int:
    """Unix time [s] of a timestamp.

    Raises
    ------
    FrameInvalid
        if there is no such moment.
    """
    try:
        return unix_time(text)
    except ValueError:
        raise wrong("timestamp: no such time") from None
