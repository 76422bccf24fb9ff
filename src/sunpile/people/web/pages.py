"""The live page and the receipt page."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from sunpile.basics.ids import PointId, ZoneId
from sunpile.people.api.access import Served, Services, anyone, reader
from sunpile.people.reads import NodeInfo, PointBill
from sunpile.people.web.figures import Figures
from sunpile.people.web.language import COOKIE, LANGUAGES, language_of, words

router = APIRouter(include_in_schema=False)
HERE = Path(__file__).parent
YEAR_S = 365 * 86_400
templates = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def static_files() -> StaticFiles:
    """Scripts, styles and words of the page."""
    return StaticFiles(directory=HERE / "static")


def render(request: Request, services: Services, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page in the reader's language; a language asked for by address is remembered."""
    language = language_of(request)
    known = words(language)

    def say(key: str, **parts: object) -> str:
        return known[key].format(**parts) if parts else known[key]

    others = {tag: str(request.url.include_query_params(lang=tag)) for tag in LANGUAGES}
    links = {tag: address.split("://", 1)[1].partition("/")[2] for tag, address in others.items()}
    figures = Figures(language, services.settings.time_zone)
    html = templates.get_template(template).render(
        t=say, language=language, languages=LANGUAGES, links=links, settings=services.settings, fig=figures, **values
    )
    answer = HTMLResponse(html, status)
    answer.headers["Content-Language"] = language
    answer.headers["Vary"] = "Accept-Language, Cookie"
    answer.headers["Cache-Control"] = "no-cache"
    if "lang" in request.query_params:
        answer.set_cookie(COOKIE, language, max_age=YEAR_S, samesite="lax", httponly=True)
    return answer


@router.get("/", dependencies=[Depends(anyone)])
async def page(services: Served, request: Request) -> HTMLResponse:
    """The town, live."""
    return render(request, services, "town.html", info=await services.view.info())


@router.get("/receipt")
async def receipt_page(
    services: Served,
    request: Request,
    sees_homes: Annotated[bool, Depends(reader)],
    zone: Annotated[int | None, Query(ge=1)] = None,
    interval: Annotated[int | None, Query(ge=0)] = None,
    point: Annotated[int | None, Query(ge=1)] = None,
) -> HTMLResponse:
    """One receipt, and how to check it yourself."""
    info = await services.view.info()
    asked = {"zone": zone, "interval": interval, "point": point}
    if zone is None or interval is None or point is None:
        return render(request, services, "receipt.html", info=info, bill=None, asked=asked, missing=False)
    bill = await services.view.bill(ZoneId(zone), interval, PointId(point)) if sees_homes else None
    hidden = not sees_homes
    if bill is None:
        return render(
            request,
            services,
            "receipt.html",
            200 if hidden else 404,
            info=info,
            bill=None,
            asked=asked,
            missing=True,
            hidden=hidden,
        )
    return render(
        request,
        services,
        "receipt.html",
        info=info,
        bill=bill,
        asked=asked,
        missing=False,
        command=command_line(request, info, bill),
        file=file_name(bill),
    )


def file_name(bill: PointBill) -> str:
    """Name of the receipt's file."""
    return f"receipt-{bill.zone}-{bill.interval}-{bill.point}.json"


def command_line(request: Request, info: NodeInfo, bill: PointBill) -> str:
    """The command that checks this receipt, exactly as it can be pasted."""
    base = str(request.base_url).rstrip("/")
    return f"sunpile verify {file_name(bill)} --rpc {info.rpc or base + '/rpc'}"
