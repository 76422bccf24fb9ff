"""Names in certificates: O, CN, eMAID. Pure."""

import re

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sunpile.basics.errors import InputInvalid

ADDRESS_LIKE = re.compile(r"://|^\d{1,3}(\.\d{1,3}){3}$|^[0-9a-fA-F:]*::?[0-9a-fA-F:]+$")
"""A station's CN must not look like a server's name (A00.FR.511)."""


def common_name(name: x509.Name) -> str:
    """The one CN of a subject; empty if there is none or several, so that no second one hides behind the first."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if len(found) == 1 else ""


def organisations(name: x509.Name) -> tuple[str, ...]:
    """Every O of a subject."""
    return tuple(str(found.value) for found in name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))


def subject(operator: str, name: str) -> x509.Name:
    """A subject with O and CN."""
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, operator), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )


def emaid(text: str) -> str:
    """An eMAID in one spelling: capitals without the optional separators and check digit."""
    bare = re.sub(r"[-*]", "", text).upper()
    return bare[:14] if re.fullmatch(r"[A-Z]{2}[A-Z0-9]{13}", bare) else bare


def pem(certificate: x509.Certificate) -> str:
    """A certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM).decode()


def load_pem(pem: str) -> x509.Certificate:
    """One certificate from PEM.

    Raises
    ------
    InputInvalid
        if it is none.
    """
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError as fault:
        raise InputInvalid("the certificate is not in PEM form or not an X.509 certificate") from fault


def load_chain(pem: str) -> list[x509.Certificate]:
    """Certificates from PEM, leaf first.

    Raises
    ------
    InputInvalid
        if there is none in it.
    """
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError as fault:
        raise InputInvalid("the chain is not in PEM form or holds something that is no X.509 certificate") from fault
