"""Whether the certificate shown at the TLS door is that of the station that wants to come in.

A chain alone says only that *some* station of ours is there. So the CN has to contain this station's serial number
(A00.FR.405), and, since a station tells its serial number itself, the certificate must be the one made for it.
"""

from collections.abc import Callable
from typing import Protocol

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from sunpile.basics.ports import Clock
from sunpile.chargers.certificates import chains, names
from sunpile.chargers.certificates.hashes import fingerprint
from sunpile.chargers.certificates.ports import CertificateAuthority, CertificateStore

REASONS = frozenset(
    {
        "certificate unreadable",
        "certificate self-signed",
        "certificate of another ca",
        "certificate signature broken",
        "certificate expired",
        "certificate not yet valid",
        "certificate for other use",
        "certificate with wrong O",
        "station without serial number",
        "certificate with wrong CN",
        "certificate of other station",
        "certificate revoked",
    }
)
"""Why a certificate is not accepted; `refusals.CURES` has the words."""
_OF_CHAIN = {
    "Expired": "certificate expired",
    "NotYetValid": "certificate not yet valid",
    "BadSignature": "certificate signature broken",
    "Malformed": "certificate unreadable",
}


class Identified(Protocol):
    """As much of a station's record as is needed here."""

    @property
    def station(self) -> str:
        """Identity."""
        ...

    @property
    def tenant(self) -> str:
        """Whose."""
        ...


class ClientCertificates:
    """Checks client certificates of security profile 3."""

    def __init__(
        self, authority: CertificateAuthority, store: CertificateStore, operator: Callable[[str], str], clock: Clock
    ) -> None:
        self._authority, self._store, self._operator, self._clock = authority, store, operator, clock

    async def check(self, der: bytes, station: Identified) -> str | None:
        """Why `der` does not show that its bearer is `station`: one of `REASONS`, or None if it does."""
        try:
            leaf = x509.load_der_x509_certificate(der)
            subject = leaf.subject
        except ValueError:
            return "certificate unreadable"
        now = self._clock.now()
        anchors = [names.load_pem(pem) for pem in await self._authority.anchors(station.tenant, "csms", now)]
        found = chains.path(leaf, anchors, [one for one in anchors if one.subject == one.issuer], now)
        if isinstance(found, chains.ChainFault):
            own = leaf.issuer == subject
            return "certificate self-signed" if own else _OF_CHAIN.get(found.code, "certificate of another ca")
        if not _for_clients(leaf):
            return "certificate for other use"
        if names.organisations(subject) != (self._operator(station.tenant),):
            return "certificate with wrong O"
        facts = await self._store.station(station.station)
        if facts is None or not facts.serial:
            return "station without serial number"
        if facts.serial not in names.common_name(subject):
            return "certificate with wrong CN"
        return await self._registered(leaf, station)

    async def _registered(self, leaf: x509.Certificate, station: Identified) -> str | None:
        record = await self._store.find(fingerprint(leaf))
        if record is None or record.station != station.station or record.tenant != station.tenant:
            return "certificate of other station"
        if record.state == "revoked":
            return "certificate revoked"
        if record.state == "issued":
            # Its answer was lost, but it shows that it has it.
            await self._store.moved(
                record.fingerprint, "accepted", "the station uses it", self._clock.now(), tried=False
            )
        return None


def _for_clients(leaf: x509.Certificate) -> bool:
    try:
        purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in purposes


async def client_trust(authority: CertificateAuthority, tenants: list[str], now: int) -> str:
    """Certificates, PEM, by which a TLS server lets a client through to `ClientCertificates.check`."""
    anchors = [pem for tenant in tenants for pem in await authority.anchors(tenant, "csms", now)]
    return "".join(dict.fromkeys(anchors))
