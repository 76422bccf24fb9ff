"""Keys, requests and certificates of virtual stations and their makers. It shares no code with the server."""

import base64
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

OPERATOR = "sunpile"
"""Name of the operator, as the node's settings have it."""
Key = ec.EllipticCurvePrivateKey


def new_key() -> Key:
    """A key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key) -> str:
    """A private key."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def subject(name: str, organisation: str = OPERATOR) -> x509.Name:
    """A subject with O and CN."""
    parts = [(NameOID.ORGANIZATION_NAME, organisation), (NameOID.COMMON_NAME, name)]
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])


def request(key: Key, name: str, organisation: str = OPERATOR) -> str:
    """A certificate signing request (PKCS #10), PEM."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject(name, organisation))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def certificate(key: Key, name: str, issuer: x509.Certificate | None = None, by: Key | None = None) -> x509.Certificate:
    """A certificate of `name`: a root by itself, or a leaf signed by `issuer` with its key `by`."""
    begin = datetime.now(UTC) - timedelta(hours=1)
    own = subject(name, "Maker")
    builder = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(own if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    return builder.sign(by or key, hashes.SHA256())


def pem(made: x509.Certificate) -> str:
    """A certificate, PEM."""
    return made.public_bytes(Encoding.PEM).decode()


def loaded(chain: str) -> list[x509.Certificate]:
    """The certificates of a PEM chain."""
    return x509.load_pem_x509_certificates(chain.encode())


def hash_data(root: x509.Certificate) -> dict[str, str]:
    """CertificateHashData of a certificate that signed itself."""
    point = root.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)  # type: ignore[call-arg]
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": _sha256(root.issuer.public_bytes()),
        "issuerKeyHash": _sha256(point),
        "serialNumber": format(root.serial_number, "x"),
    }


def signature(key: Key, content: bytes) -> str:
    """A maker's signature of firmware, base64."""
    return base64.b64encode(key.sign(content, ec.ECDSA(hashes.SHA256()))).decode()


def _sha256(content: bytes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(content)
    return digest.finalize().hex()
