"""Sessions for staff: lists, one with all evidence, what is held, decisions, corrections, export, meters' keys."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from sunpile.basics.ids import EvseId, SessionId, StationId
from sunpile.basics.units import Wh
from sunpile.fleet.tabular import csv_text, json_lines
from sunpile.people.api.bodies import Body
from sunpile.people.api.staff import Configurer, Operator, Reader
from sunpile.sessions.archive import KeptMessage, SessionDetail, SessionQuery
from sunpile.sessions.cdr import Cdr
from sunpile.sessions.model import Session
from sunpile.sessions.office import Office
from sunpile.sessions.outcome import outcome
from sunpile.sessions.review import Ruling

Reason = Annotated[str, StringConstraints(min_length=3, max_length=500, strip_whitespace=True)]
Register = Annotated[int, Field(ge=0, lt=1 << 53)]
Time = Annotated[int, Field(ge=0, lt=1 << 40)]
TimeQuery = Annotated[int | None, Query(ge=0, lt=1 << 40)]
TextQuery = Annotated[str | None, Query(max_length=255)]
RECORD_COLUMNS = (
    *("id", "session_id", "credit", "credit_reference_id", "location_id", "evse_uid", "cdr_token", "auth_method"),
    *("start_date_time", "end_date_time", "total_time", "total_energy", "total_cost", "currency", "price"),
    *("meter_start", "meter_stop", "signed", "remark", "last_updated"),
)
"""Columns of the CSV: energy in Wh, money in nano-currency, price in micro-currency per kWh, times in Unix seconds."""


class RulingBody(Body):
    """A decision on a session."""

    kind: Literal["registers", "zero", "signed", "hold"] = Field(
        description="registers: bill from start_wh to end_wh; zero: bill nothing; signed: as the signed values prove; "
        "hold: leave it held"
    )
    reason: Reason
    start_wh: Register | None = None
    end_wh: Register | None = None
    ended_at: Time | None = Field(None, description="when it ended, for one whose stop never came")

    def ruling(self) -> Ruling:
        """The decision it asks for."""
        start = None if self.start_wh is None else Wh(self.start_wh)
        end = None if self.end_wh is None else Wh(self.end_wh)
        return Ruling(self.kind, self.reason, start, end, self.ended_at)


class DismissBody(Body):
    """A held message that has been looked at."""

    station: Annotated[str, StringConstraints(max_length=48)]
    key: Annotated[str, StringConstraints(max_length=128)]
    reason: Reason


class MeterKeyBody(Body):
    """A public key of a meter."""

    evse: Annotated[int, Field(ge=0, le=64)]
    key: Annotated[str, StringConstraints(min_length=32, max_length=2000)] = Field(
        description="hex or base64 of a SubjectPublicKeyInfo or a bare point, or PEM"
    )
    since: Time | None = Field(None, description="from when it counts; now if left out")


def router(office: Office) -> APIRouter:
    """Routes over `office`."""
    routes = APIRouter(prefix="/api", tags=["sessions"])
    _look(routes, office)
    _decide(routes, office)
    return routes


def _look(routes: APIRouter, office: Office) -> None:
    @routes.get("/staff/sessions")
    async def listed(
        scope: Reader,
        station: TextQuery = None,
        evse: Annotated[int | None, Query(ge=0, le=64)] = None,
        state: Annotated[Literal["active", "waiting", "ended", "held"] | None, Query()] = None,
        driver: TextQuery = None,
        id_token: TextQuery = None,
        doubt: TextQuery = None,
        since: TimeQuery = None,
        until: TimeQuery = None,
        after: TextQuery = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Mapping[str, Any]:
        """Sessions, newest first; `after` is the last session of the page before."""
        query = SessionQuery(station, evse, state, driver, id_token, doubt, since, until, after, limit)
        found = await office.list(scope, query)
        return {
            "sessions": [session_json(session) for session in found],
            "next": found[-1].session if len(found) == limit else None,
        }

    @routes.get("/staff/held")
    async def held(scope: Reader) -> Mapping[str, Any]:
        """What waits for a person: held sessions, and messages that fit none."""
        work = await office.held(scope)
        return {
            "sessions": [session_json(session) for session in work.sessions],
            "messages": [_message_json(message) for message in work.messages],
        }

    @routes.get("/staff/records")
    async def records(
        scope: Reader,
        since: Annotated[int, Query(ge=0, lt=1 << 40)] = 0,
        until: Annotated[int, Query(ge=0, lt=1 << 40)] = (1 << 40) - 1,
        after: Annotated[str, Query(max_length=64)] = "",
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
        form: Annotated[Literal["json", "csv", "lines"], Query()] = "json",
    ) -> Response:
        """Charge detail records and credit records closed in a span; `after` is the last id of the page before."""
        return _export(await office.records(scope, since, until, after, limit), form)

    @routes.get("/sessions/{session}/detail")
    async def detail(scope: Reader, session: str) -> Mapping[str, Any]:
        """A session with all its evidence."""
        return detail_json(await office.detail(scope, SessionId(session)))

    @routes.get("/stations/{station}/meter-keys")
    async def meter_keys(scope: Reader, station: str) -> Sequence[Mapping[str, Any]]:
        """The registered public keys of a station's meters."""
        return [asdict(key) for key in await office.meter_keys(scope, StationId(station))]


