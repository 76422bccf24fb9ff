"""One root and its intermediate on disk. The root signs an intermediate, the intermediate everything else."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sunpile.basics.errors import InputInvalid
from sunpile.basics.secret_files import write_private
from sunpile.chargers.certificates import names
from sunpile.chargers.certificates.hashes import bare_key, key_hash

YEAR_S = 365 * 86_400
ROOT_LIFE_S = 20 * YEAR_S
INTERMEDIATE_LIFE_S = 5 * YEAR_S
INTERMEDIATE_DUE_S = YEAR_S
"""An intermediate with less than this left is followed by a new one: what it signs must end before it does."""
BACKDATED_S = 600
"""Certificates begin this long ago, for stations whose clock is slow."""
RSA_BITS = 3072
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Signer:
    """An intermediate with its key."""

    certificate: x509.Certificate
    """The intermediate."""
    key: Key
    """Its key."""

    def key_digest(self, algorithm: hashes.HashAlgorithm) -> bytes:
        """Hash of the public key, as an OCSP request names its issuer."""
        digest = hashes.Hash(algorithm)
        digest.update(bare_key(self.certificate.public_key()))
        return digest.finalize()


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """An open hierarchy: its newest root and intermediate, and the older ones that are still trusted."""

    root: x509.Certificate
    """The newest root."""
    signers: tuple[Signer, ...]
    """Its intermediates, the one that signs now first; the others still answer for what they signed."""
    roots: tuple[x509.Certificate, ...]
    """Roots of before, still trusted."""
    cross: str
    """The newest root as signed by the one before it, PEM; empty for the first."""

    @staticmethod
    def place(tenant: str) -> str:
        """A folder's name for a tenant, whatever characters it has."""
        plain = re.fullmatch(r"[A-Za-z0-9_-]{1,48}", tenant)
        return tenant if plain else "tenant-" + hashlib.sha256(tenant.encode()).hexdigest()[:32]

    @classmethod
    def open(
        cls, folder: Path, algorithm: str, operator: str, label: str, password: bytes | None, now: int
    ) -> "Hierarchy":
        """The hierarchy in `folder`; made if there is none, with a new intermediate if the old one nears its end."""
        generation = _newest(folder, "root")
        if generation == 0:
            generation = 1
            _make_root(folder, generation, algorithm, label, operator, password, now)
        root = _read(folder / f"root-{generation}.pem")
        number = _newest(folder, "issuer")
        issuer = _read(folder / f"issuer-{number}.pem") if number else None
        if issuer is None or issuer.issuer != root.subject or _left(issuer, now) < INTERMEDIATE_DUE_S:
            number += 1
            _make_issuer(folder, number, root, generation, algorithm, operator, label, password, now)
        signers = [
            Signer(_read(folder / f"issuer-{n}.pem"), _read_key(folder / f"issuer-{n}.key", password))
            for n in range(number, 0, -1)
        ]
        roots = [_read(folder / f"root-{n}.pem") for n in range(1, generation)]
        cross = (folder / f"cross-{generation}.pem").read_text() if generation > 1 else ""
        return cls(root, tuple(signers), tuple(roots), cross)

    @property
    def issuer(self) -> x509.Certificate:
        """The intermediate that signs now."""
        return self.signers[0].certificate

    @property
    def key(self) -> Key:
        """Its key."""
        return self.signers[0].key

    @property
    def root_pem(self) -> str:
        """The newest root, PEM."""
        return names.pem(self.root)

    @property
    def above(self) -> str:
        """What follows a leaf in a chain, PEM: the intermediate, and what leads on to the root of before.

        So who has only the old root yet trusts what is signed under the new one.
        """
        return names.pem(self.issuer) + self.cross

    @property
    def intermediates(self) -> tuple[str, ...]:
        """Everything trusted beside the newest root, PEM."""
        return tuple(names.pem(one) for one in (*(s.certificate for s in self.signers), *self.roots))

    def due(self, now: int) -> bool:
        """True if it wants a new intermediate."""
        return _left(self.issuer, now) < INTERMEDIATE_DUE_S

    def builder(self, subject: x509.Name, key: CertificatePublicKeyTypes, now: int) -> x509.CertificateBuilder:
        """A certificate of this intermediate, without its end and purpose."""
        return _builder(subject, key, self.issuer, now).add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        )

    def sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        """The certificate."""
        return builder.sign(self.key, hashes.SHA256())

    def rotate(self, folder: Path, operator: str, password: bytes | None, now: int) -> str:
        """Make the next root in `folder`; return it as signed by the present one, PEM."""
        generation = _newest(folder, "root")
        old_key = _read_key(folder / f"root-{generation}.key", password)
        algorithm = "rsa" if isinstance(old_key, rsa.RSAPrivateKey) else "ecdsa"
        new = _make_root(folder, generation + 1, algorithm, folder.name, operator, password, now)
        builder = _authority(_builder(new.subject, new.public_key(), self.root, now), 1)
        end = min(new.not_valid_after_utc, self.root.not_valid_after_utc)
        cross = builder.not_valid_after(end).sign(old_key, hashes.SHA256()).public_bytes(Encoding.PEM)
        write_private(folder / f"cross-{generation + 1}.pem", cross)
        return cross.decode()


