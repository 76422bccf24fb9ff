"""Start, stop, limits: blocks E, F, K, Q, R."""

from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, MaxLen, MinLen

from sunpile.chargers.commands.authorisation import Token
from sunpile.chargers.commands.command import Command, record
from sunpile.chargers.commands.provisioning import EvseNumber

Transaction = Annotated[str, MinLen(1), MaxLen(36)]
Unit = Literal["W", "A"]


@record
class Period:
    """A stretch of a charging schedule."""

    start_s: Annotated[int, Ge(0)]
    """Seconds after the schedule's start."""
    limit: int | None = None
    """Limit, whole W or mA by the schedule's unit; none in 2.1 where only a set point is given."""
    phases: Annotated[int, Ge(1), Le(3)] | None = None
    """Number of phases."""
    phase_to_use: Annotated[int, Ge(1), Le(3)] | None = None
    """Which phase, if one."""
    discharge_limit: int | None = None
    """Limit of discharging, <= 0 (2.1)."""
    setpoint: int | None = None
    """Power to follow; negative discharges (2.1)."""
    operation_mode: str | None = None
    """OperationMode of 2.1: ChargingOnly, CentralSetpoint, LocalFrequency ..."""
    more: dict[str, Any] | None = None
    """Further fields of 2.1's ChargingSchedulePeriod (limit_L2, v2xBaseline, curves ...), as they are."""


@record
class Schedule:
    """Limits over time."""

    periods: Annotated[list[Period], MinLen(1)]
    """First starts at 0, rising."""
    unit: Unit = "W"
    """W, or A with limits in mA."""
    id: int = 1
    """Number of the schedule (2.x)."""
    start: int | None = None
    """Of an absolute or recurring one [Unix s]."""
    duration_s: int | None = None
    """How long it holds [s]; none: until replaced."""
    min_rate: int | None = None
    """Least useful rate, W or mA."""
    more: dict[str, Any] | None = None
    """Further fields of 2.1's ChargingSchedule (salesTariff, limitAtSoC, randomizedDelay ...), as they are."""


@record
class Profile:
    """A charging profile."""

    id: Annotated[int, Ge(1)]
    """Its number on the station; setting it again replaces it."""
    schedules: Annotated[list[Schedule], MinLen(1), MaxLen(3)]
    """One; up to three with ISO 15118."""
    purpose: Literal[
        "TxProfile",
        "TxDefaultProfile",
        "ChargingStationMaxProfile",
        "ChargingStationExternalConstraints",
        "PriorityCharging",
        "LocalGeneration",
    ] = "TxDefaultProfile"
    """What it is for; ChargingStationMaxProfile is ChargePointMaxProfile in OCPP 1.6."""
    stack_level: Annotated[int, Ge(0)] = 0
    """The highest valid one wins."""
    kind: Literal["Absolute", "Recurring", "Relative", "Dynamic"] | None = None
    """How its start is meant; none: Absolute if it has one, else Relative. Dynamic in 2.1."""
    recurrency: Literal["Daily", "Weekly"] | None = None
    """Of a recurring one."""
    valid_from: int | None = None
    """[Unix s]."""
    valid_to: int | None = None
    """[Unix s]."""
    transaction: Transaction | None = None
    """For TxProfile: the transaction it is for."""
    more: dict[str, Any] | None = None
    """Further fields of 2.1's ChargingProfile (maxOfflineDuration, dynUpdateInterval ...), as they are."""


@record
class RemoteStart(Command):
    """Ask a station to start charging."""

    token: Token
    """For whom."""
    remote_start: int = 0
    """Number that comes back with the start in 2.x; 0: we choose it."""
    evse: EvseNumber | None = None
    """Which EVSE; none: the station chooses."""
    profile: Profile | None = None
    """A TxProfile for it."""
    group: str | None = None
    """Group token; OCPP 1.6 learns it from the answer to the start."""


@record
class RemoteStop(Command):
    """Ask a station to stop a transaction."""

    transaction: Transaction
    """The station's (2.x) or our (1.6) number."""


@record
class UnlockConnector(Command):
    """Ask a station to let a plug go."""

    evse: Annotated[int, Ge(1)]
    """EVSE (OCPP 1.6: connector)."""
    connector: Annotated[int, Ge(1)] = 1
    """Connector of the EVSE."""


@record
class GetTransactionStatus(Command):
    """Ask whether a transaction runs and messages of it wait (2.x)."""

    transaction: Transaction | None = None
    """Which; none: any."""


@record
class SetChargingProfile(Command):
    """Install a charging profile."""

    evse: EvseNumber
    """EVSE; 0: the whole station."""
    profile: Profile
    """The profile."""


@record
class ClearChargingProfile(Command):
    """Remove charging profiles; nothing named removes all."""

    profile: int | None = None
    """By number."""
    evse: EvseNumber | None = None
    """By EVSE."""
    purpose: str | None = None
    """By purpose."""
    stack_level: int | None = None
    """By stack level."""


@record
class GetChargingProfiles(Command):
    """Ask which profiles are installed (2.x); they come back in parts."""

    request: int
    """Number by which the parts come back."""
    evse: EvseNumber | None = None
    """Of one EVSE; 0: the station's; none: all."""
    profiles: list[int] | None = None
    """By number."""
    purpose: str | None = None
    """By purpose."""
    stack_level: int | None = None
    """By stack level."""
    sources: list[str] | None = None
    """By charging limit source (EMS, Other, SO, CSO)."""


@record
class GetCompositeSchedule(Command):
    """Ask what limit results from all profiles; the schedule is in `data`."""

    evse: EvseNumber
    """EVSE; 0: the station's grid connection."""
    duration_s: Annotated[int, Ge(1)]
    """How far ahead [s]."""
    unit: Unit | None = None
    """In which unit."""


@record
class UpdateDynamicSchedule(Command):
    """Change the limits of a dynamic profile (2.1)."""

    profile: int
    """Its number."""
    update: dict[str, Any]
    """Fields of ChargingScheduleUpdate: limit, dischargeLimit, setpoint ... in W or A."""


@record
class UsePriorityCharging(Command):
    """Let a transaction charge with priority, or no longer (2.1)."""

    transaction: Transaction
    """Which."""
    activate: bool
    """True: with priority."""


@record
class SendAfrrSignal(Command):
    """Pass on a frequency restoration signal (2.1)."""

    at: int
    """When it was given [Unix s]."""
    signal: int
    """The signal."""


@record
class AllowEnergyTransfer(Command):
    """Say which energy transfer modes a car may use (2.1)."""

    transaction: Transaction
    """Which."""
    modes: Annotated[list[str], MinLen(1)]
    """EnergyTransferMode: AC_single_phase, DC, AC_BPT, DC_BPT ..."""


@record
class SetDerControl(Command):
    """Set a grid control of a distributed energy resource (2.1)."""

    control: dict[str, Any]
    """OCPP 2.1 SetDERControlRequest, as it is: isDefault, controlId, controlType and its curve or setting."""


@record
class GetDerControl(Command):
    """Ask for grid controls (2.1); they come back in parts."""

    request: int
    """Number by which the parts come back."""
    default: bool | None = None
    """Default ones, or scheduled ones; none: both."""
    kind: str | None = None
    """DERControl type."""
    control: str | None = None
    """By id."""


@record
class ClearDerControl(Command):
    """Remove grid controls (2.1)."""

    default: bool
    """Default ones, or scheduled ones."""
    kind: str | None = None
    """DERControl type."""
    control: str | None = None
    """By id."""
