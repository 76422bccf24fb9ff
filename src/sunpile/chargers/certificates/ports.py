"""What the certificates' part needs from others, and behind which port an authority stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sunpile.basics.ids import StationId
from sunpile.basics.scope import Scope
from sunpile.chargers.certificates.requests import Known, SigningRequest
from sunpile.chargers.commands import Command, CommandResult


class Commands(Protocol):
    """Asks a station something: `Csms.command`."""

    async def command(self, station: StationId, command: Command) -> CommandResult: ...


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate the authority made."""

    pem: str
    """The certificate."""
    chain: str
    """The certificate and the authorities above it, without the root, PEM, leaf first."""


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """A server certificate with its key."""

    chain: str
    """PEM, leaf first, without the root."""
    key: str
    """PEM, PKCS #8, not encrypted: hold it in memory or in a file of mode 0600."""
    not_after: int
    """Ends then [Unix s]."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """A certificate that is valid no more."""

    serial: str
    """Serial number, hex."""
    at: int
    """Since when [Unix s]."""
    reason: str
    """Reason of RFC 5280: unspecified, key_compromise, superseded, cessation_of_operation ..."""


class CertificateAuthority(Protocol):
    """Signs certificates. The local one is `authority.LocalAuthority`; one over a network stands here too.

    A request reaches it only after `requests.refusal` found nothing.
    """

    async def sign(self, tenant: str, request: SigningRequest, now: int) -> Issued:
        """A certificate for a station's request. Its hierarchy goes by the request's use."""
        ...

    async def server(self, tenant: str, hosts: Sequence[str], algorithm: str, now: int) -> ServerIdentity:
        """A server certificate for DNS names or IP addresses `hosts`, `algorithm` ecdsa or rsa."""
        ...

    async def anchors(self, tenant: str, use: str, now: int) -> tuple[str, ...]:
        """Root and intermediate certificates, PEM, of the hierarchy for `use`: csms, csms-rsa or v2g."""
        ...

    async def crl(self, tenant: str, use: str, revoked: Sequence[Revoked], now: int) -> bytes:
        """The list of revoked certificates, DER."""
        ...

    async def ocsp(self, tenant: str, request: bytes, known: "StatusBook", now: int) -> bytes:
        """The answer to an OCSP request about certificates of this authority, DER."""
        ...


class StatusBook(Protocol):
    """What is known of certificates the authority issued."""

    async def issued_status(self, tenant: str, serial: str) -> Revoked | bool:
        """Revoked, or True if it is good, or False if the authority never issued it."""
        ...


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """A certificate in the store."""

    fingerprint: str
    """SHA-256 of it, hex."""
    tenant: str
    """Whose."""
    station: str
    """For which station; empty for a server's."""
    use: str
    """ChargingStationCertificate, V2GCertificate, V2G20Certificate, Combined or Server."""
    name: str
    """Its CN."""
    serial: str
    """Serial number, hex."""
    key_hash: str
    """SHA-256 of its public key, hex."""
    not_before: int
    """Valid from [Unix s]."""
    not_after: int
    """Valid to [Unix s]."""
    chain: str
    """PEM chain, leaf first."""
    state: str
    """issued (not sent yet), accepted, rejected (by the station) or revoked."""
    request: int | None = None
    """Number the station gave with its request (2.1)."""
    outcome: str = ""
    """What the station last said, or why it could not be asked."""
    tries: int = 0
    """How often it was sent."""
    changed_at: int = 0
    """When its state last changed [Unix s]."""
    revoked_at: int | None = None
    """When it was revoked [Unix s]."""
    reason: str = ""
    """Why it was revoked."""


@dataclass(frozen=True, slots=True)
class StationFacts:
    """What the store knows of a station."""

    station: StationId
    """Identity."""
    tenant: str
    """Whose."""
    serial: str
    """Serial number; empty if unknown."""
    version: str
    """OCPP version of its last connection; empty if it never connected."""
    serial_shared: bool = False
    """Another station of the tenant has the same serial number."""


