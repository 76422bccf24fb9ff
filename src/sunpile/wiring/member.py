"""A member of the council: a process with its own key, store, intake of readings and view of the chain."""

import logging
from collections.abc import Sequence

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sunpile.basics.errors import Forbidden, InputInvalid, SunpileError
from sunpile.basics.ids import ZoneId
from sunpile.basics.keys import Key
from sunpile.basics.reading import SignedReading
from sunpile.settlement.archive import Kept, kept_from_json
from sunpile.settlement.intake import Answer
from sunpile.settlement.late import LateProposal
from sunpile.settlement.member import Refusal
from sunpile.settlement.proposal import Proposal
from sunpile.settlement.seat import Seat
from sunpile.settlement.wire import (
    Json,
    as_map,
    late_from_json,
    list_field,
    proposal_from_json,
    reading_from_json,
    refusal_to_json,
    to_hex,
)
from sunpile.store.settlement import SettlementStore
from sunpile.wiring.market_reader import Door, MarketReader

BODY_MAX = 64 << 20
READINGS_MAX = 5000
READINGS_BYTES = 4 << 20
"""A reading as JSON has some 350 bytes."""
log = logging.getLogger("sunpile.member")


class Member:
    """A seat with a door for readings and a view of the chain."""

    def __init__(self, key: Key, store: SettlementStore, market: MarketReader, zone: ZoneId, length: int) -> None:
        self.address = key.address
        self._market = market
        self._seat = Seat(key, market, store, market.domain)
        self._door = Door(store, market, zone, length)

    async def take_readings(self, readings: Sequence[SignedReading]) -> list[Answer]:
        """Judge and keep readings that meters sent to this member directly."""
        return await self._door.receive(readings, None, await self._market.head_time())

    async def answer(self, proposal: Proposal) -> bytes | Refusal:
        """A signature over the batch, or the reason against it."""
        return await self._seat.attest(proposal, await self._market.head_time())

    async def answer_late(self, proposal: LateProposal) -> bytes | Refusal:
        """A signature over a late batch, or the reason against it."""
        return await self._seat.attest_late(proposal, await self._market.head_time())

    async def learn(self, kept: Kept) -> None:
        """A settled batch this member missed; the chain's digest proves it."""
        await self._seat.learn(kept, await self._market.head_time())


def member_app(member: Member) -> Starlette:
    """The member's HTTP side: `POST /readings`, `POST /proposals`, `POST /batches`, `GET /health`."""

    async def readings(request: Request) -> Response:
        items = list_field(await _body(request, READINGS_BYTES), "readings")
        if len(items) > READINGS_MAX:
            raise InputInvalid(f"readings: at most {READINGS_MAX} at once")
        parsed = [reading_from_json(item) for item in items]
        answers = await member.take_readings(parsed)
        results = [
            {
                "point": item.reading.point,
                "interval": item.reading.interval,
                "status": answer.status.value,
                "reason": answer.reason,
            }
            for item, answer in zip(parsed, answers, strict=True)
        ]
        return _answer({"results": results})

    async def proposals(request: Request) -> Response:
        body = await _body(request, BODY_MAX)
        if body.get("late") is True:
            verdict = await member.answer_late(late_from_json(body))
        else:
            verdict = await member.answer(proposal_from_json(body))
        if isinstance(verdict, Refusal):
            log.warning("refused: %s", verdict.reason)
            return _answer(refusal_to_json(verdict), 409)
        return _answer({"signature": to_hex(verdict), "address": member.address})

    async def batches(request: Request) -> Response:
        await member.learn(kept_from_json(await _body(request, BODY_MAX)))
        return _answer({"status": "accepted"})

    async def health(_request: Request) -> Response:
        return _answer({"address": member.address})

    return Starlette(
        routes=[
            Route("/readings", readings, methods=["POST"]),
            Route("/proposals", proposals, methods=["POST"]),
            Route("/batches", batches, methods=["POST"]),
            Route("/health", health),
        ],
        exception_handlers={SunpileError: _problem, HTTPException: _http_problem},
    )


async def _body(request: Request, limit: int) -> Json:
    body = bytearray()
    # Counted as it comes: a body sent in chunks says nothing of its length before.
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Forbidden(f"the body is larger than {limit} bytes")
    try:
        return as_map(orjson.loads(body), "body")
    except orjson.JSONDecodeError as fault:
        raise InputInvalid(f"the body is no JSON: {fault}") from fault


def _answer(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def _problem(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, SunpileError)
    content = {"type": fault.code, "title": fault.code, "status": fault.status, "detail": fault.detail}
    return Response(orjson.dumps(content), fault.status, media_type="application/problem+json")


def _http_problem(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    content = {"type": "about:blank", "title": fault.detail, "status": fault.status_code, "detail": fault.detail}
    return Response(orjson.dumps(content), fault.status_code, media_type="application/problem+json")
