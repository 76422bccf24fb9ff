"""Reservations: an EVSE kept for a token until it comes, or time, a fault or staff end it.

::

    asked --Accepted--> made --start with it--> used
      |                  |---time, or the station says so--> expired
      |--otherwise-----> refused        '---staff, fault---> cancelled

`decide` is the core. A number is never used twice, so a late word about an old reservation meets nobody else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sunpile.basics.audit import Audit, NoAudit
from sunpile.basics.errors import Conflict, InputInvalid, SunpileError
from sunpile.basics.ids import StationId
from sunpile.basics.jobs import goes_on
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import CancelReservation, Command, CommandResult, ReserveNow
from sunpile.chargers.commands.authorisation import Token as CommandToken
from sunpile.sessions.tokens import plain

ANSWERS = ("Accepted", "Faulted", "Occupied", "Rejected", "Unavailable")
LIFE_MAX_S = 7 * 86_400
ROUND_S = 30
NUMBERS = (1 << 31) - 1
"""Numbers are below."""
GRACE_S = 60
"""The station ends a reservation itself; if it has not said so by then, it is taken to have [s]."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """One reservation."""

    number: int
    """Its number at the station, 31 bits."""
    station: str
    """Charging station."""
    token: str
    """Who may use it, upper case."""
    token_kind: str
    """Kind of the token."""
    expires_at: int
    """Until when [Unix s]."""
    made_at: int
    """When it was asked for [Unix s]."""
    evse: int | None = None
    """Which EVSE; None: any."""
    connector_type: str | None = None
    """Connector type where any EVSE will do (2.x)."""
    group: str | None = None
    """Group whose tokens may use it too."""
    state: str = "asked"
    """asked, made, refused, used, expired or cancelled."""
    reason: str = ""
    """Why it ended, in the station's word or ours."""
    ocpp_transaction: str | None = None
    """The transaction that used it."""
    ended_at: int | None = None
    """When it ended [Unix s]."""

    @property
    def open(self) -> bool:
        """It still keeps an EVSE."""
        return self.state in ("asked", "made")


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The station's answer to ReserveNow."""

    status: str
    """Accepted, Faulted, Occupied, Rejected or Unavailable; anything else counts as a refusal."""


@dataclass(frozen=True, slots=True)
class Started:
    """A transaction began with the reservation's number, or with its token at its EVSE."""

    ocpp_transaction: str
    """The transaction."""
    token: str | None
    """Whose token."""
    group: str | None
    """Group of that token."""


@dataclass(frozen=True, slots=True)
class Ended:
    """ReservationStatusUpdate."""

    status: str
    """Expired, Removed or NoTransaction."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Staff gave it up, and the station agreed or knows it no longer."""

    reason: str
    """Why."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Time has gone on."""


Event = Confirmed | Started | Ended | Cancelled | Passed


def decide(known: Reservation, event: Event, now: int) -> Reservation:
    """The reservation after `event`; the same event again changes nothing."""
    if not known.open:
        return known
    match event:
        case Confirmed(status):
            if known.state != "asked":
                return known
            return replace(known, state="made") if status == "Accepted" else _end(known, "refused", status, now)
        case Started(transaction, token, group):
            mine = token is None or plain(token) == known.token or (group is not None and group == known.group)
            if not mine:
                return known
            return replace(_end(known, "used", "", now), ocpp_transaction=transaction)
        case Ended(status):
            return _end(known, "expired" if status in ("Expired", "NoTransaction") else "cancelled", status, now)
        case Cancelled(reason):
            return _end(known, "cancelled", reason, now)
        case Passed():
            return _end(known, "expired", "time", now) if now >= known.expires_at + GRACE_S else known


def _end(known: Reservation, state: str, reason: str, now: int) -> Reservation:
    return replace(known, state=state, reason=reason[:64], ended_at=now)


class ReservationStore(Protocol):
    """Reservations as they are kept. Each call returns when it is durable."""

    async def add(self, scope: Scope, make: Callable[[int], Reservation]) -> Reservation:
        """Keep a new one with a number never used before; NotFound unless the station is the tenant's."""
        ...

    async def find(self, scope: Scope, number: int) -> Reservation: ...
    async def change(
        self, station: str, number: int, decide: Callable[[Reservation], Reservation]
    ) -> Reservation | None:
        """Change one of a station in one unit of work; None if it has no such number."""
        ...

    async def open(self, station: str | None = None) -> Sequence[Reservation]: ...
    async def page(self, scope: Scope, before: int, limit: int, station: str | None) -> Sequence[Reservation]: ...
    async def group_of(self, station: str, token: str) -> str | None: ...