def _decide(routes: APIRouter, office: Office) -> None:
    @routes.post("/staff/held/dismiss")
    async def dismiss(scope: Operator, body: DismissBody) -> Mapping[str, Any]:
        """A held message has been looked at; nothing follows from it."""
        return _message_json(await office.dismiss(scope, StationId(body.station), body.key, body.reason))

    @routes.post("/sessions/{session}/review")
    async def review(scope: Operator, session: str, body: RulingBody) -> Mapping[str, Any]:
        """Decide on a held session."""
        return session_json(await office.review(scope, SessionId(session), body.ruling()))

    @routes.post("/sessions/{session}/correct")
    async def correct(scope: Operator, session: str, body: RulingBody) -> Mapping[str, Any]:
        """Take the record of an ended session back by a credit record, and make a new one."""
        return session_json(await office.correct(scope, SessionId(session), body.ruling()))

    @routes.post("/stations/{station}/meter-keys", status_code=201)
    async def register_key(scope: Configurer, station: str, body: MeterKeyBody) -> Mapping[str, Any]:
        """Register the public key printed on a meter."""
        return asdict(await office.register_key(scope, StationId(station), EvseId(body.evse), body.key, body.since))


def session_json(session: Session) -> Mapping[str, Any]:
    """A session as JSON, with its outcome."""
    body: dict[str, Any] = session._asdict()
    body |= {
        "channel": "0x" + session.channel.hex() if session.channel is not None else None,
        "doubts": sorted(session.doubts),
        "outcome": asdict(outcome(session)),
    }
    return body


def detail_json(detail: SessionDetail) -> Mapping[str, Any]:
    """A session's page as JSON."""
    found = detail.evidence
    return {
        "session": session_json(found.session),
        "pile": found.pile and asdict(found.pile),
        "messages": [_message_json(message) for message in found.messages],
        "registers": [asdict(one.sample) | {"held": one.held} for one in detail.samples],
        "earlier": found.earlier and asdict(found.earlier),
        "later": found.later and asdict(found.later),
        "signed_values": [asdict(value) for value in found.signed],
        "decisions": [asdict(ruled) for ruled in found.rulings],
        "records": [_record_json(record) for record in found.records],
        "guesses": [asdict(guess) | {"wh": guess.wh} for guess in detail.guesses],
    }


def _message_json(message: KeptMessage) -> Mapping[str, Any]:
    body = asdict(message)
    body["answer"] = json.loads(message.answer)
    body["detail"] = json.loads(message.detail) if message.detail else None
    return body


def _record_json(record: Cdr) -> Mapping[str, Any]:
    return json.loads(record.to_json())


def _export(records: Sequence[Cdr], form: str) -> Response:
    rows = [_record_json(record) for record in records]
    if form == "csv":
        name = {"Content-Disposition": 'attachment; filename="records.csv"'}
        return Response(csv_text(RECORD_COLUMNS, rows), media_type="text/csv; charset=utf-8", headers=name)
    if form == "lines":
        return Response(json_lines(rows), media_type="application/jsonl")
    after = records[-1].id if records else None
    return Response(json.dumps({"records": rows, "last": after}), media_type="application/json")
