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
from sunpile.settlement import member as core
from sunpile.settlement.archive import Kept
from sunpile.settlement.intake import Answer, IntakeView
from sunpile.settlement.intake import decide as judge
from sunpile.settlement.late import LateProposal
from sunpile.settlement.proposal import Proposal
from sunpile.settlement.selection import merge
from sunpile.settlement.wire import (
    Json,
    as_map,
    late_from_json,
    list_field,
    proposal_from_json,
    reading_from_json,
    reading_to_json,
    to_hex,
)
from sunpile.store.settlement import SettlementStore
from sunpile.wiring.market_reader import MarketReader

BODY_MAX = 64 << 20
READINGS_MAX = 5000
log = logging.getLogger("sunpile.member")


class Member:
    """Signs what it could recompute, and says why not otherwise."""

    def __init__(self, key: Key, store: SettlementStore, market: MarketReader) -> None:
        self.key = key
        self._store = store
        self._market = market

    async def take_readings(self, readings: Sequence[SignedReading]) -> list[Answer]:
        """Judge and keep readings that meters sent to this member directly."""
        keys = await self._market.keys_of([(item.reading.point, item.reading.interval) for item in readings])
        answered: list[tuple[SignedReading, Answer]] = []
        for item, key in zip(readings, keys, strict=True):
            known = await self._store.known(item.reading.point, item.reading.interval)
            view = IntakeView(key, known, settled=False, domain=self._market.domain, now=None, length=1)
            answered.append((item, judge(item, view)))
        await self._store.add_all(answered, await self._market.head_time())
        return [answer for _, answer in answered]

    async def answer(self, proposal: Proposal) -> bytes | core.Refusal:
        """A signature over the batch, or the reason against it."""
        header = proposal.batch.header
        view = await self._view(header.zone, header.interval)
        verdict = core.decide(view, proposal)
        if isinstance(verdict, core.Refusal):
            return verdict
        await self._store.put_batch(Kept(view.facts, proposal), await self._market.head_time())
        return self.key.sign(verdict.digest)

    async def answer_late(self, proposal: LateProposal) -> bytes | core.Refusal:
        """A signature over a late batch, or the reason against it."""
        batch = proposal.batch
        view = await self._view(batch.zone, batch.interval, late=True)
        verdict = core.decide_late(view, proposal)
        if isinstance(verdict, core.Refusal):
            return verdict
        await self._store.put_late(proposal, await self._market.head_time())
        return self.key.sign(verdict.digest)

    async def _view(self, zone: ZoneId, interval: int, late: bool = False) -> core.MemberView:
        facts = await self._market.facts(zone, interval)
        own = merge(await self._store.held(interval), {})
        if not late:
            return core.MemberView(facts, own, await self._store.signed(zone, interval), self._market.domain)
        covered = await self._store.covered(zone, interval) | await self._market.settled_late(
            list(facts.points), interval
        )
        signed = await self._store.signed_late(zone, interval)
        return core.MemberView(facts, own, signed, self._market.domain, covered)


def member_app(member: Member) -> Starlette:
    """The member's HTTP side: `POST /readings`, `POST /proposals`, `GET /health`."""

    async def readings(request: Request) -> Response:
        items = list_field(await _body(request), "readings")
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
        body = await _body(request)
        if body.get("late") is True:
            verdict = await member.answer_late(late_from_json(body))
        else:
            verdict = await member.answer(proposal_from_json(body))
        if isinstance(verdict, core.Refusal):
            log.warning("refused: %s", verdict.reason)
            shown = [reading_to_json(item) for item in verdict.readings]
            return _answer({"refusal": verdict.reason, "readings": shown}, 409)
        return _answer({"signature": to_hex(verdict), "address": member.key.address})

    async def health(_request: Request) -> Response:
        return _answer({"address": member.key.address})

    return Starlette(
        routes=[
            Route("/readings", readings, methods=["POST"]),
            Route("/proposals", proposals, methods=["POST"]),
            Route("/health", health),
        ],
        exception_handlers={SunpileError: _problem, HTTPException: _http_problem},
    )


async def _body(request: Request) -> Json:
    if int(request.headers.get("content-length", "0")) > BODY_MAX:
        raise Forbidden("the body is too large")
    try:
        return as_map(orjson.loads(await request.body()), "body")
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
