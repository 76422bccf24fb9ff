"""The node's own certificate authority: for each tenant a root and an intermediate, their keys in the node's folder.

Hierarchies: `csms` (ECDSA) for stations and our server; `csms-rsa` for the RSA server certificate that A00.FR.317
wants; `v2g` for stations towards cars. Keys never leave the folder: files of mode 0600, encrypted if a password is
given.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from sunpile.basics.errors import InputInvalid
from sunpile.chargers.certificates import names
from sunpile.chargers.certificates.hierarchy import Hierarchy, Signer, key_usage
from sunpile.chargers.certificates.ports import Issued, Revoked, ServerIdentity, StatusBook
from sunpile.chargers.certificates.requests import SigningRequest

DAY_S = 86_400
STATION_LIFE_S = 90 * DAY_S
SERVER_LIFE_S = DAY_S - 3600
"""Fast expiration (A00.FR.701): no list of revoked server certificates is needed, which stations could not read."""
LIST_LIFE_S = DAY_S
ANSWER_LIFE_S = 12 * 3600
HIERARCHIES = {"csms": "ecdsa", "csms-rsa": "rsa", "v2g": "ecdsa"}
FOR_STATIONS = ("csms", "v2g")
"""Those that sign for stations, and so answer for their certificates."""


def hierarchy_of(use: str) -> str:
    """Which hierarchy signs certificates for `use` of a station."""
    return "v2g" if use.startswith("V2G") else "csms"


class LocalAuthority:
    """`CertificateAuthority` in this process."""

    def __init__(
        self,
        folder: Path,
        operator: Callable[[str], str],
        password: bytes | None = None,
        ocsp_url: str = "",
    ) -> None:
        """`operator` gives a tenant's organisation name; `ocsp_url` is told in certificates, `{tenant}` filled in."""
        self._folder, self._operator, self._password = folder, operator, password
        self._ocsp_url = ocsp_url
        self._open: dict[tuple[str, str], Hierarchy] = {}
        self._opening = asyncio.Lock()

    async def _hierarchy(self, tenant: str, use: str, now: int) -> Hierarchy:
        if use not in HIERARCHIES:
            raise InputInvalid(f"there is no hierarchy {use!r}; there are {', '.join(HIERARCHIES)}")
        async with self._opening:
            found = self._open.get((tenant, use))
            if found is None or found.due(now):
                folder = self._folder / Hierarchy.place(tenant) / use
                found = await asyncio.to_thread(
                    Hierarchy.open, folder, HIERARCHIES[use], self._operator(tenant), use, self._password, now
                )
                self._open[tenant, use] = found
            return found

    async def sign(self, tenant: str, request: SigningRequest, now: int) -> Issued:
        """See `CertificateAuthority.sign`. Only the subject's O and CN, and the key, are taken from the request."""
        found = await self._hierarchy(tenant, hierarchy_of(request.use), now)
        organisation = names.organisations(request.csr.subject)[0]
        builder = (
            found.builder(names.subject(organisation, request.name), request.csr.public_key(), now)
            .not_valid_after(datetime.fromtimestamp(now + STATION_LIFE_S, UTC))
            .add_extension(key_usage(digital_signature=True, key_agreement=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage(_purposes(request.use)), critical=False)
        )
        certificate = await asyncio.to_thread(found.sign, self._told(builder, tenant))
        return Issued(names.pem(certificate), names.pem(certificate) + found.above)

    async def server(self, tenant: str, hosts: Sequence[str], algorithm: str, now: int) -> ServerIdentity:
        """See `CertificateAuthority.server`."""
        if not hosts:
            raise InputInvalid("a server certificate needs at least one name")
        found = await self._hierarchy(tenant, "csms-rsa" if algorithm == "rsa" else "csms", now)
        return await asyncio.to_thread(self._server, found, self._operator(tenant), tuple(hosts), algorithm, now)

    def _server(
        self, found: Hierarchy, operator: str, wanted: Sequence[str], algorithm: str, now: int
    ) -> ServerIdentity:
        key = rsa.generate_private_key(65537, 2048) if algorithm == "rsa" else ec.generate_private_key(ec.SECP256R1())
        end = now + SERVER_LIFE_S
        builder = (
            found.builder(names.subject(operator, wanted[0][:64]), key.public_key(), now)
            .not_valid_after(datetime.fromtimestamp(end, UTC))
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in wanted]), critical=False)
            # Key encipherment: the two TLS_RSA suites an old station may need.
            .add_extension(key_usage(digital_signature=True, key_encipherment=algorithm == "rsa"), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        )
        certificate = found.sign(builder)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return ServerIdentity(names.pem(certificate) + found.above, private, end)

    async def anchors(self, tenant: str, use: str, now: int) -> tuple[str, ...]:
        """See `CertificateAuthority.anchors`."""
        found = await self._hierarchy(tenant, use, now)
        return (found.root_pem, *found.intermediates)

    async def rotate_root(self, tenant: str, use: str, now: int) -> str:
        """A new root, which the old one signs too, so that stations with additional checks take it (M05.FR.09).

        Returns the certificate of the new root as signed by the old one, PEM, to be sent with InstallCertificate. What
        the old root signed stays valid: it remains among the anchors.
        """
        found = await self._hierarchy(tenant, use, now)
        folder = self._folder / Hierarchy.place(tenant) / use
        cross = await asyncio.to_thread(found.rotate, folder, self._operator(tenant), self._password, now)
        async with self._opening:
            self._open.pop((tenant, use), None)
        return cross

    async def cross(self, tenant: str, use: str, now: int) -> str:
        """The newest root as signed by the one before it, PEM; empty if there was none before."""
        return (await self._hierarchy(tenant, use, now)).cross

    async def crl(self, tenant: str, use: str, revoked: Sequence[Revoked], now: int) -> bytes:
        """See `CertificateAuthority.crl`."""
        found = await self._hierarchy(tenant, use, now)
        start = datetime.fromtimestamp(now, UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(found.issuer.subject)
            .last_update(start)
            .next_update(start + timedelta(seconds=LIST_LIFE_S))
            .add_extension(x509.CRLNumber(now), critical=False)
        )
        for one in revoked:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(int(one.serial, 16))
                .revocation_date(datetime.fromtimestamp(one.at, UTC))
                .add_extension(x509.CRLReason(flag(one.reason)), critical=False)
            )
            builder = builder.add_revoked_certificate(entry.build())
        signed = await asyncio.to_thread(builder.sign, found.key, hashes.SHA256())
        return signed.public_bytes(Encoding.DER)

    async def ocsp(self, tenant: str, request: bytes, known: StatusBook, now: int) -> bytes:
        """See `CertificateAuthority.ocsp`."""
        try:
            asked = ocsp.load_der_ocsp_request(request)
            serial, key = asked.serial_number, asked.issuer_key_hash
        except ValueError:
            return _unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        for use in FOR_STATIONS:
            if not self.has(tenant, use):
                continue
            found = await self._hierarchy(tenant, use, now)
            for signer in found.signers:
                if signer.key_digest(asked.hash_algorithm) == key:
                    status = await known.issued_status(tenant, format(serial, "x"))
                    return await asyncio.to_thread(_answer, signer, asked, status, now)
        return _unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)

    def has(self, tenant: str, use: str) -> bool:
        """True if the tenant has that hierarchy; strangers who ask for its lists must not make one."""
        return (self._folder / Hierarchy.place(tenant) / use / "issuer-1.pem").exists()

    def _told(self, builder: x509.CertificateBuilder, tenant: str) -> x509.CertificateBuilder:
        if not self._ocsp_url:
            return builder
        where = x509.UniformResourceIdentifier(self._ocsp_url.replace("{tenant}", quote(tenant, safe="")))
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, where)
        return builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)


