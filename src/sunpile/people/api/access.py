"""Who may use a route. Every route names one of the guards here; an application with one that does not is not built.

`anyone` reads what is public. `signed` means the body carries its own proof (an EIP-712 signature), checked by whoever
carries it out. `driver` is the bearer of a driver's key, `admin` the bearer of the node's token.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from sunpile.basics.errors import Forbidden, InputInvalid, Unauthorised
from sunpile.basics.ids import Address, DriverId, PointId
from sunpile.basics.keys import recover
from sunpile.basics.scope import Permission
from sunpile.basics.typed_data import Domain, Struct
from sunpile.identity.door import Door
from sunpile.people.api.metrics import Metrics
from sunpile.people.ports import ApiSettings, Events, Operations, Rpc, TownView

RECEIPT_REQUEST = Struct("ReceiptRequest", (("point", "uint32"), ("interval", "uint32"), ("expires", "uint64")))
"""EIP-712: whoever signs this with the point's meter key or its owner's key gets the full receipt."""
REQUEST_LIFE_S = 86_400


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes work with."""

    view: TownView
    """The read side."""
    operations: Operations
    """The write side."""
    rpc: Rpc
    """The chain's JSON-RPC."""
    events: Events
    """The live feed."""
    settings: ApiSettings
    """How the HTTP side behaves."""
    metrics: Metrics
    """Figures of this application."""
    door: Door | None = None
    """Who checks staff's sessions and API keys; None = there are none, only the node's token."""


async def services_of(request: Request) -> Services:
    """The services of the application that got `request`. Async, or it would go through a thread each time."""
    found = request.app.state.services
    assert isinstance(found, Services)
    return found


Served = Annotated[Services, Depends(services_of)]


def api_key_hash(api_key: str) -> bytes:
    """What the store keeps of a driver's key: SHA-256. The key itself is 32 random bytes, so no salt is needed."""
    return hashlib.sha256(api_key.encode()).digest()


def bearer(request: Request) -> str | None:
    """The bearer token of a request, None without one.

    Raises
    ------
    Unauthorised
        if there is an Authorization header of another kind.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Unauthorised("the Authorization header is not of the form `Bearer <token>`")
    return token.strip()


def is_admin(token: str | None, settings: ApiSettings) -> bool:
    """True if `token` is the node's token; compared in constant time over hashes, so that its length is hidden too."""
    given, right = api_key_hash(token or ""), api_key_hash(settings.admin_token)
    return hmac.compare_digest(given, right) and bool(settings.admin_token)


async def anyone() -> None:
    """No credentials wanted."""


async def signed() -> None:
    """The body proves itself."""


async def admin(request: Request, services: Served) -> None:
    """Only whoever runs the node."""
    token = bearer(request)
    if token is None:
        raise Unauthorised("this needs the node's admin token")
    if not is_admin(token, services.settings):
        if await _driver(token, services) is not None:
            raise Forbidden("a driver's key does not open this; it needs the node's admin token")
        raise Unauthorised("the token is not known here")


async def driver(request: Request, services: Served) -> DriverId:
    """Only a driver, by the account's key."""
    token = bearer(request)
    if token is None:
        raise Unauthorised("this needs a driver's key; POST /api/drivers makes an account")
    found = await _driver(token, services)
    if found is None:
        raise Unauthorised("the key is not known here")
    return found


async def driver_or_admin(request: Request, services: Served) -> DriverId | None:
    """A driver (whose id it returns) or whoever runs the node (None)."""
    token = bearer(request)
    if token is not None and is_admin(token, services.settings):
        return None
    return await driver(request, services)


async def reader(request: Request, services: Served) -> bool:
    """Anyone may read; True if this reader may see homes too."""
    token = bearer(request)
    if token is None:
        return services.settings.open_town
    if is_admin(token, services.settings):
        return True
    if await _driver(token, services) is None:
        raise Unauthorised("the token is not known here")
    return services.settings.open_town


async def chain_reader(request: Request, services: Served) -> None:
    """Anyone, or only whoever runs the node where settings say so."""
    if not services.settings.rpc_open:
        await admin(request, services)


async def _driver(token: str, services: Services) -> DriverId | None:
    given = api_key_hash(token)
    found = await services.view.driver_of_key(given)
    if found is None or not hmac.compare_digest(found[1], given):
        return None
    return found[0]


GUARDS: tuple[Callable[..., Any], ...] = (anyone, signed, admin, driver, driver_or_admin, reader, chain_reader)
STAFF_GUARDS: dict[Callable[..., Any], Permission | Literal["self", "sign-in"]] = {}
"""Guards of `staff`, with the permission each wants; `self`: signed in is enough, `sign-in`: not even that."""


async def may_see_receipt(
    services: Services, open_to_reader: bool, point: PointId, interval: int, expires: int | None, signature: str | None
) -> bool:
    """True if the asker may have the full receipt: by role, or by a `ReceiptRequest` signed with a key of the point.

    Raises
    ------
    InputInvalid
        if a signature is malformed or too old.
    Forbidden
        if it is by another key.
    """
    if open_to_reader:
        return True
    if signature is None or expires is None:
        return False
    info, keys = await services.view.info(), await services.view.point_keys(point)
    if not info.now <= expires <= info.now + REQUEST_LIFE_S:
        raise InputInvalid("the request's `expires` is past or more than a day ahead")
    domain = Domain("sunpile", info.chain_id, Address(info.contracts["EnergyMarket"]))
    digest = RECEIPT_REQUEST.digest(domain, {"point": point, "interval": interval, "expires": expires})
    try:
        signer = recover(digest, bytes.fromhex(signature.removeprefix("0x")))
    except ValueError as fault:
        raise InputInvalid("the signature is not hex") from fault
    if keys is None or signer not in (keys.owner.lower(), keys.meter_key.lower()):
        raise Forbidden("the signature is by neither the owner's nor the meter's key of this point")
    return True


def guards_of(dependant: Dependant) -> set[Callable[..., Any]]:
    """The guards that `dependant` runs, however deep."""
    found: set[Callable[..., Any]] = set()
    for inner in dependant.dependencies:
        if inner.call is not None and (inner.call in GUARDS or inner.call in STAFF_GUARDS):
            found.add(inner.call)
        found |= guards_of(inner)
    return found


def every_route(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """All routes, those of routers that were included too: FastAPI keeps these as they are, one inside the other."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if isinstance(route, APIRoute):
            yield route
        elif isinstance(inner, APIRouter):
            yield from every_route(inner.routes)


def refuse_unguarded(routes: Iterable[BaseRoute]) -> None:
    """Deny by default: an application with a route that names no guard is a mistake, found at start."""
    bare = [
        f"{sorted(route.methods or ())} {route.path}" for route in every_route(routes) if not guards_of(route.dependant)
    ]
    if bare:
        raise RuntimeError(f"these routes do not say who may use them: {', '.join(sorted(bare))}")
