"""Display messages for staff."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from sunpile.fleet.display import Displays, WantedMessage
from sunpile.people.api.bodies import Body, StationText, UnixTime
from sunpile.people.api.staff import Operator, Reader

Number = Annotated[int, Field(ge=1, lt=1 << 31)]


class MessageBody(Body):
    """A message; its number stands in the address."""

    texts: dict[str, Annotated[str, StringConstraints(min_length=1, max_length=512)]]
    station: StationText | None = None
    priority: str = "NormalCycle"
    state: str | None = None
    start_at: UnixTime | None = None
    end_at: UnixTime | None = None


def router(displays: Displays) -> APIRouter:
    """Routes over `displays`."""
    routes = APIRouter(prefix="/api", tags=["display"])

    @routes.get("/messages")
    async def listing(scope: Reader) -> list[WantedMessage]:
        """Messages that stations are to show."""
        return list(await displays.store.wanted(scope))

    @routes.put("/messages/{number}")
    async def save(scope: Operator, number: Number, body: MessageBody) -> WantedMessage:
        """Add or change a message."""
        message = WantedMessage(number, **body.model_dump())
        await displays.save(scope, message)
        return message

    @routes.delete("/messages/{number}", status_code=204)
    async def remove(scope: Operator, number: Number) -> None:
        """Forget a message."""
        await displays.remove(scope, number)

    @routes.get("/stations/{station}/messages")
    async def state(scope: Reader, station: str) -> dict[str, Any]:
        """What is wanted on a station, what it accepted, and what it was last seen to have."""
        wanted = await displays.store.wanted(scope, station)
        known = await displays.store.known(station)
        has = displays.has.get(station)
        return {
            "wanted": [message.id for message in wanted],
            "accepted": {one.id: one.status for one in known},
            "has": list(has[1]) if has is not None else None,
            "read_at": has[0] if has is not None else None,
        }

    @routes.post("/stations/{station}/messages/read")
    async def read(scope: Operator, station: str) -> dict[str, str]:
        """Ask a station which messages it has."""
        return {"status": (await displays.read(scope, station)).status}

    @routes.post("/stations/{station}/messages")
    async def apply(scope: Operator, station: str) -> dict[int, str]:
        """Send what is missing and take off what is not wanted; what the station said to each message."""
        return {one.id: one.status for one in await displays.apply(scope, station)}

    return routes
