"""Configuration, device model, reset, network: blocks B and G."""

from typing import Annotated, Literal

from annotated_types import Ge, Le, MaxLen, MinLen

from sunpile.chargers.commands.command import Command, record

EvseNumber = Annotated[int, Ge(0), Le(999)]
Name = Annotated[str, MinLen(1), MaxLen(50)]
AttributeKind = Literal["Actual", "Target", "MinSet", "MaxSet"]


@record
class VariableName:
    """A variable of the device model, or with an empty component a configuration key of OCPP 1.6.

    A standard variable that 1.6 has a key for is also understood by a station of 1.6.
    """

    variable: Name
    """Variable, or the key of OCPP 1.6."""
    component: Annotated[str, MaxLen(50)] = ""
    """Component; empty for a key of OCPP 1.6."""
    variable_instance: Annotated[str, MaxLen(50)] = ""
    """Instance of the variable, if there are several."""
    component_instance: Annotated[str, MaxLen(50)] = ""
    """Instance of the component, if there are several."""
    evse: EvseNumber | None = None
    """EVSE the component belongs to."""
    connector: EvseNumber | None = None
    """Connector the component belongs to."""


@record
class VariableValue:
    """A variable and the value to give it."""

    name: VariableName
    """Which variable."""
    value: Annotated[str, MaxLen(2500)]
    """Its new value, as text."""
    attribute: AttributeKind = "Actual"
    """Which of its attributes."""


@record
class GetVariables(Command):
    """Read configuration keys or variables. Names none: all keys (OCPP 1.6 only)."""

    names: list[VariableName]
    """What to read."""
    attribute: AttributeKind = "Actual"
    """Which attribute of each."""


@record
class SetVariables(Command):
    """Change configuration keys or variables. A station of OCPP 1.6 is asked once per key."""

    values: Annotated[list[VariableValue], MinLen(1)]
    """What to change."""


@record
class GetReport(Command):
    """Ask for the device model; the station sends it in parts (`ReportPart`)."""

    request: int
    """Number by which the parts come back."""
    base: Literal["ConfigurationInventory", "FullInventory", "SummaryInventory"] | None = "FullInventory"
    """A base report; none: a custom one by criteria and names."""
    criteria: list[Literal["Active", "Available", "Enabled", "Problem"]] | None = None
    """Of a custom report: components in one of these states."""
    names: list[VariableName] | None = None
    """Of a custom report: these variables."""


@record
class Reset(Command):
    """Restart a station or one EVSE."""

    kind: Literal["Immediate", "OnIdle", "ImmediateAndResume"] = "OnIdle"
    """Immediate (hard), OnIdle (soft), or ImmediateAndResume (2.1): transactions go on after it."""
    evse: EvseNumber | None = None
    """One EVSE; none: the whole station."""


@record
class SetNetworkProfile(Command):
    """Tell a station how to reach us, in one of its slots."""

    slot: Annotated[int, Ge(0)]
    """Configuration slot."""
    url: Annotated[str, MaxLen(2000)]
    """URL without the identity."""
    security_profile: Annotated[int, Ge(0), Le(3)]
    """Security profile; never lower than the station's present one."""
    version: Literal["OCPP16", "OCPP20", "OCPP201", "OCPP21"] = "OCPP201"
    """OCPP version."""
    interface: Literal[
        "Wired0", "Wired1", "Wired2", "Wired3", "Wireless0", "Wireless1", "Wireless2", "Wireless3", "Any"
    ] = "Wired0"
    """Network interface; Any in 2.1 only."""
    timeout_s: Annotated[int, Ge(1)] = 30
    """Message timeout [s]."""
    identity: Annotated[str, MaxLen(48)] | None = None
    """Identity to use (2.1)."""
    password: Annotated[str, MaxLen(64)] | None = None
    """Password to use (2.1)."""


@record
class ChangeAvailability(Command):
    """Take a station, an EVSE or a connector into or out of service."""

    operative: bool
    """True: in service."""
    evse: EvseNumber = 0
    """EVSE (OCPP 1.6: connector); 0: the whole station."""
    connector: EvseNumber | None = None
    """Connector of the EVSE; none: all of it."""


@record
class TriggerMessage(Command):
    """Ask a station to send a message now."""

    message: Literal[
        "BootNotification",
        "LogStatusNotification",
        "FirmwareStatusNotification",
        "DiagnosticsStatusNotification",
        "Heartbeat",
        "MeterValues",
        "SignChargingStationCertificate",
        "SignV2GCertificate",
        "SignV2G20Certificate",
        "SignCombinedCertificate",
        "StatusNotification",
        "TransactionEvent",
        "PublishFirmwareStatusNotification",
        "CustomTrigger",
    ]
    """Which message."""
    evse: EvseNumber | None = None
    """For which EVSE."""
    connector: EvseNumber | None = None
    """For which connector."""
    custom: Annotated[str, MaxLen(50)] | None = None
    """Name of a custom trigger (2.1)."""
    by: Literal["TriggerMessage", "ExtendedTriggerMessage"] | None = None
    """How to ask a station of OCPP 1.6; none: by TriggerMessage if that knows the message."""


@record
class DataTransfer(Command):
    """Send a vendor's message."""

    vendor: Annotated[str, MinLen(1), MaxLen(255)]
    """Vendor id."""
    message: Annotated[str, MaxLen(50)] | None = None
    """Message id."""
    data: str | None = None
    """Its text, passed on untouched."""
