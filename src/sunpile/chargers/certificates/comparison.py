"""What a station says is installed, beside what should be. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from sunpile.basics.errors import InputInvalid
from sunpile.chargers.certificates import hashes, names
from sunpile.chargers.certificates.ports import Root
from sunpile.chargers.commands import CommandResult
from sunpile.chargers.commands.upkeep import RootKind

ROOT_KINDS: tuple[str, ...] = get_args(RootKind)
KINDS_OF = {
    "1.6": ("CSMSRootCertificate", "ManufacturerRootCertificate"),
    "2.0.1": tuple(kind for kind in ROOT_KINDS if kind != "OEMRootCertificate"),
}
"""Kinds a version knows; 2.1 knows all."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A certificate a station has."""

    kind: str
    """GetCertificateIdUse."""
    data: dict[str, str]
    """Its hash data."""
    name: str
    """Subject, if we know it; else empty."""
    fingerprint: str
    """SHA-256 of it, hex, if we know it; else empty."""
    wanted: bool
    """It belongs there."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is there and what is missing."""

    installed: tuple[Installed, ...]
    """What the station has."""
    missing: tuple[Root, ...]
    """What it should have and has not."""
    strange: int
    """How many of those there we do not know."""


def read(result: CommandResult) -> list[tuple[str, dict[str, str]]]:
    """Kind and normal hash data of each certificate in a station's answer; its chains' children too."""
    chain = cast("list[dict[str, Any]]", (result.data or {}).get("certificateHashDataChain", []))
    found: list[tuple[str, dict[str, str]]] = []
    for one in chain:
        kind = str(one.get("certificateType", ""))
        for data in (one.get("certificateHashData"), *one.get("childCertificateHashData", [])):
            try:
                found.append((kind, hashes.normal(cast("dict[str, str]", data))))
            except (InputInvalid, TypeError):
                continue  # What cannot be read cannot be compared; the frame log has it.
    return found


def compare(
    rows: Sequence[tuple[str, Mapping[str, str]]], roots: Sequence[Root], version: str, kinds: Sequence[str] | None
) -> Comparison:
    """Put what is there beside `roots`."""
    installed: list[Installed] = []
    there: set[tuple[str, str]] = set()  # Kind, and key of the root: signed by itself or by its forerunner.
    for kind, data in rows:
        root = next((root for root in roots if root.kind == kind and is_root(data, root, roots)), None)
        name = names.load_pem(root.pem).subject.rfc4514_string() if root else ""
        mark, wanted = (root.fingerprint, root.wanted) if root else ("", False)
        installed.append(Installed(kind, dict(data), name, mark, wanted))
        if root is not None:
            there.add((kind, _key(root)))
    asked = set(kinds or ROOT_KINDS) & set(KINDS_OF.get(version, ROOT_KINDS))
    missing = [root for root in roots if root.wanted and root.kind in asked and (root.kind, _key(root)) not in there]
    return Comparison(tuple(installed), tuple(missing), sum(1 for one in installed if not one.fingerprint))


def is_root(data: Mapping[str, str], root: Root, roots: Sequence[Root]) -> bool:
    """True if the normal hash data is that of `root`, whose issuer is itself or one of `roots`."""
    certificate = names.load_pem(root.pem)
    if hashes.names(data, certificate, certificate):
        return True
    issuers = (names.load_pem(other.pem) for other in roots)
    return any(hashes.names(data, certificate, one) for one in issuers if one.subject == certificate.issuer)


def _key(root: Root) -> str:
    return hashes.key_hash(names.load_pem(root.pem).public_key())


def may_be_root(certificate: x509.Certificate) -> bool:
    """True if it may issue certificates."""
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def pairs(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> list[tuple[str, str]]:
    """Each certificate of the chain with who really signed it, PEM."""
    found: list[tuple[str, str]] = []
    for one in chain:
        for above in (*chain, *roots):
            if above.subject == one.issuer and _by(one, above):
                found.append((names.pem(one), names.pem(above)))
                break
    return found


def _by(one: x509.Certificate, above: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(above)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True
