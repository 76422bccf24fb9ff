"""Tariffs and costs for staff."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from sunpile.basics.errors import InputInvalid
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import CommandResult
from sunpile.fleet.costing import Costing, TariffUse
from sunpile.fleet.tariff_words import texts
from sunpile.fleet.tariffs import Tariff
from sunpile.people.api.bodies import Body, StationText
from sunpile.people.api.staff import Configurer, Operator, Reader

Evse = Annotated[int, Field(ge=0, le=64)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class UseBody(Body):
    """Where a tariff holds."""

    scope: str
    object: Annotated[str, StringConstraints(max_length=255)] = ""
    tariff: Name


class InstallBody(Body):
    """A tariff for a 2.1 station; without a name, the one in force there."""

    evse: Evse = 0
    tariff: Name | None = None


class ChangeBody(Body):
    """Another tariff for a running transaction (2.1)."""

    station: StationText
    transaction: Annotated[str, StringConstraints(min_length=1, max_length=36)]
    tariff: Name


def router(costing: Costing, cost_of: Callable[[Scope, str], Awaitable[dict[str, Any]]]) -> APIRouter:
    """Routes over `costing`; `cost_of` is `TariffStore.cost`."""
    routes = APIRouter(prefix="/api", tags=["tariffs"])
    _tariffs(routes, costing)
    _stations(routes, costing)

    @routes.get("/sessions/{session}/cost")
    async def session_cost(scope: Reader, session: str) -> dict[str, Any]:
        """What a session costs by its tariff, and how the station's own reckoning differs."""
        return await cost_of(scope, session)

    return routes


def _tariffs(routes: APIRouter, costing: Costing) -> None:
    @routes.get("/tariffs")
    async def listing(scope: Reader) -> list[Tariff]:
        """All tariffs."""
        return list(await costing.book.all(scope))

    @routes.get("/tariff-uses")
    async def uses(scope: Reader) -> list[TariffUse]:
        """Where tariffs hold; the narrowest place wins: token, group, evse, station, tenant."""
        return list(await costing.book.uses(scope))

    @routes.put("/tariff-uses")
    async def use(scope: Configurer, body: UseBody) -> TariffUse:
        """Let a tariff hold somewhere."""
        wanted = TariffUse(body.scope, body.object, body.tariff)
        await costing.use(scope, wanted)
        return wanted

    @routes.delete("/tariff-uses", status_code=204)
    async def unuse(scope: Configurer, body: UseBody) -> None:
        """Let it hold there no longer."""
        await costing.unuse(scope, TariffUse(body.scope, body.object, body.tariff))

    @routes.get("/tariffs/{tariff}")
    async def find(scope: Reader, tariff: str) -> Tariff:
        """One tariff."""
        return await costing.book.find(scope, tariff)

    @routes.get("/tariffs/{tariff}/text")
    async def say(scope: Reader, tariff: str) -> dict[str, str]:
        """What it says to a driver, by language."""
        return texts(await costing.book.find(scope, tariff))

    @routes.put("/tariffs/{tariff}")
    async def save(scope: Configurer, tariff: str, body: Tariff) -> Tariff:
        """Add or change a tariff; sessions under way keep theirs."""
        if body.id != tariff:
            raise InputInvalid("the tariff's id differs from the address")
        await costing.save(scope, body)
        return body

    @routes.delete("/tariffs/{tariff}", status_code=204)
    async def remove(scope: Configurer, tariff: str) -> None:
        """Forget a tariff that holds nowhere."""
        await costing.remove(scope, tariff)


def _stations(routes: APIRouter, costing: Costing) -> None:
    @routes.get("/stations/{station}/tariffs")
    async def installed(scope: Operator, station: str, evse: Annotated[int, Query(ge=0, le=64)] = 0) -> CommandResult:
        """Ask a 2.1 station which tariffs it has."""
        return await costing.installed(scope, station, evse)

    @routes.post("/stations/{station}/tariffs")
    async def install(scope: Configurer, station: str, body: InstallBody) -> CommandResult:
        """Give a 2.1 station its default tariff."""
        return await costing.install(scope, station, body.evse, body.tariff)

    @routes.delete("/stations/{station}/tariffs")
    async def clear(
        scope: Configurer,
        station: str,
        evse: Annotated[int | None, Query(ge=0, le=64)] = None,
        tariff: Annotated[list[str] | None, Query(max_length=20)] = None,
    ) -> CommandResult:
        """Take tariffs off a 2.1 station."""
        return await costing.clear(scope, station, evse, tariff)

    @routes.post("/tariff-changes")
    async def change(scope: Configurer, body: ChangeBody) -> CommandResult:
        """Change the tariff of a running transaction (2.1)."""
        return await costing.change(scope, body.station, body.transaction, body.tariff)
