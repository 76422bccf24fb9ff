"""The nouns of this chapter: session, driver, channel, pile."""

from dataclasses import dataclass
from typing import NamedTuple

from sunpile.basics.ids import Address, DriverId, EvseId, IdToken, PointId, SessionId, StationId
from sunpile.basics.interval import DEFAULT_LENGTH
from sunpile.basics.units import MicroPerKwh, Nano, Wh


@dataclass(frozen=True, slots=True)
class SessionRules:
    """Settings of the chapter."""

    step_wh: Wh = Wh(100)
    """Energy one voucher step covers, and is ahead [Wh]."""
    grace_s: int = 60
    """How long a voucher may be late before the pile is stopped [s]."""
    patience_s: int = 3600
    """How long missing messages are awaited, and a pile that says Available without a stop [s]."""
    min_delta_wh: Wh = Wh(10)
    """A voucher moves by at least the price of this energy [Wh], unless it pays all that is due."""
    silence_s: int = 43_200
    """How long a running session may bring no meter value before it is held [s]."""
    interval_length: int = DEFAULT_LENGTH
    """The zone's interval length [s]."""
    currency: str = "EUR"
    """ISO 4217 code of the deployment's currency."""


@dataclass(frozen=True, slots=True)
class Pile:
    """One EVSE as this chapter sees it."""

    station: StationId
    """Charging station."""
    evse: EvseId
    """EVSE number."""
    max_w: int
    """Largest power [W]."""
    price: MicroPerKwh
    """What a driver pays [micro/kWh]."""
    point: PointId | None
    """Its metering point on chain."""
    status: str
    """Status as the pile says it (OCPP)."""


@dataclass(frozen=True, slots=True)
class Driver:
    """A driver's account as the pile's side needs it."""

    driver: DriverId
    """Account id."""
    id_token: IdToken | None
    """What is shown to the pile."""
    pays: bool = True
    """False for the pile owner's own car: nothing to pay."""


class Channel(NamedTuple):
    """A driver's one-way payment channel. (A named tuple, as `Session`: both are replaced for every meter value.)"""

    channel: bytes
    """Its id on chain, 32 bytes."""
    driver: DriverId
    """Whose it is."""
    payer: Address
    """Who deposited."""
    payee: Address
    """Who is paid: the hub."""
    signer: Address
    """Session key that signs vouchers."""
    salt: bytes
    """32 bytes that make the id unique."""
    deposit: Nano
    """On chain [nano]."""
    settled: Nano = Nano(0)
    """Paid out on chain [nano]."""
    best: Nano = Nano(0)
    """Highest accepted cumulative amount [nano]."""
    owed: Nano = Nano(0)
    """Metered in all its sessions [nano]."""
    state: str = "open"
    """open, closing or closed."""

    @property
    def remaining(self) -> Nano:
        """Deposit not yet spoken for [nano]."""
        return Nano(self.deposit - max(self.best, self.owed))


class Session(NamedTuple):
    """A charging session (OCPI), one OCPP transaction."""

    session: SessionId
    """Its id."""
    station: StationId
    """Charging station."""
    evse: EvseId
    """EVSE number."""
    ocpp_transaction: str
    """The pile's (2.0.1) or our (1.6) id of the OCPP transaction."""
    price: MicroPerKwh
    """Price shown before the start [micro/kWh]."""
    started_at: int
    """When it began, or the earliest message of it so far [Unix s]."""
    last_at: int
    """Of the newest register counted in `wh` [Unix s]."""
    state: str = "active"
    """active, waiting (ended, messages missing), ended or held."""
    begun: bool = True
    """Its start has been seen, not only later messages."""
    pays: bool = True
    """False for the pile owner's own car."""
    driver: DriverId | None = None
    """Who charges."""
    id_token: IdToken | None = None
    """What was shown to the pile."""
    channel: bytes | None = None
    """Payment channel."""
    ended_at: int | None = None
    """When it ended [Unix s]."""
    start_wh: Wh | None = None
    """Register at the start [Wh]."""
    end_wh: Wh | None = None
    """Register at the end [Wh]."""
    last_wh: Wh | None = None
    """The newest register counted in `wh` [Wh]."""
    wh: Wh = Wh(0)
    """Metered so far [Wh]; final when ended."""
    owed: Nano = Nano(0)
    """For the energy metered so far [nano]."""
    paid: Nano = Nano(0)
    """Of it covered by vouchers [nano]."""
    first_seq: int | None = None
    """Sequence number of its start (2.0.1)."""
    last_seq: int | None = None
    """Sequence number of its end (2.0.1)."""
    seqs: tuple[tuple[int, int], ...] = ()
    """Sequence numbers seen, as closed ranges."""
    late_since: int | None = None
    """Since when a voucher has been missing [Unix s]."""
    waits_since: int | None = None
    """Our time since when missing messages, or a stop of a pile that says Available, are awaited [Unix s]."""
    stop_reason: str | None = None
    """Why it ended, as the pile says."""
    held_reason: str | None = None
    """Why a person must look at it before money moves."""
    doubts: frozenset[str] = frozenset()
    """What was odd, money apart."""
    rail: str = "channel"
    """How it is paid: by the account's channel, by contract with the operator, or prepaid."""
    authorised: str | None = None
    """AuthorizationStatus last answered for its token."""
    token_kind: str = ""
    """Kind of the id token, as OCPP 2.x tells it."""
    parent: str | None = None
    """Group (parent) token that was answered with it."""
    reservation: int | None = None
    """Number of the reservation it used up."""
    remote_start: int | None = None
    """Number of the remote start it came from."""
    signed: bool = False
    """Signed meter values came with it."""

    @property
    def open(self) -> bool:
        """Energy may flow."""
        return self.state == "active"

    @property
    def contiguous(self) -> bool:
        """All messages from start to end have come. OCPP 1.6 does not number them."""
        if not self.begun:
            return False
        if self.first_seq is None or self.last_seq is None:
            return True
        return any(low <= self.first_seq and self.last_seq <= high for low, high in self.seqs)


def with_seq(ranges: tuple[tuple[int, int], ...], seq: int) -> tuple[tuple[int, int], ...]:
    """Add a sequence number to closed ranges.

    >>> with_seq(((0, 1), (3, 3)), 2)
    ((0, 3),)
    """
    merged: list[tuple[int, int]] = []
    for low, high in sorted((*ranges, (seq, seq))):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)
