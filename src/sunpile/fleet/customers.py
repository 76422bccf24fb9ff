"""What stations hold of a person, on that person's wish: gathered from all of them, or erased."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sunpile.basics.audit import Audit
from sunpile.basics.errors import InputInvalid, SunpileError
from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import GetCustomerInformation, Token
from sunpile.chargers.notices import Notice, ReportPart
from sunpile.fleet.upkeep_ports import LiveStations

log = logging.getLogger(__name__)
DATA_MAX = 1 << 20
AT_ONCE = 20
REQUESTS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class CustomerPart:
    """What one station says to one wish."""

    request: int
    """Number of the wish."""
    station: str
    """Which station."""
    erase: bool
    """It is to delete what it has."""
    status: str
    """What it answered, or why it could not be asked."""
    data: str = ""
    """What it told so far."""
    next_part: int = 0
    """Number of the part that is awaited."""
    complete: bool = False
    """Nothing more comes."""
    asked_at: int = 0
    """When [Unix s]."""


class CustomerBook(Protocol):
    """Where it is kept, until retention ends it; what takes a scope sees its tenant only."""

    async def stations(self, scope: Scope, names: Sequence[str]) -> Sequence[str]:
        """These, or all of the tenant's. Raises `NotFound`."""
        ...

    async def save(self, tenant: str, part: CustomerPart) -> None: ...
    async def find(self, station: str, request: int) -> tuple[str, CustomerPart] | None:
        """Tenant and part."""
        ...

    async def parts(self, scope: Scope, request: int) -> Sequence[CustomerPart]: ...


class Customers:
    """The service."""

    def __init__(self, book: CustomerBook, live: LiveStations, audit: Audit, clock: Clock) -> None:
        self._book, self._live, self._audit, self._clock = book, live, audit, clock
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(
        self, scope: Scope, stations: Sequence[str], token: str, token_kind: str, customer: str, erase: bool
    ) -> int:
        """Ask stations (none named: all) what they hold of a person, or to delete it; the wish's number.

        Raises
        ------
        InputInvalid
            if neither a token nor a customer number is given, or both.
        NotFound
            if a station is not the tenant's.
        """
        scope.need("manage")
        if bool(token) == bool(customer):
            raise InputInvalid("name the person by a token or by a customer number")
        names = await self._book.stations(scope, stations)
        request = 1 + secrets.randbelow(REQUESTS)
        command = GetCustomerInformation(
            request, not erase, erase, customer or None, Token(token, token_kind) if token else None
        )
        # The log says that it was done, not of whom.
        after = {"stations": len(names), "erase": erase}
        await self._audit.record(scope, "customer.erase" if erase else "customer.ask", f"wish:{request}", None, after)
        gate = asyncio.Semaphore(AT_ONCE)
        for name in names:
            task = asyncio.create_task(self._ask(scope.tenant, name, command, gate))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return request

    async def _ask(self, tenant: str, station: str, command: GetCustomerInformation, gate: asyncio.Semaphore) -> None:
        now = self._clock.now()
        part = CustomerPart(command.request, station, command.clear, "asked", asked_at=now)
        await self._book.save(tenant, part)
        async with gate:
            try:
                result = await self._live.command(StationId(station), command)
            except SunpileError as fault:
                await self._book.save(tenant, replace(part, status=fault.detail[:40], complete=True))
                return
        found = await self._book.find(station, command.request)
        kept = found[1] if found else part
        complete = kept.complete or not result.accepted or command.clear
        await self._book.save(tenant, replace(kept, status=result.status[:40], complete=complete))

    async def told(self, notice: Notice) -> None:
        """A part of what a station holds; one that comes twice counts once."""
        if not isinstance(notice, ReportPart) or notice.report != "customer":
            return
        found = await self._book.find(notice.station, notice.request)
        if found is None:
            return
        tenant, part = found
        if notice.part != part.next_part:
            log.info(
                "station %s: part %d of its customer report came for %d", notice.station, notice.part, part.next_part
            )
            return
        text = "".join(str(row.get("data", "")) for row in notice.rows)
        data = (part.data + text)[:DATA_MAX]
        await self._book.save(tenant, replace(part, data=data, next_part=part.next_part + 1, complete=notice.last))

    async def parts(self, scope: Scope, request: int) -> Sequence[CustomerPart]:
        """What the tenant's stations said. Raises `NotFound`."""
        scope.need("manage")
        return await self._book.parts(scope, request)

    async def settle(self) -> None:
        """Wait until everybody who is being asked was asked."""
        await asyncio.gather(*self._tasks)
