"""What an operator knows of a station, beside what it says now. Pure records and rules."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sunpile.basics.errors import Conflict, InputInvalid
from sunpile.chargers.refusals import REMARKS
from sunpile.chargers.station import StationState

REGISTRATIONS = ("Accepted", "Pending", "Rejected")
TEXT_MAX = 128
TAGS_MAX = 32


@dataclass(frozen=True, slots=True)
class EvseCard:
    """One EVSE as it was last told."""

    evse: int
    """Number, from 1; 0 is the whole station."""
    point: int | None
    """Metering point, if it has one."""
    price: int
    """What a driver pays here [micro/kWh]."""
    status: str
    """Last status it told."""
    error_code: str | None
    """Error told with it."""
    status_at: int | None
    """When [Unix s]."""


@dataclass(frozen=True, slots=True)
class StationCard:
    """A station's record."""

    station: str
    """Identity: last part of its OCPP URL."""
    name: str = ""
    """As staff call it."""
    public_name: str = ""
    """As drivers see it."""
    site: str = ""
    """Where it stands with others."""
    latitude: int | None = None
    """Millionths of a degree."""
    longitude: int | None = None
    """Millionths of a degree."""
    access_notes: str = ""
    """How to get there."""
    tags: tuple[str, ...] = ()
    """Free words to find it by."""
    max_w: int = 0
    """Most power it can give [W]."""
    security_profile: int = 1
    """Security profile it must use, 0 to 3."""
    registration: str = "Accepted"
    """What its boot is answered with: Accepted, Pending or Rejected."""
    leniency: tuple[str, ...] = ()
    """Deviations that are put up with."""
    version: str | None = None
    """OCPP version of its last connection."""
    vendor: str | None = None
    """From its boot."""
    model: str | None = None
    """From its boot."""
    serial: str | None = None
    """From its boot."""
    firmware: str | None = None
    """From its boot."""
    last_seen: int | None = None
    """Last connection or boot [Unix s]."""
    boot_at: int | None = None
    """Last boot [Unix s]."""
    connected: bool = False
    """Its connection stands, as far as the history knows."""
    evses: tuple[EvseCard, ...] = ()
    """Its EVSEs."""


@dataclass(frozen=True, slots=True)
class StationFilter:
    """Which stations to show."""

    text: str = ""
    """Part of identity, name, vendor, model, serial or tag."""
    site: str = ""
    """At this site."""
    tag: str = ""
    """With this tag."""
    model: str = ""
    """Of this model."""
    status: str = ""
    """With an EVSE in this status."""
    version: str = ""
    """Of this OCPP version."""
    registration: str = ""
    """With this registration."""
    connected: bool | None = None
    """Connected, or not."""
    after: str = ""
    """After this identity: the last one of the page before."""
    limit: int = 50
    """At most so many."""


@dataclass(frozen=True, slots=True)
class StationPage:
    """One page of stations."""

    total: int
    """How many there are on all pages."""
    stations: tuple[StationCard, ...]
    """In order of identity."""
    next: str | None
    """`after` of the next page; None: this is the last."""


@dataclass(frozen=True, slots=True)
class LiveEvse:
    """One EVSE as the piles' door knows it."""

    evse: int
    """Number."""
    status: str
    """In the pile's words."""
    error_code: str | None
    """Error told with it."""
    ocpp_transaction: str | None
    """Transaction that runs."""
    register_wh: int | None
    """Meter register [Wh]."""
    power_w: int | None
    """Power [W]."""
    soc_permille: int | None
    """State of charge of the car [1/1000]."""
    sample_at: int | None
    """When it last said so [Unix s]."""


@dataclass(frozen=True, slots=True)
class LiveRemark:
    """Something odd about a station."""

    code: str
    """Which."""
    first_at: int
    """First time [Unix s]."""
    at: int
    """Last time [Unix s]."""
    times: int
    """How often since the node started."""
    words: str
    """What it means and what to do about it, in English."""
    words_zh: str
    """The same in Chinese."""


