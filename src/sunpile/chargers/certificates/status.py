"""Whether a certificate is revoked: asked of whoever the certificate itself names, if the operator allows that host.

A station gives hash data and a responder's address. The hash data finds the certificate among those we know; the
address is never used, not even looked up: it is how one makes a server inside a network send requests for others.
"""

import base64
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from sunpile.basics.errors import InputInvalid, SunpileError
from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.chargers.certificates import hashes, names, revocation
from sunpile.chargers.certificates.authority import FOR_STATIONS
from sunpile.chargers.certificates.fetching import Fetcher
from sunpile.chargers.certificates.ports import CertificateAuthority, CertificateStore, TrustStore
from sunpile.chargers.certificates.revocation import Status
from sunpile.chargers.notices import Answer
from sunpile.chargers.values import date_time

CACHED = 4096
URLS_MAX = 3
"""So many of the addresses a certificate names are asked, one after the other."""
REQUEST_TYPE = "application/ocsp-request"
ANSWER_MAX = {"1.6": 5500, "2.0.1": 5500, "2.1": 18_000}
"""Longest `ocspResult` of each version [characters of base64]."""


@dataclass(frozen=True, slots=True)
class Known:
    """A certificate that can be asked about."""

    data: dict[str, str]
    """Its normal hash data."""
    issuer: x509.Certificate
    """Who issued it."""
    certificate: x509.Certificate | None
    """Itself; None if only its issuer is known."""


class CertificateStatus:
    """Asks for the status of certificates."""

    def __init__(
        self,
        authority: CertificateAuthority,
        store: CertificateStore,
        trust: TrustStore,
        fetcher: Fetcher,
        clock: Clock,
    ) -> None:
        self._authority, self._store, self._trust, self._fetcher = authority, store, trust, fetcher
        self._clock = clock
        self._cache: OrderedDict[tuple[str, ...], tuple[bytes, Status]] = OrderedDict()

    # -- what stations ask ------------------------------------------------------------------------------------------

    async def get_status(self, station: StationId, payload: dict[str, Any]) -> Answer:
        """The answer to GetCertificateStatus."""
        facts = await self._store.station(station)
        try:
            if facts is None:
                return _not_found()
            known = await self.find(facts.tenant, payload["ocspRequestData"])
        except (InputInvalid, KeyError):
            return _not_found("the hash data is malformed")
        if known is None:
            return _not_found()
        der, status = await self.ocsp(facts.tenant, known)
        text = base64.b64encode(der).decode()
        if status.word == "Failed" or len(text) > ANSWER_MAX.get(facts.version, 5500):
            return _not_found(status.why or "the answer is too long for this OCPP version")
        return {"status": "Accepted", "ocspResult": text}

    async def get_chain_status(self, station: StationId, payload: dict[str, Any]) -> Answer:
        """The answer to GetCertificateChainStatus (2.1)."""
        facts = await self._store.station(station)
        rows: list[dict[str, Any]] = []
        for one in payload["certificateStatusRequests"]:
            data, source = one["certificateHashData"], one["source"]
            try:
                known = await self.find(facts.tenant, data) if facts else None
            except InputInvalid:
                known = None
            if known is None or facts is None:
                status = Status("Unknown", self._clock.now() + 60)
            else:
                status = await (self.listed if source == "CRL" else self.status)(facts.tenant, known)
            rows.append(
                {"certificateHashData": data, "source": source, "status": status.word}
                | {"nextUpdate": date_time(status.until)}
            )
        return {"certificateStatus": rows}

    # -- the same for ourselves -------------------------------------------------------------------------------------

    async def find(self, tenant: str, data: Mapping[str, str]) -> Known | None:
        """The certificate with this hash data among those the tenant knows, or at least its issuer.

        Raises
        ------
        InputInvalid
            if the hash data is malformed.
        """
        wanted = hashes.normal(data)
        for pem, above in await self._trust.by_serial(tenant, wanted["serialNumber"]):
            certificate, issuer = names.load_pem(pem), names.load_pem(above)
            if hashes.names(wanted, certificate, issuer):
                return Known(wanted, issuer, certificate)
        for pem in await self._issuers(tenant):
            issuer = names.load_pem(pem)
            if hashes.is_issuer(wanted, issuer):
                return Known(wanted, issuer, None)
        return None

    async def status(self, tenant: str, known: Known) -> Status:
        """By OCSP."""
        return (await self.ocsp(tenant, known))[1]

    async def ocsp(self, tenant: str, known: Known) -> tuple[bytes, Status]:
        """The OCSP answer, DER, and what it says; empty if there is none."""
        now, key = self._clock.now(), (tenant, *known.data.values())
        cached = self._cache.get(key)
        if cached is not None and cached[1].until > now:
            return cached
        try:
            der = await self._ask(tenant, known, now)
            status = revocation.read_ocsp(der, known.data, known.issuer, now)
        except SunpileError as fault:
            der, status = b"", Status("Failed", now + 60, fault.detail)
        if not await self._is_own(tenant, known.issuer):
            # A failure is kept for a minute too, so that no station can make us ask again and again.
            self._cache[key] = (der, status)
            while len(self._cache) > CACHED:
                self._cache.popitem(last=False)
        return der, status

    async def listed(self, tenant: str, known: Known) -> Status:
        """By the list of revoked certificates."""
        now = self._clock.now()
        serial = int(known.data["serialNumber"], 16)
        if await self._is_own(tenant, known.issuer):
            # Our own list is made from the store.
            revoked = await self._store.issued_status(tenant, known.data["serialNumber"])
            word = "Good" if revoked is True else "Unknown" if revoked is False else "Revoked"
            return Status(word, now + 3600)
        found = Status("Failed", now + 60, "the certificate names no list of revoked ones")
        urls = revocation.list_urls(known.certificate) if known.certificate is not None else []
        for url in urls[:URLS_MAX]:
            try:
                der = await self._fetcher.fetch(url)
            except SunpileError as fault:
                found = Status("Failed", now + 60, fault.detail)
                continue
            found = revocation.read_crl(der, serial, known.issuer, now)
            if found.word != "Failed":
                break
        return found

    async def _ask(self, tenant: str, known: Known, now: int) -> bytes:
        asked = revocation.request(known.data)
        if await self._is_own(tenant, known.issuer):
            return await self._authority.ocsp(tenant, asked, self._store, now)
        urls = revocation.responder_urls(known.certificate) if known.certificate is not None else []
        fault: SunpileError = InputInvalid("the certificate names no responder")
        for url in urls[:URLS_MAX]:
            try:
                return await self._fetcher.fetch(url, asked, REQUEST_TYPE)
            except SunpileError as found:
                fault = found
        raise fault

    async def _issuers(self, tenant: str) -> list[str]:
        own = [pem for use in FOR_STATIONS for pem in await self._authority.anchors(tenant, use, self._clock.now())]
        return own + [root.pem for root in await self._trust.roots(tenant)]

    async def _is_own(self, tenant: str, issuer: x509.Certificate) -> bool:
        pem, now = names.pem(issuer), self._clock.now()
        return any([pem in await self._authority.anchors(tenant, use, now) for use in FOR_STATIONS])


def _not_found(why: str = "no certificate with this hash data is known here") -> Answer:
    return {"status": "Failed", "statusInfo": {"reasonCode": "NotFound", "additionalInfo": why[:512]}}
