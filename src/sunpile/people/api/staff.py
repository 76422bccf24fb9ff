"""Who of the staff may use a route: `Depends(may("operate"))` gives the `Scope` of the asker, or refuses.

Three kinds of credentials: the node's admin token, an API key (`Bearer sk_...`), and the cookie of a browser's session.
A cookie comes by itself, so what changes something with one must come from our own pages; approvals and changes of
staff want a passkey shown in the last minutes too.
"""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from sunpile.basics.errors import Forbidden, NotFound, Unauthorised
from sunpile.basics.scope import NODE, Permission, Scope
from sunpile.identity.door import Door, Present
from sunpile.identity.roles import FRESH
from sunpile.identity.staff import KEY_PREFIX
from sunpile.people.api import access
from sunpile.people.api.access import Served

COOKIE = "sunpile_session"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
NOT_SIGNED_IN = "sign in, or send an API key or the node's admin token"


def address_of(request: Request) -> str:
    """Where a request comes from. Behind a proxy the server takes it from a trusted header, or not at all."""
    return request.client.host if request.client is not None else ""


def cookie_name(request: Request) -> str:
    """Name of the session cookie: over TLS one that no other host and no plain page can set."""
    return "__Host-" + COOKIE if request.url.scheme == "https" else COOKIE


def own_page(request: Request) -> None:
    """Go on only if a request that changes something comes from one of our own pages.

    Raises
    ------
    Forbidden
        if the browser says otherwise, or nothing.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site == "same-origin":
            return
    elif urlsplit(request.headers.get("origin", "")).netloc == request.headers.get("host"):
        return
    raise Forbidden("this changes something, and does not come from a page of this node")


async def _by_token(request: Request, services: access.Services, token: str) -> Scope:
    if access.is_admin(token, services.settings):
        return NODE
    door, address = services.door, address_of(request)
    if door is not None and token.startswith(KEY_PREFIX):
        return await door.by_key(token, address, request.path_params.get("station"))
    if door is not None:
        door.failed(address)
    await access.admin(request, services)
    raise Unauthorised("the token is not known here")


async def _by_cookie(request: Request, door: Door | None) -> Present:
    cookie = request.cookies.get(cookie_name(request))
    if door is None or cookie is None:
        raise Unauthorised(NOT_SIGNED_IN)
    present = await door.by_cookie(cookie, address_of(request))
    own_page(request)
    return present


@cache
def may(permission: Permission) -> Callable[[Request, Served], Awaitable[Scope]]:
    """The guard for `permission`: one function each, so that routes can be listed by it."""

    async def staff(request: Request, services: Served) -> Scope:
        token = access.bearer(request)
        if token is not None:
            scope = await _by_token(request, services, token)
            scope.need(permission)
            return scope
        present = await _by_cookie(request, services.door)
        present.scope.need(permission)
        if permission in FRESH and request.method not in SAFE_METHODS and services.door is not None:
            services.door.fresh(present)
        return present.scope

    staff.__name__ = f"staff_{permission}"
    access.STAFF_GUARDS[staff] = permission
    return staff


async def anybody_of_staff(request: Request, services: Served) -> Scope:
    """Whoever has credentials of staff, whatever they may do."""
    token = access.bearer(request)
    if token is not None:
        return await _by_token(request, services, token)
    return (await _by_cookie(request, services.door)).scope


async def signed_in(request: Request, services: Served) -> Present:
    """Somebody with a session; a key or a token has none."""
    if access.bearer(request) is not None:
        raise Forbidden("this is for people who signed in, not for keys")
    return await _by_cookie(request, services.door)


async def signing_in(request: Request, services: Served) -> None:
    """Somebody who is about to sign in: not too often, and from one of our own pages."""
    if services.door is None:
        raise NotFound("nobody signs in at this node")
    services.door.sign_in(address_of(request))
    own_page(request)


access.STAFF_GUARDS[anybody_of_staff] = "self"
access.STAFF_GUARDS[signed_in] = "self"
access.STAFF_GUARDS[signing_in] = "sign-in"
AnyStaff = Annotated[Scope, Depends(anybody_of_staff)]
SomebodyPresent = Annotated[Present, Depends(signed_in)]
Reader = Annotated[Scope, Depends(may("read"))]
Operator = Annotated[Scope, Depends(may("operate"))]
Configurer = Annotated[Scope, Depends(may("configure"))]
Approver = Annotated[Scope, Depends(may("approve"))]
Manager = Annotated[Scope, Depends(may("manage"))]
