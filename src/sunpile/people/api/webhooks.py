"""Routes of webhooks: subscribe, change, rotate the secret, see what was sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from sunpile.fleet.webhook_service import HookMade, Webhooks
from sunpile.fleet.webhooks import Delivery, Hook
from sunpile.people.api.bodies import Body
from sunpile.people.api.staff import Manager

Kind = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+(\.[a-z0-9_-]+)*$", max_length=64)]
Url = Annotated[str, StringConstraints(min_length=8, max_length=2048)]
Reason = Annotated[str, StringConstraints(max_length=500)]


class HookBody(Body):
    """A webhook to add."""

    url: Url
    events: list[Kind] = Field(default_factory=list[str], max_length=64)


class HookChangeBody(Body):
    """What to change; what is left out stays."""

    url: Url | None = None
    events: Annotated[list[Kind], Field(max_length=64)] | None = None
    paused: bool | None = None
    reason: Reason = ""


@dataclass(frozen=True, slots=True)
class HookCard:
    """A webhook without its secret."""

    hook: str
    """Its id."""
    url: str
    """Where to."""
    events: Sequence[str]
    """Kinds or beginnings of kinds; empty = all."""
    paused: bool
    """True: nothing is sent."""
    created_at: int
    """Unix s."""
    old_secret_until: int
    """Until when the secret before signs too [Unix s]; 0 = there is none."""


def router(webhooks: Webhooks) -> APIRouter:
    """Routes over `webhooks`."""
    routes = APIRouter(prefix="/api/webhooks", tags=["webhooks"])

    @routes.get("")
    async def listing(scope: Manager) -> list[HookCard]:
        """The tenant's webhooks."""
        return [_card(hook) for hook in await webhooks.hooks(scope)]

    @routes.post("", status_code=201)
    async def add(scope: Manager, body: HookBody) -> HookMade:
        """A new one; its secret is shown only in this answer."""
        return await webhooks.add(scope, body.url, body.events)

    @routes.get("/{hook}")
    async def one(scope: Manager, hook: str) -> HookCard:
        """One of them."""
        return _card(await webhooks.hook(scope, hook))

    @routes.patch("/{hook}")
    async def change(scope: Manager, hook: str, body: HookChangeBody) -> HookCard:
        """Change URL, events, or whether it is paused."""
        given = body.model_dump(exclude_unset=True, exclude={"reason"})
        changes = {
            name: tuple(value) if name == "events" else value for name, value in given.items() if value is not None
        }
        return _card(await webhooks.change(scope, hook, changes, body.reason))

    @routes.delete("/{hook}", status_code=204)
    async def remove(scope: Manager, hook: str, reason: Annotated[str, Query(max_length=500)] = "") -> None:
        """Forget it, and what is on its way to it."""
        await webhooks.remove(scope, hook, reason)

    @routes.post("/{hook}/secret")
    async def rotate(scope: Manager, hook: str) -> HookMade:
        """A new secret; the old one signs beside it for a day."""
        return await webhooks.rotate(scope, hook)

    @routes.post("/{hook}/test", status_code=202)
    async def test(scope: Manager, hook: str) -> dict[str, str]:
        """Send a `webhook.test`."""
        return {"delivery": await webhooks.test(scope, hook)}

    @routes.get("/{hook}/deliveries")
    async def deliveries(scope: Manager, hook: str, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> list[Delivery]:
        """What was sent to it, newest first."""
        return list(await webhooks.deliveries(scope, hook, limit))

    @routes.post("/{hook}/deliveries/{delivery}/again", status_code=202)
    async def again(scope: Manager, hook: str, delivery: str) -> None:
        """Send one again."""
        await webhooks.again(scope, hook, delivery)

    return routes


def _card(hook: Hook) -> HookCard:
    until = hook.old_until if hook.old_secret else 0
    return HookCard(hook.hook, hook.url, hook.events, hook.paused, hook.created_at, until)
