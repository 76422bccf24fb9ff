"""Whether a station's certificate signing request may be signed. Pure: the caller brings what is known.

Each refusal has its own sentence, because an operator has to tell the station's maker what is wrong.
"""

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sunpile.chargers.certificates import names
from sunpile.chargers.certificates.hashes import key_hash

RSA_BITS = 2048
RSA_BITS_MAX = 8192
"""Larger keys would only cost us time at each handshake."""
CURVES = ("secp256r1", "secp384r1")
STRONG = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
USES = ("ChargingStationCertificate", "V2GCertificate", "V2G20Certificate", "Combined")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of who asks."""

    station: str
    """Identity of the station."""
    serial: str
    """Its serial number, as registered or told at boot; empty if unknown."""
    operator: str
    """Name of the operator, which has to be O."""
    serial_shared: bool = False
    """Another station has the same serial number."""
    key_used: bool = False
    """The request's public key is in another station's certificate, or in a revoked one."""
    name_of: str = ""
    """Another station that holds a certificate with the request's CN; empty if none."""


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """A CSR that can be read."""

    csr: x509.CertificateSigningRequest
    """The request."""
    use: str
    """One of `USES`."""
    key_hash: str
    """SHA-256 of its public key, hex."""
    name: str
    """Its CN; empty if it has none or several."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not signed."""

    code: str
    """A short code that stays the same."""
    sentence: str
    """For the operator."""


def read(pem: str, use: str | None) -> SigningRequest | Refusal:
    """The request in `pem`, PEM or (some stations) PEM with escaped line ends."""
    try:
        csr = x509.load_pem_x509_csr(pem.replace("\\n", "\n").encode())
        if not csr.is_signature_valid:
            return Refusal("BadSignature", "the request is not signed with its own key: it does not prove possession")
        public = csr.public_key()
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return Refusal("NotARequest", "what the station sent is no certificate signing request in PEM form (PKCS #10)")
    return SigningRequest(csr, use or "Combined", key_hash(public), names.common_name(csr.subject))


def refusal(request: SigningRequest, known: Known) -> Refusal | None:
    """Why `request` is not signed, or None."""
    return _key(request) or _owner(request, known) or _station(request, known)


def _key(request: SigningRequest) -> Refusal | None:
    key, digest = request.csr.public_key(), request.csr.signature_hash_algorithm
    if isinstance(key, rsa.RSAPublicKey):
        if not RSA_BITS <= key.key_size <= RSA_BITS_MAX:
            return Refusal("WeakKey", f"its RSA key has {key.key_size} bits; {RSA_BITS} to {RSA_BITS_MAX} are allowed")
    elif not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in CURVES:
        return Refusal("WeakKey", "its key is neither RSA nor on the curve P-256 or P-384")
    if digest is None or not isinstance(digest, STRONG):
        return Refusal("WeakHash", "it is signed over a hash weaker than SHA-256")
    return None


def _owner(request: SigningRequest, known: Known) -> Refusal | None:
    found = names.organisations(request.csr.subject)
    if request.use.startswith("V2G"):
        # Its O is that of the V2G hierarchy, which the station keeps apart (ISO15118Ctrlr.OrganizationName).
        return None if found else Refusal("NoOrganisation", "its subject has no O (organisation)")
    if found != (known.operator,):
        told = ", ".join(found) or "nothing"
        return Refusal("WrongOrganisation", f"its O is {told!r} and not the operator's name {known.operator!r}")
    return None


def _station(request: SigningRequest, known: Known) -> Refusal | None:
    if not request.name:
        return Refusal("NoCommonName", "its subject does not have exactly one CN (common name)")
    if names.ADDRESS_LIKE.search(request.name):
        return Refusal("ServerName", "its CN looks like the address of a server (A00.FR.511)")
    if known.key_used:
        return Refusal("KeyUsed", "its public key is in another station's certificate or a revoked one")
    if known.name_of:
        return Refusal("NameTaken", f"station {known.name_of} holds a certificate with the same CN")
    if request.use.startswith("V2G"):
        return None  # Its CN is the SECC's id, which no boot message tells.
    if not known.serial:
        return Refusal("SerialUnknown", "the station's serial number is unknown: it has not told it at boot")
    if known.serial_shared:
        return Refusal("SerialShared", f"serial number {known.serial!r} is that of another station too")
    if known.serial not in request.name:
        return Refusal("WrongCommonName", f"its CN {request.name!r} does not contain serial number {known.serial!r}")
    return None
