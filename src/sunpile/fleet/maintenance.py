"""Maintenance windows: planned time in which a station or site alerts nobody and counts as neither up nor down."""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, Protocol

from sunpile.basics.audit import Audit
from sunpile.basics.errors import InputInvalid, SunpileError
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Permission, Scope
from sunpile.fleet.upkeep_ports import Changed, Runs

log = logging.getLogger(__name__)

LONGEST_S = 31 * 86_400


@dataclass(frozen=True, slots=True)
class Window:
    """One window."""

    window: str
    """Its id."""
    tenant: str
    """Whose."""
    station: str
    """Which station; empty: all of the site."""
    site: str
    """Which site; empty: the station alone."""
    begins: int
    """Unix s."""
    ends: int
    """Unix s."""
    reason: str
    """Why."""
    availability: bool
    """Take the stations out of service at its begin and back at its end."""
    phase: Literal["planned", "begun", "over"]
    """Where it is."""
    created_by: str
    """Who planned it."""


def check_window(window: Window, now: int) -> None:
    """Go on only with a window that makes sense.

    Raises
    ------
    InputInvalid
        naming what is wrong. What is past cannot be excused afterwards: that would make any uptime good.
    """
    if bool(window.station) == bool(window.site):
        raise InputInvalid("a window is for one station or one site")
    if not window.begins < window.ends <= window.begins + LONGEST_S:
        raise InputInvalid("a window ends after it begins, at most 31 days later")
    if window.begins < now - 60:
        raise InputInvalid("maintenance is planned ahead: a window does not begin in the past")
    if not window.reason.strip():
        raise InputInvalid("a window has a reason")


def turned(window: Window, now: int) -> Window:
    """The window in the phase it should be in."""
    if now >= window.ends:
        return replace(window, phase="over")
    return replace(window, phase="begun") if now >= window.begins else window


class WindowBook(Protocol):
    """Where windows are kept; what takes a scope sees its tenant only."""

    async def add_window(self, scope: Scope, window: Window) -> None: ...
    async def windows(self, scope: Scope, since: int) -> Sequence[Window]: ...
    async def due_windows(self, now: int) -> Sequence[Window]: ...
    async def save_window(self, window: Window) -> None: ...
    async def remove_window(self, scope: Scope, window: str) -> None: ...
    async def stations_of(self, window: Window) -> Sequence[str]: ...


OPERATES: frozenset[Permission] = frozenset(("read", "operate"))


class Maintenance:
    """The service; `tick` once a minute."""

    def __init__(self, book: WindowBook, runs: Runs, audit: Audit, clock: Clock, changed: Changed) -> None:
        self._book, self._runs, self._audit, self._clock, self._changed = book, runs, audit, clock, changed

    async def windows(self, scope: Scope, since: int) -> Sequence[Window]:
        """Windows of the tenant that end after `since` [Unix s]."""
        return await self._book.windows(scope, since)

    async def plan(
        self, scope: Scope, station: str, site: str, begins: int, ends: int, reason: str, availability: bool
    ) -> Window:
        """Plan a window.

        Raises
        ------
        InputInvalid
            if it makes no sense, or begins in the past.
        NotFound
            if the tenant has no such station.
        """
        scope.need("operate")
        name = secrets.token_hex(8)
        window = Window(name, scope.tenant, station, site, begins, ends, reason, availability, "planned", scope.actor)
        check_window(window, self._clock.now())
        await self._book.add_window(scope, window)
        await self._audit.record(scope, "maintenance.plan", f"maintenance:{name}", None, asdict(window), reason)
        return window

    async def remove(self, scope: Scope, window: str) -> None:
        """Give up one that has not begun. Raises `NotFound`."""
        scope.need("operate")
        await self._book.remove_window(scope, window)
        await self._audit.record(scope, "maintenance.remove", f"maintenance:{window}", {"window": window}, None)

    async def tick(self) -> frozenset[str]:
        """Begin and end what is due; the stations that are in maintenance now."""
        quiet: set[str] = set()
        for window in await self._book.due_windows(self._clock.now()):
            after = turned(window, self._clock.now())
            stations = await self._book.stations_of(after)
            if after.phase == "begun":
                quiet.update(stations)
            if after.phase != window.phase:
                await self._book.save_window(after)
                await self._turn(after, stations)
                self._changed("maintenance", {"window": after.window, "phase": after.phase, "tenant": after.tenant})
        return frozenset(quiet)

    async def _turn(self, window: Window, stations: Sequence[str]) -> None:
        if not window.availability or not stations:
            return
        scope = Scope(window.tenant, "node", OPERATES)
        arguments = {"operative": window.phase == "over", "evse": 0}
        options = {"offline": "wait", "note": f"maintenance: {window.reason}"[:500]}
        try:
            await self._runs.start(scope, "change-availability", arguments, stations, options)
        except SunpileError as fault:
            log.warning("maintenance %s: its stations could not be asked: %s", window.window, fault.detail)
