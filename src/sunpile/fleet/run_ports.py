"""What runs need from others: the piles' door, a store, and who belongs to a tenant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from annotated_types import MaxLen

from sunpile.basics.ids import StationId
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import Command, CommandResult
from sunpile.chargers.commands.command import record
from sunpile.fleet.run_model import Header, Item, Target


class Commands(Protocol):
    """The piles' door."""

    def connected(self, station: StationId) -> bool:
        """True if the station could be asked now."""
        ...

    async def command(self, station: StationId, command: Command) -> CommandResult:
        """Ask it, see `Csms.command`."""
        ...


Word = Annotated[str, MaxLen(64)]


@record
class Filter:
    """Stations by what is known of them; nothing named means all of the tenant's."""

    vendor: Word | None = None
    """Of this vendor."""
    model: Word | None = None
    """Of this model."""
    firmware: Word | None = None
    """With this firmware."""
    version: Word | None = None
    """Of this OCPP version."""
    site: Word | None = None
    """At this site."""
    tag: Word | None = None
    """With this tag."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Whom a run is about: named stations, or a filter."""

    stations: tuple[str, ...] = ()
    """Identities."""
    filter: Filter | None = None
    """Instead of names."""


class Fleet(Protocol):
    """The stations of a tenant."""

    async def select(self, scope: Scope, selection: Selection) -> Sequence[Target]:
        """Stations of the tenant, in order of identity.

        Raises
        ------
        NotFound
            naming a station that is not the tenant's.
        """
        ...


class RunStore(Protocol):
    """Where runs are kept. What changes is durable when a call returns; calls take effect in the order made."""

    async def create(self, header: Header, items: Sequence[Item], key: str | None, body_hash: str) -> str:
        """Keep a new run; its id, or that of the run made before with the same key and body.

        Raises
        ------
        Conflict
            if the key came with another body.
        """
        ...

    async def save(self, header: Header, items: Sequence[Item]) -> None:
        """Keep the header and these items; what is `sent` counts towards the tenant's budget."""
        ...

    async def alive(self) -> Sequence[tuple[Header, Sequence[Item]]]:
        """Runs in which something is still to come."""
        ...

    async def spent(self, since: int) -> Sequence[tuple[str, int, int]]:
        """(tenant, second, watts) of every time a station was asked after `since` [Unix s], oldest first."""
        ...

    async def keep_part(self, run: str, station: str, attempt: int, part: int, rows: Sequence[dict[str, Any]]) -> None:
        """Keep a part of a report; the same part again changes nothing."""
        ...

    async def load(self, scope: Scope, run: str) -> tuple[Header, Sequence[Item]]:
        """A run of the tenant, whole.

        Raises
        ------
        NotFound
            if the tenant has none of that id.
        """
        ...

    async def headers(self, scope: Scope, limit: int, before: int | None, fleet: bool) -> Sequence[Header]:
        """Runs of the tenant, newest first, made before `before` [Unix s]; with `fleet` those over several stations."""
        ...

    async def items(self, scope: Scope, run: str, state: str | None, after: str, limit: int) -> Sequence[Item]:
        """Items of a run of the tenant in order of identity, after that of `after`."""
        ...

    async def rows(self, scope: Scope, run: str, station: str, limit: int) -> Sequence[dict[str, Any]]:
        """Rows of the report of an item's last attempt."""
        ...


Arguments = Mapping[str, Any]