def _answer(found: Signer, asked: ocsp.OCSPRequest, status: Revoked | bool, now: int) -> bytes:
    start = datetime.fromtimestamp(now, UTC)
    revoked = status if isinstance(status, Revoked) else None
    certificate_status = ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        issuer_name_hash=asked.issuer_name_hash,
        issuer_key_hash=asked.issuer_key_hash,
        serial_number=asked.serial_number,
        algorithm=asked.hash_algorithm,
        cert_status=certificate_status if status is not False else ocsp.OCSPCertStatus.UNKNOWN,
        this_update=start,
        next_update=start + timedelta(seconds=ANSWER_LIFE_S),
        revocation_time=datetime.fromtimestamp(revoked.at, UTC) if revoked else None,
        revocation_reason=flag(revoked.reason) if revoked else None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, found.certificate)
    for extension in asked.extensions:
        if isinstance(extension.value, x509.OCSPNonce) and len(extension.value.nonce) <= 32:
            builder = builder.add_extension(extension.value, critical=False)
    return builder.sign(found.key, hashes.SHA256()).public_bytes(Encoding.DER)


def flag(reason: str) -> x509.ReasonFlags:
    """The reason of RFC 5280 for its name.

    Raises
    ------
    InputInvalid
        if there is none of that name.
    """
    try:
        return x509.ReasonFlags[reason or "unspecified"]
    except KeyError as fault:
        raise InputInvalid(f"{reason!r} is no reason to revoke a certificate") from fault


def _unsuccessful(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)


def _purposes(use: str) -> list[x509.ObjectIdentifier]:
    station = [ExtendedKeyUsageOID.CLIENT_AUTH]
    car = [ExtendedKeyUsageOID.SERVER_AUTH]  # Towards the car the station is the TLS server.
    return car if use.startswith("V2G") else station + car if use == "Combined" else station


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


__all__ = ["FOR_STATIONS", "HIERARCHIES", "LocalAuthority", "flag", "hierarchy_of"]
