"""Routes of drivers: account, money in, price before the start, channel, session, vouchers, receipt."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from sunpile.basics.errors import NotFound, Unauthorised
from sunpile.basics.ids import DriverId
from sunpile.people.api.access import Served, anyone, bearer, driver, driver_or_admin, is_admin
from sunpile.people.api.bodies import ChannelBody, DriverBody, StartBody, TopUpBody, VoucherBody, raw
from sunpile.people.reads import SessionView
from sunpile.people.wishes import ActiveSession, DriverCard, Quote, StartResult, TopUpResult

router = APIRouter(prefix="/api", tags=["drivers"])
Driver = Annotated[DriverId, Depends(driver)]
DriverOrAdmin = Annotated[DriverId | None, Depends(driver_or_admin)]


@router.post("/drivers", status_code=201, dependencies=[Depends(anyone)])
async def drivers(services: Served, request: Request, body: DriverBody) -> DriverCard:
    """A new account; its key is shown once. Binding a card to it needs the admin token: cards are copied easily."""
    if body.id_token is not None and not is_admin(bearer(request), services.settings):
        raise Unauthorised("binding a card to an account needs the node's admin token; leave id_token out")
    return await services.operations.create_driver(body.id_token)


@router.post("/top-ups", status_code=201)
async def top_ups(services: Served, who: DriverOrAdmin, body: TopUpBody) -> TopUpResult:
    """Money in over the sandbox rail, minted to an address once per reference."""
    return await services.operations.top_up(body.wish(who))


@router.get("/quote", dependencies=[Depends(anyone)])
async def quote(services: Served, station: str, evse: Annotated[int, Query(ge=1, le=64)] = 1) -> Quote:
    """The price before the start."""
    return await services.operations.quote(station, evse)


@router.post("/channels", status_code=201)
async def channels(services: Served, who: Driver, body: ChannelBody) -> dict[str, str]:
    """Open a payment channel."""
    return {"channel": await services.operations.open_channel(who, body.wish())}


@router.get("/sessions", dependencies=[Depends(anyone)])
async def sessions(
    services: Served, request: Request, limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> list[SessionView]:
    """Sessions of the town without their drivers: active ones first. Without a market only for the node's owner."""
    if not services.settings.market and not is_admin(bearer(request), services.settings):
        raise Unauthorised("sessions are their operators' affair here; staff read /api/staff/sessions")
    return await services.view.sessions(limit)


@router.post("/sessions", status_code=202)
async def start(services: Served, who: Driver, body: StartBody) -> StartResult:
    """Ask a pile to start."""
    return await services.operations.remote_start(who, body.station, body.evse)


async def own_session(services: Served, who: DriverOrAdmin, session: str) -> SessionView:
    """The session, if it is the asker's; another's looks like none at all."""
    found = await services.view.session(session)
    if found is None or (who is not None and await services.view.session_driver(session) != who):
        raise NotFound(f"you have no session {session}")
    return found


OwnSession = Annotated[SessionView, Depends(own_session)]


@router.get("/sessions/{session}")
async def session(found: OwnSession) -> SessionView:
    """One of your sessions."""
    return found


@router.post("/sessions/{session}/stop", status_code=202)
async def stop(services: Served, who: Driver, found: OwnSession) -> dict[str, str]:
    """Ask the pile to stop."""
    await services.operations.remote_stop(who, found.session)
    return {"status": "accepted"}


@router.post("/sessions/{session}/vouchers")
async def vouchers(services: Served, who: Driver, found: OwnSession, body: VoucherBody) -> ActiveSession:
    """Pay on: a cumulative voucher of the session's channel."""
    return await services.operations.accept_voucher(who, found.session, body.cumulative, raw(body.signature))


@router.get("/sessions/{session}/receipt")
async def session_receipt(services: Served, found: OwnSession) -> Mapping[str, Any]:
    """Where each kWh came from, what it cost, what the grid would have taken, CO2."""
    body = await services.operations.session_receipt(found.session)
    if body is None:
        raise NotFound(f"session {found.session} has no receipt yet: its last interval is not settled")
    return body


@router.get("/me/session")
async def my_session(services: Served, who: Driver) -> ActiveSession:
    """Your session under way, and the voucher it waits for."""
    found = await services.operations.active_session(who)
    if found is None:
        raise NotFound("you have no session under way")
    return found
