"""What a dialect is: one OCPP version's words for the same requests, answers and operations. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sunpile.basics.ids import EvseId, IdToken, StationId
from sunpile.chargers.commands import Command, CommandResult
from sunpile.chargers.events import Authorisation, StationEvent, TransactionAnswer
from sunpile.chargers.notices import Answer, AuthorisationAsked, Notice, Question
from sunpile.chargers.validation import Version

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """How every pile is set up after it boots. What a pile does not know or refuses is noted, not forced."""

    heartbeat_s: int = 300
    """Heartbeat interval [s]."""
    clock_aligned_s: int = 900
    """Interval of clock-aligned meter values [s]; the zone's interval length or a divisor of it."""
    sample_s: int = 60
    """Interval of sampled meter values in a transaction [s]."""
    aligned: tuple[str, ...] = ("Energy.Active.Import.Register",)
    """Measurands of clock-aligned values."""
    sampled: tuple[str, ...] = ("Energy.Active.Import.Register", "Power.Active.Import")
    """Measurands of sampled values."""
    extra_16: tuple[tuple[str, str], ...] = ()
    """More configuration keys for OCPP 1.6: (key, value)."""
    extra_201: tuple[tuple[str, str, str], ...] = ()
    """More variables for OCPP 2.0.1: (component, variable, value)."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting for a pile, with what to try if the pile refuses it."""

    name: str
    value: str
    component: str = ""
    """Component of OCPP 2.0.1; empty in 1.6."""
    otherwise: str | None = None
    """A simpler value for a pile that refuses `value`."""


@dataclass(frozen=True, slots=True)
class TimeAsked:
    """Heartbeat."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A message that is answered and kept in the frame log, and changes nothing else."""

    answer: Payload


Request = StationEvent | TimeAsked | AuthorisationAsked | Noted | Notice | Question
Outcome = Authorisation | TransactionAnswer | Answer | None


@dataclass(frozen=True, slots=True)
class Context:
    """What a dialect must know beside the message."""

    station: StationId
    now: int
    """Unix time [s]."""
    plan: Plan
    evse_of: Mapping[str, EvseId]
    """EVSE of each running transaction: 2.0.1 names it only once."""


@dataclass(frozen=True, slots=True)
class PowerProfile:
    """A limit on charging power over time."""

    profile: int
    """Its number on the pile; setting it again replaces it."""
    periods: Sequence[tuple[int, int]]
    """(seconds after the start, limit [W]), first 0, rising."""
    purpose: str = "TxDefaultProfile"
    """TxProfile, TxDefaultProfile or ChargePointMaxProfile (2.0.1: ChargingStationMaxProfile)."""
    stack_level: int = 0
    start: int | None = None
    """Unix time [s] of the first period; None: from when it is set, or the transaction's start."""
    duration_s: int | None = None
    ocpp_transaction: str | None = None
    """For TxProfile: the transaction it is for."""


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What a pile said to an operation."""

    status: str
    """The status in the pile's words, or the error code of its CALLERROR."""
    accepted: bool
    """True for Accepted and Scheduled."""
    ocpp_transaction: str | None = None
    """2.0.1 remote start: the transaction that is already running."""


class Dialect(Protocol):
    """One OCPP version."""

    version: Version

    def read(self, action: str, payload: Payload, context: Context) -> Request:
        """The request in a valid payload.

        Raises
        ------
        FrameInvalid
            if a value the schema lets pass is wrong, or the action is not handled.
        """
        ...

    def reply(self, request: Request, outcome: Outcome, context: Context) -> Payload:
        """The payload of the answer."""
        ...

    def settings(self, plan: Plan) -> list[Setting]:
        """What to set on a pile after it boots."""
        ...

    def set_call(self, settings: Sequence[Setting]) -> tuple[str, Payload]:
        """The call that sets these (1.6: exactly one)."""
        ...

    def set_statuses(self, payload: Payload) -> list[str]:
        """The status of each setting in the answer to `set_call`."""
        ...

    settings_per_call: int

    def calls(self, command: Command) -> Sequence[tuple[str, Payload]]:
        """The calls that carry `command` out, in order: mostly one.

        Raises
        ------
        NotInDialect
            if this version has no words for it.
        """
        ...

    def result(self, command: Command, answers: Sequence[Payload]) -> CommandResult:
        """What the answers to those calls mean."""
        ...

    def remote_start(self, evse: EvseId | None, id_token: IdToken, remote_start_id: int) -> tuple[str, Payload]: ...
    def remote_stop(self, ocpp_transaction: str) -> tuple[str, Payload]: ...
    def reset(self, immediate: bool) -> tuple[str, Payload]: ...
    def change_availability(self, evse: EvseId, operative: bool) -> tuple[str, Payload]: ...
    def set_charging_profile(self, evse: EvseId, profile: PowerProfile) -> tuple[str, Payload]: ...
    def clear_charging_profile(self, profile: int | None, evse: EvseId | None) -> tuple[str, Payload]: ...
    def trigger(self, message: str, evse: EvseId | None) -> tuple[str, Payload]: ...


Reader = Callable[[Payload, Context], Request]


def operation_result(payload: Payload) -> OperationResult:
    """The result in an answer that carries a status."""
    status = str(payload.get("status", ""))
    transaction = payload.get("transactionId")
    return OperationResult(
        status, status in ("Accepted", "Scheduled"), None if transaction is None else str(transaction)
    )
