"""What is known of a station now. Pure: `state = observe(state, event, ...)`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sunpile.basics.ids import EvseId, StationId
from sunpile.basics.units import Watt, Wh
from sunpile.chargers.events import (
    Booted,
    MeterRead,
    Sample,
    StationEvent,
    StatusChanged,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)

OPEN_TRANSACTIONS_MAX = 64
"""More than this of one station are forgotten, oldest first: only a broken pile has them."""
EVSES_MAX = 64


@dataclass(frozen=True, slots=True)
class EvseState:
    """One EVSE (2.0.1) or connector (1.6)."""

    status: str = "Unavailable"
    """In the pile's words: Available, Preparing, Charging, Occupied ..."""
    error_code: str | None = None
    status_at: int | None = None
    """Unix time [s]."""
    ocpp_transaction: str | None = None
    register_wh: Wh | None = None
    power_w: Watt | None = None
    soc_permille: int | None = None
    sample_at: int | None = None
    """Unix time [s] of the last sample."""


@dataclass(frozen=True, slots=True)
class StationState:
    """A snapshot for the page: replaced, never changed."""

    station: StationId
    connected: bool = False
    version: str | None = None
    vendor: str | None = None
    model: str | None = None
    firmware: str | None = None
    connected_at: int | None = None
    """Unix time [s] of the last connection."""
    last_seen: int | None = None
    """Unix time [s] of the last message."""
    evses: Mapping[EvseId, EvseState] = field(default_factory=dict[EvseId, EvseState])
    transactions: Mapping[str, EvseId] = field(default_factory=dict[str, EvseId])
    """EVSE of each running OCPP transaction."""
    configuration: Mapping[str, str] = field(default_factory=dict[str, str])
    """Setting to what the pile said to it: Accepted, RebootRequired, NotSupported ..."""


def connected(state: StationState, version: str, now: int) -> StationState:
    """After an authenticated connection."""
    return replace(state, connected=True, version=version, connected_at=now, last_seen=now)


def disconnected(state: StationState) -> StationState:
    """After the last connection is gone."""
    return replace(state, connected=False)


def configured(state: StationState, results: Mapping[str, str]) -> StationState:
    """After the pile answered settings."""
    return replace(state, configuration={**state.configuration, **results})


def observe(state: StationState, event: StationEvent, now: int, ocpp_transaction: str | None = None) -> StationState:
    """After an accepted event; `ocpp_transaction` is the number a 1.6 pile was given for its start."""
    state = replace(state, last_seen=now)
    match event:
        case Booted():
            return replace(state, vendor=event.vendor, model=event.model, firmware=event.firmware)
        case StatusChanged():
            return _with_evse(state, event.evse, status=event.status, error_code=event.error_code, status_at=event.at)
        case MeterRead():
            return _sampled(state, event.evse, event.samples)
        case TransactionStarted():
            return _started(state, event, ocpp_transaction or event.ocpp_transaction)
        case TransactionUpdated():
            return _sampled(state, event.evse, event.samples)
        case TransactionEnded():
            return _ended(state, event)


def _with_evse(state: StationState, evse: EvseId, **changes: object) -> StationState:
    if evse not in state.evses and len(state.evses) >= EVSES_MAX:
        return state
    known = state.evses.get(evse, EvseState())
    return replace(state, evses={**state.evses, evse: replace(known, **changes)})  # type: ignore[arg-type]


def _sampled(state: StationState, evse: EvseId, samples: tuple[Sample, ...]) -> StationState:
    if not samples:
        return state
    last = samples[-1]
    changes: dict[str, object] = {"sample_at": last.at}
    for name in ("register_wh", "power_w", "soc_permille"):
        value = getattr(last, name)
        if value is not None:
            changes[name] = value
    return _with_evse(state, evse, **changes)


def _started(state: StationState, event: TransactionStarted, transaction: str | None) -> StationState:
    state = _sampled(state, event.evse, (event.sample,))
    if transaction is None:
        return state
    running = {**state.transactions, transaction: event.evse}
    while len(running) > OPEN_TRANSACTIONS_MAX:
        del running[next(iter(running))]
    return _with_evse(replace(state, transactions=running), event.evse, ocpp_transaction=transaction)


def _ended(state: StationState, event: TransactionEnded) -> StationState:
    evse = event.evse or state.transactions.get(event.ocpp_transaction)
    running = {name: at for name, at in state.transactions.items() if name != event.ocpp_transaction}
    state = replace(state, transactions=running)
    if evse is None:
        return state
    state = _sampled(state, evse, event.samples)
    if evse in state.evses and state.evses[evse].ocpp_transaction == event.ocpp_transaction:
        state = _with_evse(state, evse, ocpp_transaction=None, power_w=Watt(0))
    return state