def key_usage(
    digital_signature: bool = False,
    key_encipherment: bool = False,
    key_agreement: bool = False,
    key_cert_sign: bool = False,
) -> x509.KeyUsage:
    """A KeyUsage with just these (A00.FR.512)."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=key_agreement,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _make_root(
    folder: Path, number: int, algorithm: str, label: str, operator: str, password: bytes | None, now: int
) -> x509.Certificate:
    key = _new_key(algorithm)
    # A part of the key's hash keeps the authorities of two tenants, or of a node set up anew, apart by name.
    subject = names.subject(operator, f"{label} root {number} {key_hash(key.public_key())[:8]}")
    builder = _authority(_builder(subject, key.public_key(), None, now), None)
    root = builder.not_valid_after(_time(now + ROOT_LIFE_S)).sign(key, hashes.SHA256())
    # The key first: a root without a key could sign nothing. A key alone is what a crash left, and signed nothing.
    (folder / f"root-{number}.key").unlink(missing_ok=True)
    write_private(folder / f"root-{number}.key", _private(key, password))
    write_private(folder / f"root-{number}.pem", root.public_bytes(Encoding.PEM))
    return root


def _make_issuer(
    folder: Path,
    number: int,
    root: x509.Certificate,
    generation: int,
    algorithm: str,
    operator: str,
    label: str,
    password: bytes | None,
    now: int,
) -> None:
    key = _new_key(algorithm)
    subject = names.subject(operator, f"{label} issuer {number} {key_hash(key.public_key())[:8]}")
    builder = _authority(_builder(subject, key.public_key(), root, now), 0)
    root_key = _read_key(folder / f"root-{generation}.key", password)
    end = min(_time(now + INTERMEDIATE_LIFE_S), root.not_valid_after_utc)
    issuer = builder.not_valid_after(end).sign(root_key, hashes.SHA256())
    (folder / f"issuer-{number}.key").unlink(missing_ok=True)
    write_private(folder / f"issuer-{number}.key", _private(key, password))
    write_private(folder / f"issuer-{number}.pem", issuer.public_bytes(Encoding.PEM))


def _builder(
    subject: x509.Name, key: CertificatePublicKeyTypes, issuer: x509.Certificate | None, now: int
) -> x509.CertificateBuilder:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(
        issuer.public_key() if issuer else key  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_time(now - BACKDATED_S))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(identifier, critical=False)
    )


def _authority(builder: x509.CertificateBuilder, below: int | None) -> x509.CertificateBuilder:
    return builder.add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True).add_extension(
        key_usage(digital_signature=True, key_cert_sign=True), critical=True
    )


def _new_key(algorithm: str) -> Key:
    return rsa.generate_private_key(65537, RSA_BITS) if algorithm == "rsa" else ec.generate_private_key(ec.SECP256R1())


def _private(key: Key, password: bytes | None) -> bytes:
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


def _read(path: Path) -> x509.Certificate:
    return names.load_pem(path.read_text())


def _read_key(path: Path, password: bytes | None) -> Key:
    try:
        key = load_pem_private_key(path.read_bytes(), password)
    except (TypeError, ValueError) as fault:
        raise InputInvalid(f"the key {path} cannot be opened: wrong password or not a key") from fault
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    return key


def _newest(folder: Path, kind: str) -> int:
    found = (re.fullmatch(rf"{kind}-(\d{{1,6}})\.pem", path.name) for path in folder.glob(f"{kind}-*.pem"))
    return max((int(match[1]) for match in found if match), default=0)


def _left(certificate: x509.Certificate, now: int) -> int:
    return int(certificate.not_valid_after_utc.timestamp()) - now


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
