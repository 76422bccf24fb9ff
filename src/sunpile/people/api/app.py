"""Entry function of the chapter: the HTTP application of a node."""

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI

from sunpile.basics.errors import SettingInvalid
from sunpile.identity.door import Door
from sunpile.people.api import access, drivers, live, market, operator, problems
from sunpile.people.api.guard import Guard
from sunpile.people.api.metrics import Metrics
from sunpile.people.console import pages as console
from sunpile.people.ports import ApiSettings, Events, Operations, Rpc, TownView
from sunpile.people.web import pages

DESCRIPTION = """Charging piles and rooftop solar, matched every interval, settled by a contract that checks the match.

Energy is whole Wh, prices whole micro-currency per kWh, amounts whole nano-currency, times Unix seconds UTC.
Signatures are 0x text of 65 bytes r, s, v. Errors are `application/problem+json`."""


def create_app(
    view: TownView,
    operations: Operations,
    rpc: Rpc,
    events: Events,
    settings: ApiSettings,
    more: Sequence[APIRouter] = (),
    door: Door | None = None,
) -> FastAPI:
    """The application: API, page, live feed, `/metrics`, `/rpc`, and `more` routes of services wired outside.

    `door` checks staff's sessions and API keys; without one there is only the node's token.

    Raises
    ------
    SettingInvalid
        if the admin token is too short to be a secret.
    """
    if len(settings.admin_token) < 16:
        raise SettingInvalid("admin_token", "***", "at least 16 characters")
    metrics = Metrics()
    app = FastAPI(
        title="sunpile",
        version="1",
        description=DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = access.Services(view, operations, rpc, events, settings, metrics, door)
    parts = (market, drivers, operator, live, pages) if settings.market else (drivers, live)
    for router in (*(part.router for part in parts), *more):
        access.refuse_unguarded(router.routes)
        app.include_router(router)
    app.mount(console.STATIC, console.static_files(), name="console")
    app.mount("/static", pages.static_files(), name="static")
    problems.install(app)
    app.add_middleware(Guard, body_limit=settings.body_limit, metrics=metrics)
    return app
