"""How OCPP names a certificate without showing it: CertificateHashData, which is what OCSP asks by. Pure."""

from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sunpile.basics.errors import InputInvalid

ALGORITHMS: Mapping[str, type[hashes.SHA256] | type[hashes.SHA384] | type[hashes.SHA512]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the whole certificate, hex: its key in the store."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def key_hash(key: CertificatePublicKeyTypes) -> str:
    """SHA-256 of a public key (SubjectPublicKeyInfo), hex: two certificates of one key share it."""
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _digest("SHA256", info)


def serial_text(certificate: x509.Certificate) -> str:
    """Serial number, hex without leading zeros."""
    return format(certificate.serial_number, "x")


def hash_data(certificate: x509.Certificate, issuer: x509.Certificate, algorithm: str = "SHA256") -> dict[str, str]:
    """CertificateHashData of `certificate`, whose issuer is `issuer` (itself for a root)."""
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": _digest(algorithm, certificate.issuer.public_bytes()),
        "issuerKeyHash": _digest(algorithm, bare_key(issuer.public_key())),
        "serialNumber": serial_text(certificate),
    }


def same(left: Mapping[str, str], right: Mapping[str, str]) -> bool:
    """True if both name the same certificate: stations differ in capitals and leading zeros."""
    return tuple(normal(left).values()) == tuple(normal(right).values())


def normal(data: Mapping[str, str]) -> dict[str, str]:
    """Hash data in one spelling, without what is no part of it (such as a responder's URL).

    Raises
    ------
    InputInvalid
        if it is malformed.
    """
    try:
        algorithm = data["hashAlgorithm"]
        serial = data["serialNumber"].lower().removeprefix("0x").lstrip("0") or "0"
        if algorithm not in ALGORITHMS or len(serial) > 40:
            raise InputInvalid("the hash data names no algorithm of OCPP or too long a serial number")
        int(serial, 16)
        name, key = bytes.fromhex(data["issuerNameHash"]), bytes.fromhex(data["issuerKeyHash"])
    except (KeyError, ValueError) as fault:
        raise InputInvalid("the certificate's hash data is malformed") from fault
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": name.hex(),
        "issuerKeyHash": key.hex(),
        "serialNumber": serial,
    }


def names(data: Mapping[str, str], certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """True if the normal `data` is that of `certificate`."""
    return dict(data) == hash_data(certificate, issuer, data["hashAlgorithm"])


def is_issuer(data: Mapping[str, str], issuer: x509.Certificate) -> bool:
    """True if the normal `data` names `issuer` as issuer."""
    algorithm = data["hashAlgorithm"]
    name, key = _digest(algorithm, issuer.subject.public_bytes()), _digest(algorithm, bare_key(issuer.public_key()))
    return (data["issuerNameHash"], data["issuerKeyHash"]) == (name, key)


def bare_key(key: CertificatePublicKeyTypes) -> bytes:
    """The subjectPublicKey BIT STRING without tag and length, which is what RFC 6960 hashes."""
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    _, outer, _ = _element(info, 0)
    _, _, after = _element(info, outer)  # AlgorithmIdentifier
    tag, start, end = _element(info, after)
    assert tag == 0x03
    return info[start + 1 : end]


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """(tag, start of content, end) of the DER element at `at`."""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(der[start : start + count], "big"), start + count
    return der[at], start, start + length


def _digest(algorithm: str, content: bytes) -> str:
    digest = hashes.Hash(ALGORITHMS[algorithm]())
    digest.update(content)
    return digest.finalize().hex()
