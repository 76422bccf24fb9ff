"""Who comes in at the door: paths, limits, credentials, certificates, quarantine; and a word about who does not.

Every refusal after the path looks alike and costs alike; only the record of it says why.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response

from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.chargers import tls
from sunpile.chargers.access import Attempt, Buckets, Limits, Verdict, judge
from sunpile.chargers.connection import Counters
from sunpile.chargers.notices import SecurityEvent
from sunpile.chargers.ports import ClientCertificates, Refusal, StationBook, StationInbox, StationRecord
from sunpile.chargers.takeover import Quarrels

PATH = "/ocpp/"
IDENTITY_MAX = 48


class Caller(NamedTuple):
    """Who came in."""

    record: StationRecord
    """What is known of the station."""
    address: str
    """Where from."""
    profile: int
    """Security profile."""
    tls: str
    """TLS version and cipher."""
    offered: str
    """Subprotocols offered."""


class Admission:
    """Lets stations in or keeps them out."""

    def __init__(
        self,
        book: StationBook,
        inbox: StationInbox,
        clock: Clock,
        limits: Limits,
        counters: Counters,
        *,
        insecure: Collection[int],
        certificates: ClientCertificates | None,
        live_address: Callable[[StationId], str | None],
        remark: Callable[[StationId, str], None],
        lenient: Callable[[StationId, str], None],
    ) -> None:
        self._book = book
        self._inbox = inbox
        self._clock = clock
        self._limits = limits
        self._counters = counters
        self._insecure = frozenset(insecure)
        self._certificates = certificates
        self._live_address = live_address
        self._remark = remark
        self._lenient = lenient
        self._by_address = Buckets(limits.per_address, limits.per_address_refill)
        self._by_station = Buckets(limits.per_station, limits.per_station_refill)
        # What is refused before anybody is looked up is written down once in a while only.
        self._told = Buckets(3, 1 / 60)
        self._quarrels = Quarrels()
        self._handshakes = 0

    async def admit(self, socket: ServerConnection, request: HttpRequest) -> Response | Caller:
        """Who it is that comes in, or the answer to who may not."""
        path = urlsplit(request.path).path
        address = str((socket.remote_address or ("",))[0])
        if not path.startswith(PATH):
            upgrade = request.headers.get_all("Upgrade")
            reason = "wrong path" if upgrade else "not a WebSocket"
            await self.note(Refusal(path, reason, self._clock.now(), address, _offered(request)))
            return socket.respond(HTTPStatus.NOT_FOUND, f"piles connect to {PATH}<identity>\n")
        if self._handshakes >= self._limits.handshakes:
            self._counters.limited += 1
            return _later(socket, HTTPStatus.SERVICE_UNAVAILABLE)
        self._handshakes += 1
        try:
            return await self._check(socket, request, unquote(path[len(PATH) :]), address)
        finally:
            self._handshakes -= 1

    async def note(self, refusal: Refusal) -> None:
        """Write down a refusal that cost nothing, but not each of a flood."""
        now = time.monotonic()
        if self._told.allows(refusal.address, now):
            self._told.spend(refusal.address, now)
            await self._keep(refusal)

    async def _keep(self, refusal: Refusal) -> None:
        shown = "".join(sign if sign.isprintable() else "?" for sign in refusal.station)[:255]
        await self._book.refused(replace(refusal, station=shown))

    async def _check(
        self, socket: ServerConnection, request: HttpRequest, asked: str, address: str
    ) -> Response | Caller:
        began = time.monotonic()
        facts = Refusal(asked, "", self._clock.now(), address, _offered(request), tls.facts(socket.transport))
        if not (self._by_address.allows(address, began) and self._by_station.allows((address, asked), began)):
            self._counters.limited += 1
            await self.note(replace(facts, reason="rate limited"))
            return _later(socket, HTTPStatus.TOO_MANY_REQUESTS)
        record, deviation = await self._find(asked)
        certificate = tls.certificate(socket.transport)
        headers = request.headers.get_all("Authorization")
        header = headers[0] if len(headers) == 1 else None
        any_user = record is not None and (deviation is not None or "other-user-name" in record.leniency)
        verdict = judge(
            Attempt(asked, header, bool(facts.tls), certificate is not None, record, any_user), self._insecure
        )
        reason = verdict.reason
        if reason is None and record is not None and verdict.profile == 3:
            reason = await self._certificate(certificate or b"", record)
        if reason is not None or record is None:
            self._by_address.spend(address, began)
            self._by_station.spend((address, asked), began)
            await self._keep(replace(facts, reason=reason or "unknown station"))
            return await self._refuse(socket, began)
        refused = await self._quarantine(socket, record, facts)
        if refused is not None:
            return refused
        await self._admitted(record, verdict)
        if deviation is not None:
            self._lenient(record.station, deviation)
        return Caller(record, address, verdict.profile, facts.tls, facts.offered)

    async def _find(self, asked: str) -> tuple[StationRecord | None, str | None]:
        """The station asked for, and the leniency by which it was found."""
        # What no database can hold is looked up all the same, as something that does not exist.
        proper = asked.isprintable() and len(asked) <= IDENTITY_MAX + 1
        record = await self._book.find(asked if proper and len(asked) <= IDENTITY_MAX else "?")
        if record is not None or not proper:
            return record, None
        for deviation, name in _other_names(asked):
            record = await self._book.find(name)
            if record is not None and deviation in record.leniency:
                return record, deviation
        return None, None

    async def _certificate(self, der: bytes, record: StationRecord) -> str | None:
        if self._certificates is None:
            return "certificate of another ca"
        reason = await self._certificates.check(der, record)
        if reason is not None:
            event = SecurityEvent(
                record.station, "InvalidChargingStationCertificate", self._clock.now(), f"refused: {reason}"
            )
            await self._inbox.told(event)
        return reason

    async def _quarantine(self, socket: ServerConnection, record: StationRecord, facts: Refusal) -> Response | None:
        """Keep out whoever takes over too often, while the present connection lives."""
        station = record.station
        older = self._live_address(station)
        if older is None:
            return None
        ruling = self._quarrels.rule(station, facts.at, older, facts.address)
        if not ruling.refused:
            return None
        self._counters.quarantined += 1
        self._remark(station, "quarantined")
        await self.note(replace(facts, reason="quarantined"))
        if ruling.began:
            info = f"connections from {older} and {facts.address} took over from each other"
            await self._inbox.told(SecurityEvent(station, "ConnectionQuarantined", facts.at, info[:255]))
        wait = max(1, ruling.takeovers.until - facts.at)
        return _later(socket, HTTPStatus.SERVICE_UNAVAILABLE, wait)

    async def _admitted(self, record: StationRecord, verdict: Verdict) -> None:
        if verdict.secret is not None:
            await self._book.secret_used(record.station, verdict.secret)
        if verdict.profile > record.security_profile:
            await self._book.raised(record.station, verdict.profile)

    async def _refuse(self, socket: ServerConnection, began: float) -> Response:
        self._counters.refused += 1
        await asyncio.sleep(max(0.0, began + self._limits.refusal_s - time.monotonic()))
        response = socket.respond(HTTPStatus.UNAUTHORIZED, "not authorised\n")
        response.headers["WWW-Authenticate"] = 'Basic realm="sunpile", charset="UTF-8"'
        return response


def _other_names(asked: str) -> list[tuple[str, str]]:
    """What a station may have meant, with the leniency it needs; each costs a look into the store, so few."""
    names: list[tuple[str, str]] = []
    if asked.endswith("/"):
        names.append(("identity-trailing-slash", asked[:-1]))
    if "%" in asked:
        names.append(("identity-encoded-twice", unquote(asked)))
    if asked.islower() or asked.isupper():
        names.append(("identity-case", asked.swapcase()))
    return [(deviation, name) for deviation, name in names if name and name.isprintable() and len(name) <= IDENTITY_MAX]


def _offered(request: HttpRequest) -> str:
    offered = ", ".join(request.headers.get_all("Sec-WebSocket-Protocol"))
    return "".join(sign if sign.isprintable() else "?" for sign in offered)[:128]


def _later(socket: ServerConnection, status: HTTPStatus, seconds: int = 10) -> Response:
    response = socket.respond(status, "try again later\n")
    response.headers["Retry-After"] = str(seconds)
    return response