class Reservations:
    """Entry for reservations."""

    def __init__(
        self,
        store: ReservationStore,
        command: Callable[[StationId, Command], Any],
        clock: Clock,
        audit: Audit | None = None,
        changed: Callable[[str, Mapping[str, Any]], None] = lambda _kind, _data: None,
    ) -> None:
        self._store, self._command, self._clock = store, command, clock
        self._audit, self._changed = audit or NoAudit(), changed

    async def make(
        self,
        scope: Scope,
        station: str,
        token: CommandToken,
        expires_at: int,
        evse: int | None = None,
        connector_type: str | None = None,
        group: str | None = None,
    ) -> Reservation:
        """Ask a station to keep an EVSE; what it answered stands in the reservation.

        Raises
        ------
        InputInvalid
            if it would end in the past or too far ahead.
        """
        now = self._clock.now()
        if not now < expires_at <= now + LIFE_MAX_S:
            raise InputInvalid("a reservation ends between now and a week from now")
        if evse is not None and connector_type is not None:
            raise InputInvalid("name an EVSE or a connector type, not both")
        group = group or await self._store.group_of(station, token.id)
        wanted = await self._store.add(
            scope,
            lambda number: Reservation(
                number, station, plain(token.id), token.kind, expires_at, now, evse, connector_type, group
            ),
        )
        command = ReserveNow(wanted.number, token, expires_at, evse, connector_type, group)
        try:
            result: CommandResult = await self._command(StationId(station), command)
            status = result.status if result.status in ANSWERS else f"Rejected: {result.status}"
        except SunpileError as fault:
            await self._event(station, wanted.number, Confirmed(fault.code))
            raise
        found = await self._event(station, wanted.number, Confirmed(status)) or wanted
        after = {"station": station, "evse": evse, "state": found.state, "reason": found.reason}
        await self._audit.record(scope, "reservation.make", f"reservation:{wanted.number}", None, after)
        return found

    async def cancel(self, scope: Scope, number: int, reason: str = "") -> Reservation:
        """Give a reservation up.

        Raises
        ------
        Conflict
            if it has ended, or the station refuses although it still holds it.
        """
        known = await self._store.find(scope, number)
        if not known.open:
            raise Conflict(f"the reservation is {known.state}")
        result: CommandResult = await self._command(StationId(known.station), CancelReservation(number))
        # Rejected means: it knows no such reservation. Then there is nothing left to keep.
        if not result.accepted and result.status != "Rejected":
            raise Conflict(f"the station answered {result.status}")
        found = await self._event(known.station, number, Cancelled(reason or "staff")) or known
        await self._audit.record(
            scope, "reservation.cancel", f"reservation:{number}", {"state": known.state}, {"state": found.state}, reason
        )
        return found

    async def find(self, scope: Scope, number: int) -> Reservation:
        """One reservation."""
        return await self._store.find(scope, number)

    async def page(
        self, scope: Scope, before: int = NUMBERS, limit: int = 100, station: str | None = None
    ) -> Sequence[Reservation]:
        """The newest first, with numbers below `before`."""
        return await self._store.page(scope, before, limit, station)

    # -- what stations say --------------------------------------------------------------------------------------------

    async def ended(self, station: str, number: int, status: str) -> None:
        """ReservationStatusUpdate: `ReservationEnded` of `StationInbox.told`."""
        await self._event(station, number, Ended(status))

    async def started(
        self, station: str, evse: int, ocpp_transaction: str, token: str | None, number: int | None
    ) -> None:
        """A transaction began: by its number (2.x, 1.6 StartTransaction), else by token and EVSE."""
        open_ones = await self._store.open(station)
        if not open_ones:
            return
        group = await self._store.group_of(station, token) if token is not None else None
        event = Started(ocpp_transaction, token, group)
        if number is not None:
            await self._event(station, number, event)
            return
        for known in open_ones:
            here = evse == 0 or known.evse in (None, 0, evse)  # 0: the plug has not said where
            if here and token is not None and decide(known, event, 0) != known:
                await self._event(station, known.number, event)
                return

    async def run(self) -> None:
        """Until cancelled: end what time has ended."""
        while True:
            with self._clock.work(), goes_on("the end of reservations"):
                await self.expire()
            await self._clock.sleep_until(self._clock.now() // ROUND_S * ROUND_S + ROUND_S)

    async def expire(self) -> None:
        """One round."""
        for known in await self._store.open():
            with goes_on(f"reservation {known.number}"):
                if decide(known, Passed(), self._clock.now()) != known:
                    await self._event(known.station, known.number, Passed())

    async def _event(self, station: str, number: int, event: Event) -> Reservation | None:
        now = self._clock.now()
        found = await self._store.change(station, number, lambda known: decide(known, event, now))
        if found is not None:
            data = {"reservation": number, "station": station, "evse": found.evse, "state": found.state}
            self._changed("reservation", data)
        return found
