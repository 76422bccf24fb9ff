"""What an OCSP answer or a list of revoked certificates says, if it can be believed. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, SignatureAlgorithmOID

from sunpile.chargers.certificates.hashes import ALGORITHMS

SKEW = timedelta(minutes=5)
UNSAID_LIFE = timedelta(hours=12)
"""How long an answer without an end is good for."""


@dataclass(frozen=True, slots=True)
class Status:
    """Whether a certificate is revoked."""

    word: str
    """Good, Revoked, Unknown or Failed."""
    until: int
    """Ask again then [Unix s]."""
    why: str = ""
    """Why it Failed."""


def request(data: dict[str, str]) -> bytes:
    """The OCSP request, DER, for the certificate with this normal hash data."""
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        bytes.fromhex(data["issuerNameHash"]),
        bytes.fromhex(data["issuerKeyHash"]),
        int(data["serialNumber"], 16),
        ALGORITHMS[data["hashAlgorithm"]](),
    )
    return builder.build().public_bytes(Encoding.DER)


def read_ocsp(der: bytes, data: dict[str, str], issuer: x509.Certificate, at: int) -> Status:
    """What an OCSP answer says of the certificate with this normal hash data."""
    now = datetime.fromtimestamp(at, UTC)
    try:
        answer = ocsp.load_der_ocsp_response(der)
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return _failed(at, f"the responder says {answer.response_status.name}")
        told = (answer.serial_number, answer.issuer_key_hash.hex(), answer.issuer_name_hash.hex())
        if told != (int(data["serialNumber"], 16), data["issuerKeyHash"], data["issuerNameHash"]):
            return _failed(at, "the answer is about another certificate")
        if not _signed(answer, issuer, now):
            return _failed(at, "the answer is not signed by the issuer or its responder")
        begin, end = answer.this_update_utc, answer.next_update_utc
        word = {"GOOD": "Good", "REVOKED": "Revoked"}.get(answer.certificate_status.name, "Unknown")
    except (ValueError, UnsupportedAlgorithm):
        return _failed(at, "the answer cannot be read")
    end = end or begin + UNSAID_LIFE
    if begin > now + SKEW or end < now:
        return _failed(at, "the answer is not of this time")
    return Status(word, int(end.timestamp()))


def read_crl(der: bytes, serial: int, issuer: x509.Certificate, at: int) -> Status:
    """What a list of revoked certificates says of the certificate of `issuer` with this serial number."""
    now = datetime.fromtimestamp(at, UTC)
    try:
        listed = x509.load_der_x509_crl(der)
        key = issuer.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey) or not listed.is_signature_valid(key):
            return _failed(at, "the list is not signed by the issuer")
        begin, end = listed.last_update_utc, listed.next_update_utc or listed.last_update_utc + UNSAID_LIFE
        if begin > now + SKEW or end < now:
            return _failed(at, "the list is not of this time")
        found = listed.get_revoked_certificate_by_serial_number(serial) is not None
    except (ValueError, UnsupportedAlgorithm):
        return _failed(at, "the list cannot be read")
    return Status("Revoked" if found else "Good", int(end.timestamp()))


def _signed(answer: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> bool:
    for signer in (issuer, *answer.certificates):
        if signer is not issuer and not _responder(signer, issuer, now):
            continue
        key, digest = signer.public_key(), answer.signature_hash_algorithm
        if digest is None or isinstance(digest, hashes.MD5):
            continue
        try:
            if isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(digest))
            elif isinstance(key, rsa.RSAPublicKey):
                pss = answer.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS
                scheme = padding.PSS(padding.MGF1(digest), padding.PSS.AUTO) if pss else padding.PKCS1v15()
                key.verify(answer.signature, answer.tbs_response_bytes, scheme, digest)
            else:
                continue
        except InvalidSignature:
            continue
        return True
    return False


def _responder(signer: x509.Certificate, issuer: x509.Certificate, now: datetime) -> bool:
    """True if `issuer` lets `signer` answer for it."""
    if not signer.not_valid_before_utc <= now <= signer.not_valid_after_utc:
        return False
    try:
        signer.verify_directly_issued_by(issuer)
        purposes = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (InvalidSignature, TypeError, ValueError, x509.ExtensionNotFound):
        return False
    return ExtendedKeyUsageOID.OCSP_SIGNING in purposes


def responder_urls(certificate: x509.Certificate) -> list[str]:
    """Where the certificate itself says its status is told (AIA)."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [
        one.access_location.value
        for one in access
        if one.access_method == AuthorityInformationAccessOID.OCSP
        and isinstance(one.access_location, x509.UniformResourceIdentifier)
    ]


def list_urls(certificate: x509.Certificate) -> list[str]:
    """Where the certificate itself says the list of revoked ones lies."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    found: list[x509.GeneralName] = [name for point in points for name in point.full_name or ()]
    return [name.value for name in found if isinstance(name, x509.UniformResourceIdentifier)]


def _failed(at: int, why: str) -> Status:
    return Status("Failed", at + 60, why)
