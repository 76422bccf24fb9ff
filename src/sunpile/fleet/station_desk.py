"""The operator's desk for stations: find, look, add, change, remove."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from sunpile.basics.audit import Audit
from sunpile.basics.errors import InputInvalid
from sunpile.basics.ids import StationId
from sunpile.basics.scope import Scope
from sunpile.fleet.cards import (
    Deviation,
    Refusal,
    StationCard,
    StationFilter,
    StationPage,
    StationView,
    changed_card,
    check_card,
    facts_of,
    live_of,
)
from sunpile.fleet.upkeep_ports import Changed, LiveStations

REFUSALS_SHOWN = 10


class Cards(Protocol):
    """Where station records are kept; each call sees the scope's tenant only."""

    async def page(self, scope: Scope, wanted: StationFilter) -> StationPage: ...
    async def card(self, scope: Scope, station: str) -> StationCard:
        """The record. Raises `NotFound`."""
        ...

    async def add(self, scope: Scope, card: StationCard, evses: Sequence[int], at: int) -> str:
        """Keep a new one; its password. Raises `Conflict` if the identity is taken."""
        ...

    async def save(self, scope: Scope, card: StationCard) -> None: ...
    async def remove(self, scope: Scope, station: str) -> None:
        """Forget it and its talk. Raises `Conflict` if it has sessions."""
        ...

    async def refusals(self, scope: Scope, station: str | None, limit: int) -> Sequence[Refusal]: ...
    async def deviations(self, scope: Scope, station: str) -> Sequence[Deviation]: ...


class OpenAlerts(Protocol):
    """Which alerts a station has."""

    async def of_station(self, scope: Scope, station: str) -> Sequence[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class StationAdded:
    """What to type into a new station's menu."""

    station: str
    """Its identity."""
    password: str
    """40 hex digits, shown only here."""
    security_profile: int
    """Profile it must use."""


class StationDesk:
    """What staff do with station records."""

    def __init__(
        self,
        cards: Cards,
        live: LiveStations,
        audit: Audit,
        changed: Changed,
        alerts: OpenAlerts | None = None,
        deviations: Collection[str] = (),
    ) -> None:
        self._cards, self._live, self._audit, self._changed = cards, live, audit, changed
        self._alerts = alerts
        self._deviations = frozenset(deviations)

    async def page(self, scope: Scope, wanted: StationFilter) -> StationPage:
        """Stations that fit, with what the door knows now on top of what is kept."""
        page = await self._cards.page(scope, wanted)
        return replace(page, stations=tuple(self._fresh(card) for card in page.stations))

    def _fresh(self, card: StationCard) -> StationCard:
        state = self._live.state(card.station)
        if state is None:
            return card
        return replace(card, connected=state.connected, last_seen=max(state.last_seen or 0, card.last_seen or 0))

    async def view(self, scope: Scope, station: str) -> StationView:
        """A station's page."""
        card = await self._cards.card(scope, station)
        refusals = await self._cards.refusals(scope, station, REFUSALS_SHOWN)
        deviations = await self._cards.deviations(scope, station)
        alerts = await self._alerts.of_station(scope, station) if self._alerts else ()
        live = live_of(self._live.state(station))
        return StationView(self._fresh(card), live, tuple(refusals), tuple(deviations), tuple(alerts))

    async def refusals(self, scope: Scope, station: str | None, limit: int) -> Sequence[Refusal]:
        """Newest refused attempts, of one station or of all."""
        return await self._cards.refusals(scope, station, limit)

    async def add(self, scope: Scope, card: StationCard, evses: Sequence[int], at: int) -> StationAdded:
        """Register a station; its password is shown only here.

        Raises
        ------
        InputInvalid
            if a value is out of range.
        Conflict
            if the identity is taken.
        """
        scope.need("configure")
        check_card(card)
        self._check_leniency(card.leniency)
        password = await self._cards.add(scope, card, evses, at)
        await self._audit.record(scope, "station.add", f"station:{card.station}", None, asdict(card))
        self._changed("station", {"station": card.station, "change": "added"})
        return StationAdded(card.station, password, card.security_profile)

    async def change(self, scope: Scope, station: str, changes: dict[str, Any], reason: str = "") -> StationCard:
        """Change a station's record.

        Raises
        ------
        NotFound
            if there is no such station.
        InputInvalid
            if a value is out of range.
        Conflict
            if its security profile would be lowered.
        """
        scope.need("configure")
        before = await self._cards.card(scope, station)
        after = changed_card(before, changes)
        if "leniency" in changes:
            self._check_leniency(after.leniency)
        await self._cards.save(scope, after)
        names = sorted(changes)
        await self._audit.record(
            scope, "station.change", f"station:{station}", facts_of(before, names), facts_of(after, names), reason
        )
        await self._live.changed(StationId(station))
        self._changed("station", {"station": station, "change": "changed"})
        return after

    async def remove(self, scope: Scope, station: str, reason: str = "") -> None:
        """Forget a station that has no sessions.

        Raises
        ------
        NotFound
            if there is no such station.
        Conflict
            if it has sessions, whose records must stay.
        """
        scope.need("configure")
        before = await self._cards.card(scope, station)
        await self._cards.remove(scope, station)
        await self._audit.record(scope, "station.remove", f"station:{station}", asdict(before), None, reason)
        await self._live.changed(StationId(station))
        self._changed("station", {"station": station, "change": "removed"})

    def _check_leniency(self, names: Sequence[str]) -> None:
        unknown = sorted(set(names) - self._deviations) if self._deviations else []
        if unknown:
            raise InputInvalid(f"no such deviation: {', '.join(unknown)}; known: {', '.join(sorted(self._deviations))}")
