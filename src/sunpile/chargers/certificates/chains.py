"""Whether a chain of certificates leads to a root we trust, at a given time. Pure.

RFC 5280 section 6 as far as charging needs it. Written here because stations' certificates have no subjectAltName
(A00.FR.511) and the reason has to be told apart: expired, not yet valid, broken signature, unknown root.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

DEPTH_MAX = 6
UNDERSTOOD = {
    x509.OID_BASIC_CONSTRAINTS,
    x509.OID_KEY_USAGE,
    x509.OID_EXTENDED_KEY_USAGE,
    x509.OID_SUBJECT_ALTERNATIVE_NAME,
    x509.OID_CERTIFICATE_POLICIES,
    x509.OID_CRL_DISTRIBUTION_POINTS,
    x509.OID_AUTHORITY_KEY_IDENTIFIER,
    x509.OID_SUBJECT_KEY_IDENTIFIER,
    x509.OID_AUTHORITY_INFORMATION_ACCESS,
}


@dataclass(frozen=True, slots=True)
class ChainFault:
    """Why a chain is not trusted."""

    code: str
    """Expired, NotYetValid, BadSignature, UnknownIssuer, NotAnAuthority, WeakKey or Malformed."""
    sentence: str
    """Which certificate, and what."""


def path(
    leaf: x509.Certificate, others: Iterable[x509.Certificate], roots: Sequence[x509.Certificate], at: int
) -> list[x509.Certificate] | ChainFault:
    """The path from `leaf` to one of `roots` (both in it) at `at` [Unix s], or why there is none."""
    now = datetime.fromtimestamp(at, UTC)
    trusted, pool = list(roots), [*others]
    found, fault = [leaf], None
    while len(found) <= DEPTH_MAX:
        here = found[-1]
        fault = _valid(here, now)
        if fault is not None:
            return fault
        if here in trusted:
            return found
        issuer = _issuer(here, [*trusted, *pool], found)
        if isinstance(issuer, ChainFault):
            return issuer
        fault = _may_issue(issuer, len(found) - 1)
        if fault is not None:
            return fault
        found.append(issuer)
    return ChainFault("Malformed", f"the chain is longer than {DEPTH_MAX} certificates")


def _issuer(
    here: x509.Certificate, candidates: Sequence[x509.Certificate], found: Sequence[x509.Certificate]
) -> x509.Certificate | ChainFault:
    """Who signed `here`, roots first."""
    named = [one for one in candidates if one.subject == here.issuer and one not in found]
    if not named:
        return ChainFault("UnknownIssuer", f"nobody we trust is the issuer {_text(here.issuer)}")
    for one in named:
        try:
            here.verify_directly_issued_by(one)
        except (InvalidSignature, TypeError, ValueError, UnsupportedAlgorithm):
            continue
        return one
    return ChainFault("BadSignature", f"the signature on {_text(here.subject)} is not by its issuer")


def _valid(one: x509.Certificate, now: datetime) -> ChainFault | None:
    name = _text(one.subject)
    try:
        critical = {extension.oid for extension in one.extensions if extension.critical}
        key, digest = one.public_key(), one.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        return ChainFault("Malformed", f"{name} cannot be read whole")
    if now > one.not_valid_after_utc:
        return ChainFault("Expired", f"{name} has expired")
    if now < one.not_valid_before_utc:
        return ChainFault("NotYetValid", f"{name} is not valid yet")
    if critical - UNDERSTOOD:
        return ChainFault("Malformed", f"{name} has a critical extension that is not understood")
    weak = isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048
    weak |= isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size < 224
    if weak or isinstance(digest, hashes.SHA1 | hashes.MD5):
        return ChainFault("WeakKey", f"{name} has a weak key or hash")
    return None


def _may_issue(issuer: x509.Certificate, below: int) -> ChainFault | None:
    """`below`: authorities between `issuer` and the leaf."""
    try:
        basic = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = [e.value for e in issuer.extensions if isinstance(e.value, x509.KeyUsage)]
    except (x509.ExtensionNotFound, ValueError, x509.DuplicateExtension):
        basic, usage = x509.BasicConstraints(False, None), []
    if not basic.ca or any(not one.key_cert_sign for one in usage):
        return ChainFault("NotAnAuthority", f"{_text(issuer.subject)} may not issue certificates")
    if basic.path_length is not None and basic.path_length < below:
        return ChainFault("NotAnAuthority", f"{_text(issuer.subject)} may not have so many authorities below it")
    return None


def _text(name: x509.Name) -> str:
    return name.rfc4514_string() or "a certificate without a name"
