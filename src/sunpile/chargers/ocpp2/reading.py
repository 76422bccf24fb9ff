"""What every reader of OCPP 2.x needs: times, tokens, EVSEs."""

from sunpile.basics.errors import FrameInvalid
from sunpile.basics.ids import EvseId, IdToken
from sunpile.chargers.dialect import Payload
from sunpile.chargers.validation import CODES, CONNECTOR_MAX, Fault
from sunpile.chargers.values import is_visible, unix_time

NO_EVSE = EvseId(0)
"""A transaction event that names no EVSE, of a transaction whose start this process has not seen."""
CODE = CODES["2.0.1"]
"""2.1 spells the codes that readers raise alike."""


def wrong(detail: str, fault: Fault = Fault.PROPERTY) -> FrameInvalid:
    """The error for a message that is wrong in a way its schema does not know."""
    return FrameInvalid(CODE[fault], detail)


def time_of(text: str, field: str = "timestamp") -> int:
    """Unix time [s] of a date-time.

    Raises
    ------
    FrameInvalid
        if there is no such moment.
    """
    try:
        return unix_time(text)
    except ValueError:
        raise wrong(f"{field}: no such time") from None


def id_token(token: Payload | None) -> IdToken | None:
    """The token, or None for none and for `NoAuthorization`.

    Raises
    ------
    FrameInvalid
        if it holds what no identifier may.
    """
    if token is None or token["type"] == "NoAuthorization":
        return None
    if not is_visible(token["idToken"]):
        raise wrong("idToken: only printable ASCII is allowed")
    return IdToken(token["idToken"])


def additional(token: Payload | None) -> tuple[tuple[str, str], ...]:
    """Additional information with a token."""
    if token is None:
        return ()
    return tuple((row["type"], row["additionalIdToken"]) for row in token.get("additionalInfo", []))


def evse_id(number: int) -> EvseId:
    """An EVSE's number.

    Raises
    ------
    FrameInvalid
        if no station has so many.
    """
    if not 0 <= number <= CONNECTOR_MAX:
        raise wrong("evse/id: out of range")
    return EvseId(number)
