"""What the control of sites needs from others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sunpile.basics.ids import StationId
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import Command, CommandResult
from sunpile.control.site import FuseId, Phases, Site

Changed = Callable[[str, Mapping[str, Any]], None]
"""Tell live pages: kind and data."""


@dataclass(frozen=True, slots=True)
class SiteRecord:
    """A site as it is kept."""

    tenant: str
    """Whose."""
    site: Site
    """Fuses, outlets, policy."""
    worst_base: Mapping[FuseId, Phases]
    """The most that other loads take through a fuse [mA]; it counts where nothing is measured."""
    ceiling_w: int | None = None
    """Most that all cars together may draw [W]; None: no such limit."""


class SiteBook(Protocol):
    """Where sites are kept."""

    async def all(self) -> Sequence[SiteRecord]:
        """Every tenant's, for the service itself."""
        ...

    async def of(self, scope: Scope) -> Sequence[SiteRecord]: ...
    async def one(self, scope: Scope, site: str) -> SiteRecord:
        """Raises `NotFound`."""
        ...

    async def put(self, scope: Scope, record: SiteRecord) -> None:
        """Keep it. Raises `NotFound` if a station is not the tenant's, `Conflict` if an outlet is of another site."""
        ...

    async def remove(self, scope: Scope, site: str) -> None: ...


class Stations(Protocol):
    """The piles' door."""

    def connected(self, station: StationId) -> bool: ...
    async def command(self, station: StationId, command: Command) -> CommandResult:
        """Ask a station. Raises `Unreachable` if it is away or does not answer."""
        ...


@dataclass(frozen=True, slots=True)
class Outlook:
    """What market and sun offer a site now."""

    surplus_w: int | None = None
    """Solar power nobody uses [W]; None: not known."""
    prices: Sequence[int] = ()
    """Price of each coming slot [micro/kWh], the present one first; empty: not known."""
    slot_s: int = 900
    """Length of a slot [s]."""


class Energy(Protocol):
    """Prices and surplus, from the market or a tariff."""

    async def outlook(self, site: str) -> Outlook: ...
