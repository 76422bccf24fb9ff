"""What stations ask and tell about certificates, in one place: joined to `StationInbox` in the wiring."""

from collections.abc import Awaitable, Callable
from typing import Any

from sunpile.basics.ids import StationId
from sunpile.chargers.certificates.contracts import Contracts
from sunpile.chargers.certificates.security import SecurityEvents
from sunpile.chargers.certificates.signing import Signing
from sunpile.chargers.certificates.status import CertificateStatus
from sunpile.chargers.events import Authorisation
from sunpile.chargers.notices import Answer, AuthorisationAsked, Notice, Question, SecurityEvent


class CertificateDesk:
    """Answers SignCertificate, GetCertificateStatus, GetCertificateChainStatus and Get15118EVCertificate."""

    def __init__(
        self, signing: Signing, status: CertificateStatus, contracts: Contracts, events: SecurityEvents
    ) -> None:
        self._signing, self._contracts, self._events = signing, contracts, events
        self._answers: dict[str, Callable[[StationId, dict[str, Any]], Awaitable[Answer]]] = {
            "SignCertificate": signing.asked,
            "GetCertificateStatus": status.get_status,
            "GetCertificateChainStatus": status.get_chain_status,
            "Get15118EVCertificate": contracts.ev_certificate,
        }

    async def asked(self, question: Question) -> Answer | None:
        """The answer, or None if the question is not about certificates."""
        answer = self._answers.get(question.action)
        return None if answer is None else await answer(question.station, question.payload)

    async def told(self, notice: Notice) -> None:
        """Keep a security event; anything else is not for this desk."""
        if isinstance(notice, SecurityEvent):
            await self._events.told(notice)

    async def authorise_contract(self, asked: AuthorisationAsked, token: Authorisation) -> Authorisation:
        """The answer to an Authorize with a contract certificate; `token`, the eMAID's own, without one."""
        return await self._contracts.authorise(asked, token)

    def booted(self, station: StationId) -> None:
        """A station has come: hand over the certificates that wait for it. Returns at once."""
        self._signing.connected(station)
