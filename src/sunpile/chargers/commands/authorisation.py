"""Tokens, local lists, reservations: blocks C, D, H."""

from typing import Annotated, Any, Literal

from annotated_types import Ge, MaxLen, MinLen

from sunpile.chargers.commands.command import Command, record
from sunpile.chargers.commands.provisioning import EvseNumber

TokenText = Annotated[str, MinLen(1), MaxLen(255)]


@record
class Token:
    """What a driver shows, with its kind."""

    id: TokenText
    """The token."""
    kind: Annotated[str, MaxLen(20)] = "Central"
    """Central, eMAID, ISO14443, ISO15693, KeyCode, Local, MacAddress, VIN, DirectPayment ...; OCPP 1.6 knows none."""


@record
class ListEntry:
    """One token of a local authorisation list."""

    token: Token
    """Whose entry."""
    status: str | None = "Accepted"
    """AuthorizationStatus; none takes the token off the list (differential only)."""
    group: str | None = None
    """Group (parent) token."""
    expires_at: int | None = None
    """When it stops being valid [Unix s]."""


@record
class ClearCache(Command):
    """Empty a station's authorisation cache."""


@record
class GetLocalListVersion(Command):
    """Ask for the version of a station's local list; the number is in `data`."""


@record
class SendLocalList(Command):
    """Replace or change a station's local authorisation list."""

    version: Annotated[int, Ge(1)]
    """Version after this."""
    update: Literal["Full", "Differential"]
    """Full replaces, Differential changes."""
    entries: list[ListEntry]
    """Its tokens, or what changes."""


@record
class ReserveNow(Command):
    """Keep an EVSE for a token."""

    reservation: Annotated[int, Ge(0)]
    """Number of the reservation; the same number again changes it."""
    token: Token
    """Who may use it."""
    expires_at: int
    """Until when [Unix s]."""
    evse: EvseNumber | None = None
    """Which EVSE; none: any."""
    connector_type: Annotated[str, MaxLen(20)] | None = None
    """Connector type, if any EVSE will do (2.x)."""
    group: str | None = None
    """Group token that may use it too."""


@record
class CancelReservation(Command):
    """Give a reservation up."""

    reservation: Annotated[int, Ge(0)]
    """Its number."""


@record
class RequestBatterySwap(Command):
    """Ask a swap station to give out a battery (2.1)."""

    request: int
    """Number by which its events come back."""
    token: Token
    """For whom."""


@record
class GetCustomerInformation(Command):
    """Ask what a station keeps of a customer, or have it forgotten (2.x)."""

    request: int
    """Number by which the parts come back."""
    report: bool
    """Send it."""
    clear: bool
    """Delete it."""
    customer: Annotated[str, MaxLen(64)] | None = None
    """By customer number."""
    token: Token | None = None
    """Or by token."""
    certificate: dict[str, Any] | None = None
    """Or by certificate: OCPP CertificateHashData."""
