"""The page behind the QR code on a pile: the price, the choice, the payment, the receipt. No account, no script."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sunpile.basics.errors import Conflict, Forbidden, InputInvalid, NotFound, SunpileError, TooMany
from sunpile.basics.scope import Scope
from sunpile.fleet.payment_questions import Settlement
from sunpile.fleet.walk_up import WalkUp
from sunpile.people.api.access import Served, anyone
from sunpile.people.api.bodies import Body, StationText
from sunpile.people.api.staff import Configurer, Reader
from sunpile.people.web.language import language_of
from sunpile.people.web.pages import render
from sunpile.people.web.pay_words import WORDS
from sunpile.sessions.prepayment import Hold

AMOUNTS = (5, 10, 20, 40)
ENERGIES = (5, 10, 20, 40)
MINUTES = (15, 30, 60, 120)
NANO = 10**9
Text = Annotated[str, Query(max_length=64)]
_WRONG: Sequence[tuple[type[SunpileError], str]] = (
    (Forbidden, "scan"),
    (TooMany, "scan"),
    (Conflict, "taken_already"),
    (NotFound, "unknown"),
    (InputInvalid, "wrong"),
)


class EnableBody(Body):
    """Dynamic QR codes for a 2.1 station."""

    station: StationText
    evse: Annotated[int, Field(ge=0, le=64)] = 0
    validity_s: Annotated[int, Field(ge=6, le=3600)] = 60
    length: Annotated[int, Field(ge=6, le=32)] = 10


def router(
    walk_up: WalkUp,
    receipts: Callable[[str], Awaitable[Settlement | None]] | None = None,
    settlements: Callable[[Scope, int], Awaitable[list[dict[str, Any]]]] | None = None,
) -> APIRouter:
    """Routes over `walk_up`; `receipts` is `PaymentDatabase.by_receipt`, `settlements` its `page`."""
    routes = APIRouter()
    if receipts is not None:
        _receipts(routes, receipts)
    if settlements is not None:
        _settlements(routes, settlements)
    _pages(routes, walk_up)
    _staff(routes, walk_up)
    return routes


def _pages(routes: APIRouter, walk_up: WalkUp) -> None:
    @routes.get("/pay/{station}/{evse}", dependencies=[Depends(anyone)], include_in_schema=False)
    async def offer(
        services: Served, request: Request, station: str, evse: str, totp: Text = "", v: Text = "v1", s: Text = ""
    ) -> HTMLResponse:
        """The price first, then the choice."""
        try:
            found = await walk_up.offer(station, _number(evse), totp, s, v)
        except SunpileError as fault:
            return _wrong(services, request, fault)
        key = secrets.token_urlsafe(16)
        page = render(
            request,
            services,
            "pay.html",
            w=WORDS[language_of(request)],
            wrong="",
            offer=found,
            key=key,
            amounts=AMOUNTS,
            energies=ENERGIES,
            times=MINUTES,
            waits=False,
        )
        page.headers["Cache-Control"] = "no-store"
        return page

    @routes.post("/pay/{station}/{evse}", dependencies=[Depends(anyone)], include_in_schema=False)
    async def begin(services: Served, request: Request, station: str, evse: str) -> Response:
        """Hold the money and start; the ticket of the page proves where it came from."""
        try:
            given = _form(await request.body())
            kwh, minutes = given.get("kwh", ""), given.get("minutes", "")
            hold = await walk_up.begin(
                station,
                _number(evse),
                given.get("ticket", ""),
                _number(given.get("units", "")) * NANO,
                given.get("key", ""),
                wh_max=_number(kwh) * 1000 if kwh else None,
                s_max=_number(minutes) * 60 if minutes else None,
                language=given.get("language", "en")[:8],
            )
        except SunpileError as fault:
            return _wrong(services, request, fault)
        return RedirectResponse(f"/payments/{hold.hold}", 303)

    @routes.get("/payments/{hold}", dependencies=[Depends(anyone)], include_in_schema=False)
    async def state(services: Served, request: Request, hold: str) -> HTMLResponse:
        """How far it is, and in the end the receipt. Whoever knows the number may see it."""
        try:
            found = await walk_up.find(hold[:64])
        except SunpileError as fault:
            return _wrong(services, request, fault)
        words = WORDS[language_of(request)]
        page = render(request, services, "pay.html", w=words, wrong="", offer=None, hold=found, waits=found.open)
        page.headers["Cache-Control"] = "no-store"
        return page


def _receipts(routes: APIRouter, receipts: Callable[[str], Awaitable[Settlement | None]]) -> None:
    @routes.get("/receipts/{receipt}", dependencies=[Depends(anyone)], include_in_schema=False)
    async def receipt_of(services: Served, request: Request, receipt: str) -> HTMLResponse:
        """The receipt of a payment at a pile's terminal."""
        found = await receipts(receipt[:64])
        if found is None:
            return _wrong(services, request, NotFound("there is no such receipt"))
        words = WORDS[language_of(request)]
        return render(
            request, services, "pay.html", w=words, wrong="", offer=None, settlement=found, hold=None, waits=False
        )


def _settlements(routes: APIRouter, settlements: Callable[[Scope, int], Awaitable[list[dict[str, Any]]]]) -> None:
    @routes.get("/api/payments/settlements", tags=["payments"])
    async def settled(scope: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> list[dict[str, Any]]:
        """What stations' payment terminals settled, or could not, newest first."""
        return await settlements(scope, limit)


def _staff(routes: APIRouter, walk_up: WalkUp) -> None:
    @routes.get("/api/payments", tags=["payments"])
    async def payments(scope: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> list[Hold]:
        """Payments without an account, newest first."""
        return list(await walk_up.page(scope, limit))

    @routes.post("/api/payments/qr-codes", tags=["payments"])
    async def enable(scope: Configurer, body: EnableBody) -> dict[str, str]:
        """Give a 2.1 station the secret and the address of its dynamic QR codes."""
        return {"status": await walk_up.enable(scope, body.station, body.evse, body.validity_s, body.length)}

    @routes.get("/api/stations/{station}/sticker", tags=["payments"])
    async def sticker(scope: Configurer, station: str, evse: Annotated[int, Query(ge=1, le=64)] = 1) -> dict[str, str]:
        """The signed address for a sticker on a pile."""
        place = await walk_up.store.place(station, evse)
        if place.tenant != scope.tenant:
            raise NotFound("there is no such pile here")
        return {"address": walk_up.static_address(station, evse)}


def _wrong(services: Served, request: Request, fault: SunpileError) -> HTMLResponse:
    key = next((key for kind, key in _WRONG if isinstance(fault, kind)), "later")
    words = WORDS[language_of(request)]
    page = render(
        request, services, "pay.html", fault.status, w=words, wrong=words[key], offer=None, hold=None, waits=False
    )
    page.headers["Cache-Control"] = "no-store"
    return page


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise InputInvalid("this is no number")
    return int(text)


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qs(body.decode("utf-8"), max_num_fields=20, keep_blank_values=True)
    except ValueError as fault:
        raise InputInvalid("the form is malformed") from fault
    return {name: values[0] for name, values in pairs.items()}
