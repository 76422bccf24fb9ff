"""SignCertificate: judge the request, answer at once, sign, and hand the certificate over until the station answers."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

from sunpile.basics.errors import Conflict, InputInvalid, NotInDialect, SunpileError
from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.chargers.certificates import delivery, hashes, names, requests
from sunpile.chargers.certificates.authority import hierarchy_of
from sunpile.chargers.certificates.ports import (
    CertificateAuthority,
    CertificateRecord,
    CertificateStore,
    Commands,
    Issued,
    StationFacts,
)
from sunpile.chargers.certificates.requests import Refusal, SigningRequest
from sunpile.chargers.commands import SendSignedCertificate
from sunpile.chargers.notices import Answer

log = logging.getLogger(__name__)
AFTER_ANSWER_S = 0.1
"""The certificate is sent this long after the request was judged, so that the answer goes first [s, real time]."""
Changed = Callable[[str, dict[str, Any]], None]


class Signing:
    """Signs stations' requests and sends them their certificates."""

    def __init__(
        self,
        authority: CertificateAuthority,
        store: CertificateStore,
        commands: Commands,
        clock: Clock,
        operator: Callable[[str], str],
        changed: Changed,
    ) -> None:
        self._authority, self._store, self._commands, self._clock = authority, store, commands, clock
        self._operator, self._changed = operator, changed
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: set[str] = set()

    async def asked(self, station: StationId, payload: dict[str, Any]) -> Answer:
        """The answer to SignCertificate; what is accepted is signed and sent afterwards."""
        facts = await self._store.station(station)
        if facts is None:
            return _rejected(Refusal("Unknown", "the station is not known"))
        judged = await self.judge(facts, str(payload.get("csr", "")), payload.get("certificateType"))
        root = payload.get("hashRootCertificate")
        if root is not None and isinstance(judged, SigningRequest) and not await self._leads_to(facts, judged, root):
            judged = Refusal("OtherRoot", "it wants a certificate under a root that is not this authority's")
            await self._store.refused(facts.station, facts.tenant, self._clock.now(), judged.code, judged.sentence, "")
        if isinstance(judged, Refusal):
            self._changed("certificate", {"station": station, "state": "refused", "reason": judged.sentence})
            return _rejected(judged)
        self._later(self._sign_and_send(facts, judged, payload.get("requestId")))
        return {"status": "Accepted"}

    async def _leads_to(self, facts: StationFacts, request: SigningRequest, root: dict[str, str]) -> bool:
        """True if what is signed for the request leads to the root with this hash data (2.1)."""
        use = hierarchy_of(request.use)
        anchors = [names.load_pem(pem) for pem in await self._authority.anchors(facts.tenant, use, self._clock.now())]
        try:
            wanted = hashes.normal(root)
        except InputInvalid:
            return False
        return any(hashes.names(wanted, one, one) for one in anchors if one.subject == one.issuer)

    async def judge(self, facts: StationFacts, csr: str, use: str | None) -> SigningRequest | Refusal:
        """The request in `csr`, or why it is not signed, which is kept."""
        operator = self._operator(facts.tenant)
        request = await asyncio.to_thread(requests.read, csr, use)
        refusal = request if isinstance(request, Refusal) else None
        if isinstance(request, SigningRequest):
            refusal = requests.refusal(request, await self._store.known(facts, operator, request))
        if refusal is None:
            return request
        at = self._clock.now()
        await self._store.refused(facts.station, facts.tenant, at, refusal.code, refusal.sentence, csr)
        return refusal

    async def sign(self, facts: StationFacts, request: SigningRequest, number: int | None = None) -> CertificateRecord:
        """Sign a judged request and keep the certificate, to be sent.

        Raises
        ------
        Conflict
            if another station was given a certificate of the same key meanwhile.
        """
        now = self._clock.now()
        issued = await self._authority.sign(facts.tenant, request, now)
        record = record_of(issued, facts.tenant, facts.station, request, now, number)
        await self._store.keep(record)
        self._changed("certificate", {"station": facts.station, "state": "issued", "use": request.use})
        return record

    async def _sign_and_send(self, facts: StationFacts, request: SigningRequest, number: int | None) -> None:
        try:
            record = await self.sign(facts, request, number)
        except Conflict as fault:
            now = self._clock.now()
            await self._store.refused(facts.station, facts.tenant, now, "KeyUsed", fault.detail, "")
            return
        except SunpileError as fault:
            log.error("the authority could not sign for station %s: %s", facts.station, fault.detail)
            now = self._clock.now()
            await self._store.refused(facts.station, facts.tenant, now, "AuthorityFault", fault.detail, "")
            return
        await asyncio.sleep(AFTER_ANSWER_S)
        await self.send(record)

    async def send(self, record: CertificateRecord) -> delivery.Step:
        """Hand a certificate to its station once and note what it says; not if somebody else did meanwhile."""
        if record.fingerprint in self._busy:
            return delivery.Step(record.state, "it is being sent", tried=False)
        self._busy.add(record.fingerprint)
        try:
            known = await self._store.find(record.fingerprint)
            if known is not None and (known.state, known.tries) != (record.state, record.tries):
                return delivery.Step(known.state, "it was sent already", tried=False)
            event = await self._try(record)
            now = self._clock.now()
            step = delivery.decide(_waiting(record), event, now)
            await self._store.moved(record.fingerprint, step.state, step.outcome, now, step.tried)
        finally:
            self._busy.discard(record.fingerprint)
        self._changed("certificate", {"station": record.station, "state": step.state, "outcome": step.outcome})
        return step

    async def _try(self, record: CertificateRecord) -> Any:
        use = None if record.use == "Combined" else record.use
        command = SendSignedCertificate(record.chain, cast(Any, use), record.request)
        try:
            return await self._commands.command(StationId(record.station), command)
        except (NotInDialect, InputInvalid) as fault:
            return delivery.Unsent(fault.detail, lasting=True)
        except SunpileError as fault:
            return delivery.Unsent(fault.detail, lasting=False)

    async def send_waiting(self, station: StationId | None = None) -> int:
        """Try again what is due; for one station (which has just come), whatever waits. Returns how many were sent."""
        now, sent = self._clock.now(), 0
        for record in await self._store.waiting(station):
            if station is not None or delivery.due(_waiting(record), now):
                sent += (await self.send(record)).tried
        return sent

    def connected(self, station: StationId) -> None:
        """A station has come: send what waits for it, after its first messages are answered."""
        self._later(self._send_soon(station))

    async def _send_soon(self, station: StationId) -> None:
        await asyncio.sleep(AFTER_ANSWER_S)
        await self.send_waiting(station)

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("a certificate could not be handed over", exc_info=fault)

    async def settled(self) -> None:
        """Return when nothing is under way."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))


def record_of(
    issued: Issued, tenant: str, station: str, request: SigningRequest, now: int, number: int | None
) -> CertificateRecord:
    """What is kept of a certificate just made."""
    leaf = names.load_pem(issued.pem)
    return CertificateRecord(
        fingerprint=hashes.fingerprint(leaf),
        tenant=tenant,
        station=station,
        use=request.use,
        name=request.name,
        serial=hashes.serial_text(leaf),
        key_hash=request.key_hash,
        not_before=int(leaf.not_valid_before_utc.timestamp()),
        not_after=int(leaf.not_valid_after_utc.timestamp()),
        chain=issued.chain,
        state="issued",
        request=number,
        changed_at=now,
    )


def _waiting(record: CertificateRecord) -> delivery.Waiting:
    return delivery.Waiting(record.tries, record.changed_at, record.not_after)


def _rejected(refusal: Refusal) -> Answer:
    info = {"reasonCode": "InvalidCSR", "additionalInfo": f"{refusal.code}: {refusal.sentence}"[:512]}
    return {"status": "Rejected", "statusInfo": info}