@dataclass(frozen=True, slots=True)
class LiveStation:
    """A station as the piles' door knows it now."""

    connected: bool
    """Its connection stands."""
    version: str | None
    """OCPP version spoken."""
    connected_at: int | None
    """Since when, or last [Unix s]."""
    last_seen: int | None
    """Last message [Unix s]."""
    evses: tuple[LiveEvse, ...]
    """Its EVSEs."""
    configuration: dict[str, str]
    """What it said to the settings it was given after its boot."""
    address: str = ""
    """From where it came in."""
    tls: str = ""
    """TLS version and cipher; empty without TLS."""
    profile: int = 1
    """Security profile it came in with."""
    clock_skew_s: int | None = None
    """How far its clock is ahead of ours [s]."""
    remarks: tuple[LiveRemark, ...] = ()
    """What is odd about it, the latest first."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An attempt to connect that was refused."""

    station: str
    """Identity as it was asked for."""
    at: int
    """When [Unix s]."""
    reason: str
    """Why, in a word or two."""
    address: str = ""
    """Of the other side."""
    offered: str = ""
    """WebSocket subprotocols it offered."""
    tls: str = ""
    """TLS version and cipher; empty without TLS."""
    cure: str = ""
    """What happened and what to do about it, in English; empty for a reason nobody has words for."""
    cure_zh: str = ""
    """The same in Chinese."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """A deviation of a station that was put up with."""

    deviation: str
    """Its name."""
    count: int
    """How often."""
    last_at: int
    """Last time [Unix s]."""


@dataclass(frozen=True, slots=True)
class StationView:
    """All there is on a station's page."""

    card: StationCard
    """Its record."""
    live: LiveStation | None
    """As it is now; None: not seen since the node started."""
    refusals: tuple[Refusal, ...]
    """Newest refused attempts."""
    deviations: tuple[Deviation, ...]
    """What was put up with."""
    alerts: tuple[dict[str, Any], ...] = ()
    """Open alerts."""


def live_of(state: StationState | None) -> LiveStation | None:
    """The snapshot as a page shows it."""
    if state is None:
        return None
    evses = tuple(
        LiveEvse(
            evse,
            known.status,
            known.error_code,
            known.ocpp_transaction,
            known.register_wh,
            known.power_w,
            known.soc_permille,
            known.sample_at,
        )
        for evse, known in sorted(state.evses.items())
    )
    line = state.line
    return LiveStation(
        state.connected,
        state.version,
        state.connected_at,
        state.last_seen,
        evses,
        dict(state.configuration),
        line.address,
        line.tls,
        line.profile,
        state.clock_skew_s,
        tuple(
            LiveRemark(one.code, one.since, one.at, one.times, *REMARKS.get(one.code, ("", "")))
            for one in reversed(state.remarks)
        ),
    )


def changed_card(card: StationCard, changes: dict[str, Any]) -> StationCard:
    """The card after `changes`.

    Raises
    ------
    InputInvalid
        if a value is out of range.
    Conflict
        if the security profile would be lowered.
    """
    after = replace(card, **changes)
    check_card(after)
    if after.security_profile < card.security_profile:
        raise Conflict(
            f"a security profile is never lowered (from {card.security_profile} to {after.security_profile}): "
            "remove the station and add it again if it really was replaced"
        )
    return after


def check_card(card: StationCard) -> None:
    """Go on only with a card that can be kept.

    Raises
    ------
    InputInvalid
        naming what is wrong.
    """
    if card.registration not in REGISTRATIONS:
        raise InputInvalid(f"registration is one of {', '.join(REGISTRATIONS)}")
    if not 0 <= card.security_profile <= 3:
        raise InputInvalid("a security profile is 0 to 3")
    if (card.latitude is None) != (card.longitude is None):
        raise InputInvalid("a position has a latitude and a longitude")
    if abs(card.latitude or 0) > 90_000_000 or abs(card.longitude or 0) > 180_000_000:
        raise InputInvalid("a position is in millionths of a degree, at most 90 and 180 degrees")
    if len(card.tags) > TAGS_MAX or any(not tag or len(tag) > 48 for tag in card.tags):
        raise InputInvalid(f"at most {TAGS_MAX} tags of 1 to 48 signs")
    if max(len(card.name), len(card.public_name)) > TEXT_MAX or len(card.site) > 64 or len(card.access_notes) > 2000:
        raise InputInvalid("a name has at most 128 signs, a site 64, notes 2,000")


def facts_of(card: StationCard, names: Sequence[str]) -> dict[str, Any]:
    """Some fields of a card, for the audit log."""
    return {name: getattr(card, name) for name in names}
