"""Every route there is: routers found in the package, each over services that only say that they were reached."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

import sunpile.people
from sunpile.basics.errors import SunpileError
from sunpile.people.api import access, staff
from sunpile.people.api.access import every_route


class Reached(SunpileError):
    """The guard let the request through: the service was asked."""

    status = 418
    code = "reached"


class Anything:
    """A service of any kind."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()

    def __call__(self, *_args: Any, **_named: Any) -> Any:
        raise Reached("the service was asked")


def found_routers() -> Iterator[tuple[str, APIRouter]]:
    """Module and router of every module of `people` that makes one, over `Anything` where it wants services.

    Routers that stand in a module ready made are `create_app`'s own.
    """
    for module in pkgutil.walk_packages(sunpile.people.__path__, "sunpile.people."):
        content = importlib.import_module(module.name)
        for name, maker in sorted(vars(content).items()):
            ours = inspect.isfunction(maker) and maker.__module__ == module.name and not name.startswith("_")
            if ours and maker.__annotations__.get("return") is APIRouter:
                wanted = [p for p in inspect.signature(maker).parameters.values() if p.default is p.empty]
                yield f"{module.name}.{name}", maker(*(Anything() for _ in wanted))


def routes_of(app: FastAPI) -> list[tuple[str, APIRoute]]:
    """`METHOD /path` and the route, for every one of the application."""
    return sorted(
        (f"{method} {route.path}", route) for route in every_route(app.routes) for method in route.methods - {"HEAD"}
    )


def filled(path: str, holes: dict[str, str] | None = None) -> str:
    """A path with something in its holes."""
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda hole: (holes or {}).get(hole[1], "1"), path)


def wanted_by(route: APIRoute) -> str:
    """What a route wants according to its guards, in the words of the table."""
    guards = access.guards_of(route.dependant)
    names = {access.STAFF_GUARDS.get(guard) or guard.__name__.replace("_", "-") for guard in guards}
    if "self" in names:
        return "any-staff" if staff.anybody_of_staff in guards else "signed-in"
    return "driver" if "driver" in names else sorted(names)[0]


def main() -> None:
    """Print lines for the table, to be read before they are put there: `python -m tests.people.route_book`."""
    from sunpile.people.api import drivers, live, market, operator
    from sunpile.people.web import pages

    routers = [router for _, router in found_routers()]
    routers += [part.router for part in (drivers, live, market, operator, pages)]
    lines = {
        (route.path, method, wanted_by(route))
        for router in routers
        for route in every_route(router.routes)
        for method in route.methods - {"HEAD"}
    }
    for path, method, guard in sorted(lines):
        print(f'"{method} {path}" = "{guard}"')


if __name__ == "__main__":
    main()
