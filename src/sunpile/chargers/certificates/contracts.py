"""Contract certificates of cars (ISO 15118): whether one is good, and handing a car a new one.

Status words follow C07.FR.13 to 17 of the errata: SignatureError and NoCertificateAvailable are no longer used.
"""

import base64
import binascii
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from cryptography import x509

from sunpile.basics.errors import InputInvalid, SunpileError
from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.chargers.certificates import chains, hashes, names, revocation
from sunpile.chargers.certificates.ports import CertificateStore, TrustStore
from sunpile.chargers.certificates.status import CertificateStatus, Known
from sunpile.chargers.events import Authorisation
from sunpile.chargers.notices import Answer, AuthorisationAsked

CONTRACT_ROOTS = ("MORootCertificate", "V2GRootCertificate")
CANCELLED = frozenset({"Blocked", "Expired", "Invalid", "Unknown"})
TOKEN_STATUS: Mapping[str, str] = {
    "CertificateExpired": "Expired",
    "CertificateRevoked": "Invalid",
    "CertChainError": "Invalid",
}
"""Status of the id token that goes with a certificate's status, where it does not come from the token itself."""


@dataclass(frozen=True, slots=True)
class EvCertificateAsked:
    """A car wants a contract certificate through a station."""

    action: str
    """Install or Update."""
    schema: str
    """Namespace of its ISO 15118 version."""
    message: bytes
    """Its request, EXI."""
    chains_max: int = 1
    """How many contracts it can take (ISO 15118-20)."""
    emaids: tuple[str, ...] = ()
    """Those it would like best (ISO 15118-20)."""


@dataclass(frozen=True, slots=True)
class EvCertificate:
    """What the car is answered."""

    message: bytes
    """The response, EXI."""
    remaining: int = 0
    """Contracts it has not been given yet (ISO 15118-20)."""


class ContractProvider(Protocol):
    """Who makes contracts with drivers: the local one is `local_contracts.LocalContracts`."""

    async def roots(self, tenant: str) -> Sequence[str]:
        """Its roots, PEM, beside those the tenant trusts anyway."""
        ...

    async def ev_certificate(self, tenant: str, asked: EvCertificateAsked) -> EvCertificate:
        """The certificate a car asks for.

        Raises
        ------
        NotFound
            if there is no contract for it.
        InputInvalid
            if its request cannot be read.
        Unreachable
            if the provider does not answer.
        """
        ...

    async def revoked(self, tenant: str, serial: str, issuer: str) -> bool | None:
        """Whether the certificate with that serial number, hex, of that issuer (fingerprint) is; None: not its own."""
        ...


class Contracts:
    """Judges contract certificates and passes cars' requests on to the provider."""

    def __init__(
        self,
        provider: ContractProvider,
        store: CertificateStore,
        trust: TrustStore,
        status: CertificateStatus,
        clock: Clock,
    ) -> None:
        self._provider, self._store = provider, store
        self._trust, self._status, self._clock = trust, status, clock

    async def authorise(self, asked: AuthorisationAsked, token: Authorisation) -> Authorisation:
        """The answer to an Authorize: `token` is what the eMAID itself is good for, without its certificate."""
        if asked.certificate is None and not asked.certificate_hashes:
            return token
        word = await self._judge(asked)
        if word != "Accepted":
            return Authorisation(TOKEN_STATUS[word], certificate_status=word)
        # C07.FR.13, 14: any other status of the token says no by itself.
        return replace(token, certificate_status="ContractCancelled" if token.status in CANCELLED else "Accepted")

    async def _judge(self, asked: AuthorisationAsked) -> str:
        facts = await self._store.station(asked.station)
        if facts is None:
            return "CertChainError"
        if asked.certificate is not None:
            return await self._by_chain(facts.tenant, asked.certificate, asked.id_token)
        return await self._by_hashes(facts.tenant, asked.certificate_hashes)

    async def _by_chain(self, tenant: str, pem: str, emaid: str) -> str:
        now = self._clock.now()
        try:
            leaf, *others = names.load_chain(pem)
        except InputInvalid:
            return "CertChainError"
        found = chains.path(leaf, others, await self._roots(tenant), now)
        if isinstance(found, chains.ChainFault):
            return "CertificateExpired" if found.code == "Expired" else "CertChainError"
        if names.emaid(names.common_name(leaf.subject)) != names.emaid(emaid):
            return "CertChainError"  # A certificate of somebody else's contract.
        pairs = list(itertools.pairwise(found))
        await self._trust.remember(tenant, [(names.pem(one), names.pem(above)) for one, above in pairs], now)
        words = [
            await self._revocation(tenant, Known(hashes.hash_data(one, above), above, one)) for one, above in pairs
        ]
        return _worst(words)

    async def _by_hashes(self, tenant: str, given: Sequence[Mapping[str, str]]) -> str:
        words: list[str] = []
        for data in given:
            try:
                known = await self._status.find(tenant, data)
            except InputInvalid:
                known = None
            if known is None:
                return "CertChainError"
            if known.certificate is not None and known.certificate.not_valid_after_utc.timestamp() < self._clock.now():
                return "CertificateExpired"
            words.append(await self._revocation(tenant, known, by_hash=True))
        return _worst(words)

    async def _revocation(self, tenant: str, known: Known, by_hash: bool = False) -> str:
        """Good, Revoked or Unknown.

        A certificate that names a responder is only as good as what it says; one that names none is proven by its
        chain, if the chain was given.
        """
        own = await self._provider.revoked(tenant, known.data["serialNumber"], hashes.fingerprint(known.issuer))
        if own is not None:
            return "Revoked" if own else "Good"
        status = await self._status.status(tenant, known)
        if status.word in ("Good", "Revoked"):
            return status.word
        asked = known.certificate is not None and revocation.responder_urls(known.certificate)
        return "Unknown" if by_hash or asked else "Good"

    async def _roots(self, tenant: str) -> list[x509.Certificate]:
        trusted = [root.pem for root in await self._trust.roots(tenant, CONTRACT_ROOTS)]
        return [names.load_pem(pem) for pem in (*trusted, *await self._provider.roots(tenant))]

    # -- Get15118EVCertificate --------------------------------------------------------------------------------------

    async def ev_certificate(self, station: StationId, payload: dict[str, Any]) -> Answer:
        """The answer to Get15118EVCertificate."""
        facts = await self._store.station(station)
        try:
            message = base64.b64decode(payload["exiRequest"], validate=True)
            asked = EvCertificateAsked(
                str(payload["action"]),
                str(payload["iso15118SchemaVersion"]),
                message,
                int(payload.get("maximumContractCertificateChains", 1)),
                tuple(payload.get("prioritizedEMAIDs", ())),
            )
            if facts is None:
                return _failed("the station is not known")
            made = await self._provider.ev_certificate(facts.tenant, asked)
        except binascii.Error:
            return _failed("the car's request is not base64")
        except SunpileError as fault:
            return _failed(fault.detail)
        answer: Answer = {"status": "Accepted", "exiResponse": base64.b64encode(made.message).decode()}
        return answer | ({"remainingContracts": made.remaining} if facts.version == "2.1" else {})


def _worst(words: Sequence[str]) -> str:
    if "Revoked" in words:
        return "CertificateRevoked"
    return "CertChainError" if "Unknown" in words else "Accepted"


def _failed(why: str) -> Answer:
    info = {"reasonCode": "InvalidValue", "additionalInfo": why[:512]}
    return {"status": "Failed", "exiResponse": "", "statusInfo": info}
