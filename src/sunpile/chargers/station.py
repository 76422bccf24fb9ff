"""What is known of a station now. Pure: `state = observe(state, event, ...)`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

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
REMARKS_MAX = 20
SKEW_MIN_S = 300
"""A clock that is wrong by more [s] is remarked upon."""
SKEW_MAX_S = 86_400
"""A time that is off by more [s] is rather that of an old message, or of a station that has never known the time."""


class EvseState(NamedTuple):
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
    transaction_at: int | None = None
    """When the transaction began, as the pile says it [Unix s]."""


class Remark(NamedTuple):
    """Something odd about a station; its words are in `refusals.REMARKS`."""

    code: str
    """Which."""
    at: int
    """When it was last seen [Unix s]."""
    since: int
    """When it was first seen [Unix s]."""
    times: int = 1
    """How often."""


class Line(NamedTuple):
    """How a station came in."""

    address: str = ""
    """Of the other side, without port."""
    profile: int = 1
    """Security profile, 0 to 3."""
    tls: str = ""
    """TLS version and cipher; empty without TLS."""
    offered: str = ""
    """WebSocket subprotocols it offered, comma separated."""
    generation: int = 0
    """Number of the connection: each is greater than the ones before."""


class StationState(NamedTuple):
    """A snapshot for the page: replaced, never changed. (A named tuple: one is made for every message.)"""

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
    evses: Mapping[EvseId, EvseState] = MappingProxyType({})
    transactions: Mapping[str, EvseId] = MappingProxyType({})
    """EVSE of each running OCPP transaction."""
    configuration: Mapping[str, str] = MappingProxyType({})
    """Setting to what the pile said to it: Accepted, RebootRequired, NotSupported ..."""
    line: Line = Line()
    """Its last connection."""
    registration: str = "Accepted"
    """Accepted, Pending or Rejected: what its last BootNotification was answered, or would be."""
    accepted: bool = False
    """Its last BootNotification, seen since the start of the node, was answered with Accepted."""
    clock_skew_s: int | None = None
    """How far its clock is ahead of ours [s], by the last time it told that was not of a message sent late."""
    remarks: tuple[Remark, ...] = ()
    """What is odd about it, the latest last; one of each kind."""
    lenient: Mapping[str, int] = MappingProxyType({})
    """Deviations put up with since the start of the node: name to how often."""


def connected(state: StationState, version: str, now: int, line: Line | None = None) -> StationState:
    """After an authenticated connection."""
    return state._replace(connected=True, version=version, connected_at=now, last_seen=now, line=line or state.line)


def remarked(state: StationState, code: str, now: int) -> StationState:
    """After something odd."""
    known = next((one for one in state.remarks if one.code == code), None)
    others = tuple(one for one in state.remarks if one.code != code)
    remark = known._replace(at=now, times=known.times + 1) if known else Remark(code, now, now)
    return state._replace(remarks=(*others, remark)[-REMARKS_MAX:])


def lenient(state: StationState, uses: Mapping[str, int], now: int) -> StationState:
    """After deviations were put up with."""
    counted = {**state.lenient}
    for name, times in uses.items():
        counted[name] = counted.get(name, 0) + times
    return remarked(state._replace(lenient=counted), "lenient", now)


def clock_seen(state: StationState, told: int, now: int) -> StationState:
    """After it told its time."""
    skew = told - now
    state = state._replace(clock_skew_s=skew)
    return remarked(state, "clock-wrong", now) if SKEW_MIN_S < abs(skew) < SKEW_MAX_S else state


def disconnected(state: StationState) -> StationState:
    """After the last connection is gone."""
    return state._replace(connected=False)


def configured(state: StationState, results: Mapping[str, str]) -> StationState:
    """After the pile answered settings."""
    return state._replace(configuration={**state.configuration, **results})


def observe(state: StationState, event: StationEvent, now: int, ocpp_transaction: str | None = None) -> StationState:
    """After an accepted event; `ocpp_transaction` is the number a 1.6 pile was given for its start."""
    state = state._replace(last_seen=now)
    match event:
        case MeterRead():
            return _sampled(state, event.evse, event.samples)
        case Booted():
            return state._replace(vendor=event.vendor, model=event.model, firmware=event.firmware)
        case StatusChanged():
            state = clock_seen(state, event.at, now)
            return _with_evse(state, event.evse, status=event.status, error_code=event.error_code, status_at=event.at)
        case TransactionStarted():
            return _started(state, event, ocpp_transaction or event.ocpp_transaction)
        case TransactionUpdated():
            if event.evse and state.transactions.get(event.ocpp_transaction) == 0:
                state = _located(state, event)
            return _sampled(state, event.evse, event.samples)
        case TransactionEnded():
            return _ended(state, event)


def _with_evse(state: StationState, evse: EvseId, **changes: Any) -> StationState:
    if evse not in state.evses and len(state.evses) >= EVSES_MAX:
        return state
    known = state.evses.get(evse, EvseState())
    return state._replace(evses={**state.evses, evse: known._replace(**changes)})


def _sampled(state: StationState, evse: EvseId, samples: tuple[Sample, ...]) -> StationState:
    if not samples:
        return state
    known = state.evses.get(evse, EvseState())
    if evse not in state.evses and len(state.evses) >= EVSES_MAX:
        return state
    last = samples[-1]
    # Spelt out: this runs for every meter value.
    seen = EvseState(
        known.status,
        known.error_code,
        known.status_at,
        known.ocpp_transaction,
        known.register_wh if last.register_wh is None else last.register_wh,
        known.power_w if last.power_w is None else last.power_w,
        known.soc_permille if last.soc_permille is None else last.soc_permille,
        last.at,
        known.transaction_at,
    )
    return state._replace(evses={**state.evses, evse: seen})


def _started(state: StationState, event: TransactionStarted, transaction: str | None) -> StationState:
    state = _sampled(state, event.evse, (event.sample,))
    if transaction is None:
        return state
    running = {**state.transactions, transaction: event.evse}
    while len(running) > OPEN_TRANSACTIONS_MAX:
        del running[next(iter(running))]
    state = state._replace(transactions=running)
    return _with_evse(state, event.evse, ocpp_transaction=transaction, transaction_at=event.at)


def _located(state: StationState, event: TransactionUpdated) -> StationState:
    """A transaction that began with the driver says only with the plug where it is."""
    state = state._replace(transactions={**state.transactions, event.ocpp_transaction: event.evse})
    nowhere, began = EvseId(0), event.at
    if nowhere in state.evses and state.evses[nowhere].ocpp_transaction == event.ocpp_transaction:
        began = state.evses[nowhere].transaction_at or began
        state = _with_evse(state, nowhere, ocpp_transaction=None, transaction_at=None)
    return _with_evse(state, event.evse, ocpp_transaction=event.ocpp_transaction, transaction_at=began)


def _ended(state: StationState, event: TransactionEnded) -> StationState:
    evse = event.evse or state.transactions.get(event.ocpp_transaction)
    running = {name: at for name, at in state.transactions.items() if name != event.ocpp_transaction}
    state = state._replace(transactions=running)
    if evse is None:
        return state
    state = _sampled(state, evse, event.samples)
    if evse in state.evses and state.evses[evse].ocpp_transaction == event.ocpp_transaction:
        state = _with_evse(state, evse, ocpp_transaction=None, transaction_at=None, power_w=Watt(0))
    return state