class CertificateStore(StatusBook, Protocol):
    """Certificates in the store. Each call returns when it is durable."""

    async def station(self, station: str) -> StationFacts | None: ...
    async def known(self, facts: StationFacts, operator: str, request: SigningRequest) -> Known: ...
    async def keep(self, record: CertificateRecord) -> None:
        """Keep a new certificate.

        Raises
        ------
        Conflict
            if a certificate of the same key is kept already.
        """
        ...

    async def refused(self, station: StationId, tenant: str, at: int, code: str, sentence: str, csr: str) -> None:
        """Keep a refused request, so that somebody can see why."""
        ...

    async def moved(self, fingerprint: str, state: str, outcome: str, at: int, tried: bool) -> None:
        """Note what became of a certificate."""
        ...

    async def waiting(self, station: StationId | None = None) -> Sequence[CertificateRecord]:
        """Certificates issued and not yet answered by their station."""
        ...

    async def find(self, fingerprint: str) -> CertificateRecord | None: ...
    async def newest(self, tenant: str | None, before: int) -> Sequence[CertificateRecord]:
        """Each station's newest accepted certificate of a use, where it ends before `before` [Unix s]."""
        ...

    async def revoked(self, tenant: str) -> Sequence[Revoked]: ...


@dataclass(frozen=True, slots=True)
class Root:
    """A root certificate a tenant trusts."""

    kind: str
    """CSMSRootCertificate, V2GRootCertificate, MORootCertificate, ManufacturerRootCertificate, OEMRootCertificate."""
    fingerprint: str
    """SHA-256 of it, hex."""
    pem: str
    """The certificate."""
    wanted: bool
    """It belongs on every station of the tenant."""
    not_after: int
    """Valid to [Unix s]."""


class TrustStore(Protocol):
    """Whom a tenant trusts, which chains it has met, and what its stations say is installed."""

    async def roots(self, tenant: str, kinds: Sequence[str] = ()) -> Sequence[Root]:
        """Roots of these kinds; none: all."""
        ...

    async def trust(self, tenant: str, root: Root, at: int) -> None: ...
    async def distrust(self, tenant: str, kind: str, fingerprint: str) -> bool: ...
    async def remember(self, tenant: str, pairs: Sequence[tuple[str, str]], at: int) -> None:
        """Keep certificates with their issuers, both PEM, so that a status can be asked by hash data."""
        ...

    async def by_serial(self, tenant: str, serial: str) -> Sequence[tuple[str, str]]:
        """Certificates with that serial number, hex, each with its issuer, PEM."""
        ...

    async def installed(self, station: StationId, rows: Sequence[tuple[str, dict[str, str]]], at: int) -> None:
        """Note all that a station says is installed: kind and normal hash data."""
        ...

    async def note(self, station: StationId, kind: str, data: dict[str, str], present: bool, at: int) -> None:
        """Note that a certificate, normal hash data, was installed or removed; empty kind: of any kind."""
        ...

    async def seen(self, station: StationId) -> Sequence[tuple[str, dict[str, str], int]]:
        """What it said last, and when."""
        ...


@dataclass(frozen=True, slots=True)
class SecurityRecord:
    """A security event in the store."""

    id: int
    """Its number."""
    station: str
    """Who told it."""
    at: int
    """By the station's clock [Unix s]."""
    received_at: int
    """When it came [Unix s]."""
    kind: str
    """Its type."""
    info: str
    """Technical details."""
    critical: bool
    """OCPP's list calls it critical."""


class SecurityStore(Protocol):
    """Security events in the store."""

    async def keep(self, record: SecurityRecord) -> int:
        """Keep an event; return its number."""
        ...


class SecretStore(Protocol):
    """Passwords on their way to stations: salted hashes only."""

    async def offer(self, station: StationId, salt: bytes, hashed: bytes, at: int) -> int:
        """Accept one more password of a station from now on; return its number."""
        ...

    async def withdraw(self, station: StationId, number: int) -> None:
        """Accept it no more."""
        ...

    async def adopt(self, station: StationId, number: int) -> None:
        """It is the station's password now, and the only one."""
        ...

    async def outstanding(self, station: StationId) -> int:
        """How many of its passwords are on their way."""
        ...


class ProfileStore(Protocol):
    """Security profiles of stations."""

    async def profile(self, station: StationId) -> int:
        """Its profile now."""
        ...

    async def prepared(self, station: StationId, now: int) -> tuple[bool, bool]:
        """Whether it said that a wanted CSMS root is installed, and whether it took a certificate still good."""
        ...

    async def expect(self, station: StationId, profile: int | None, now: int) -> None:
        """It may come in with this higher profile too; None: with none but its own."""
        ...


class OwnStations(Protocol):
    """Stations of a tenant."""

    async def own_station(self, scope: Scope, station: str) -> StationFacts:
        """A station of the scope's tenant.

        Raises
        ------
        NotFound
            if it has none of that identity.
        """
        ...
