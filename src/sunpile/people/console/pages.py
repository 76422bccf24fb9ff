"""The console's shell and the page to sign in at. All data comes to the browser by the REST API, under its guards."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import cast

from fastapi import APIRouter, Depends, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

from sunpile.people.api.access import Served, Services, anyone
from sunpile.people.web.language import COOKIE, LANGUAGES, language_of

HERE = Path(__file__).parent
STATIC = "/static/console"
YEAR_S = 365 * 86_400
templates = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def static_files() -> StaticFiles:
    """Scripts, styles and words; mounted at `STATIC`."""
    return StaticFiles(directory=HERE / "static")


@cache
def words(language: str) -> Mapping[str, str]:
    """The console's words in a language, by key."""
    return cast("Mapping[str, str]", json.loads((HERE / "static" / "locales" / f"{language}.json").read_text("utf-8")))


def router(market: bool) -> APIRouter:
    """The pages; without a market the console is also the node's first page."""
    routes = APIRouter(include_in_schema=False, dependencies=[Depends(anyone)])

    @routes.get("/console")
    async def home(services: Served, request: Request) -> HTMLResponse:
        """The overview."""
        return _shell(services, request, "console.html")

    @routes.get("/console/{path:path}")
    async def inside(services: Served, request: Request, path: str) -> HTMLResponse:
        """Every other page: the browser draws it by its address."""
        return _shell(services, request, "console.html")

    @routes.get("/sign-in")
    async def sign_in(services: Served, request: Request) -> HTMLResponse:
        """Where staff sign in, or register their first passkey by an invitation."""
        return _shell(services, request, "signin.html")

    if not market:

        @routes.get("/")
        async def first() -> RedirectResponse:
            """There is no town to show."""
            return RedirectResponse("/console", 303)

    return routes


def _shell(services: Services, request: Request, template: str) -> HTMLResponse:
    language = language_of(request)
    known = words(language)
    links = {tag: f"{request.url.path}?{request.url.include_query_params(lang=tag).query}" for tag in LANGUAGES}
    html = templates.get_template(template).render(
        t=known.__getitem__, language=language, languages=LANGUAGES, links=links, settings=services.settings
    )
    answer = HTMLResponse(html)
    answer.headers["Content-Language"] = language
    answer.headers["Vary"] = "Accept-Language, Cookie"
    answer.headers["Cache-Control"] = "no-cache"
    if "lang" in request.query_params:
        answer.set_cookie(COOKIE, language, max_age=YEAR_S, samesite="lax", httponly=True)
    return answer
