"""Messages, tariffs, costs, payment: blocks I and O."""

from typing import Annotated, Any, Literal

from annotated_types import Ge, MaxLen

from sunpile.chargers.commands.charging import Transaction
from sunpile.chargers.commands.command import Command, record
from sunpile.chargers.commands.provisioning import EvseNumber


@record
class SetDisplayMessage(Command):
    """Show a message on a station's display (2.x)."""

    id: Annotated[int, Ge(0)]
    """Its number; the same again replaces it."""
    text: Annotated[str, MaxLen(1024)]
    """What to show."""
    priority: Literal["AlwaysFront", "InFront", "NormalCycle"] = "NormalCycle"
    """How urgent."""
    format: Literal["ASCII", "HTML", "URI", "UTF8", "QRCODE"] = "UTF8"
    """How to read it; QRCODE in 2.1."""
    language: Annotated[str, MaxLen(8)] | None = None
    """RFC 5646."""
    state: Literal["Charging", "Faulted", "Idle", "Unavailable", "Suspended", "Discharging"] | None = None
    """Only in this state."""
    start_at: int | None = None
    """From when [Unix s]."""
    end_at: int | None = None
    """Until when [Unix s]."""
    transaction: Transaction | None = None
    """Only during this transaction."""
    translations: dict[str, str] | None = None
    """Language to text (2.1)."""


@record
class GetDisplayMessages(Command):
    """Ask which messages are set (2.x); they come back in parts."""

    request: int
    """Number by which the parts come back."""
    ids: list[int] | None = None
    """By number."""
    priority: str | None = None
    """By priority."""
    state: str | None = None
    """By state."""


@record
class ClearDisplayMessage(Command):
    """Take a message away (2.x)."""

    id: int
    """Its number."""


@record
class CostUpdated(Command):
    """Tell a station what a transaction costs so far (2.x)."""

    transaction: Transaction
    """Which."""
    nano: Annotated[int, Ge(0)]
    """Cost so far [nano-currency]."""


@record
class SetDefaultTariff(Command):
    """Give an EVSE its tariff, to show and to reckon with (2.1)."""

    evse: EvseNumber
    """EVSE; 0: all."""
    tariff: dict[str, Any]
    """OCPP 2.1 Tariff, as it is."""


@record
class GetTariffs(Command):
    """Ask which tariffs are installed (2.1); they are in `data`."""

    evse: EvseNumber = 0
    """EVSE; 0: all."""


@record
class ClearTariffs(Command):
    """Remove tariffs (2.1); nothing named removes all."""

    tariffs: list[str] | None = None
    """By id."""
    evse: EvseNumber | None = None
    """By EVSE."""


@record
class ChangeTransactionTariff(Command):
    """Change the tariff of a running transaction (2.1)."""

    transaction: Transaction
    """Which."""
    tariff: dict[str, Any]
    """OCPP 2.1 Tariff, as it is."""


@record
class NotifyWebPaymentStarted(Command):
    """Tell a station that somebody pays for an EVSE on the web (2.1)."""

    evse: EvseNumber
    """Which."""
    timeout_s: Annotated[int, Ge(1)]
    """How long to wait for it [s]."""
