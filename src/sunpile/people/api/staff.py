"""Who of the staff may use a route: `Depends(may("operate"))` gives the `Scope` of the asker, or refuses."""

from collections.abc import Awaitable, Callable
from functools import cache

from fastapi import Request

from sunpile.basics.scope import NODE, Permission, Scope
from sunpile.people.api import access
from sunpile.people.api.access import Served


@cache
def may(permission: Permission) -> Callable[[Request, Served], Awaitable[Scope]]:
    """The guard for `permission`: one function each, so that routes can be listed by it."""

    async def staff(request: Request, services: Served) -> Scope:
        await access.admin(request, services)
        NODE.need(permission)
        return NODE

    staff.__name__ = f"staff_{permission}"
    access.STAFF_GUARDS[staff] = permission
    return staff
