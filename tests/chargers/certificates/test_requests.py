"""A certificate signing request is judged by itself and by who sends it; each refusal has its own sentence."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import load_pem_x509_csr

from chargers.certificates.people import csr, new_key, weak_rsa
from sunpile.chargers.certificates.requests import Known, Refusal, SigningRequest, read, refusal

KNOWN = Known("CS-1", "SN-0001", "Sun Grid")


def judged(pem: str, known: Known = KNOWN, use: str | None = "ChargingStationCertificate") -> str | None:
    request = read(pem, use)
    found = request if isinstance(request, Refusal) else refusal(request, known)
    assert found is None or found.sentence
    return found.code if found else None


def test_a_request_with_the_operators_name_and_the_stations_serial_is_signed() -> None:
    assert judged(csr()) is None
    assert judged(csr(name="EVSE SN-0001 Munich")) is None
    assert judged(csr().replace("\n", "\\n")) is None
    assert judged(csr(key=rsa.generate_private_key(65537, 2048))) is None
    assert judged(csr(key=ec.generate_private_key(ec.SECP384R1()), digest=hashes.SHA384())) is None


@pytest.mark.parametrize(
    ("pem", "code"),
    [
        (csr(key=weak_rsa()), "WeakKey"),
        (csr(key=ec.generate_private_key(ec.SECP224R1())), "WeakKey"),
        (csr(digest=hashes.SHA224()), "WeakHash"),
        (csr(organisation="Other"), "WrongOrganisation"),
        (csr(organisation="Sun Grid GmbH"), "WrongOrganisation"),
        (csr(organisation=""), "WrongOrganisation"),
        (csr(name="SN-0002"), "WrongCommonName"),
        (csr(name=""), "NoCommonName"),
        (csr(more=("SN-0002",)), "NoCommonName"),
        (csr(name="wss://SN-0001"), "ServerName"),
        (csr(name="10.0.0.1"), "ServerName"),
        ("", "NotARequest"),
        ("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----", "NotARequest"),
    ],
)
def test_what_is_wrong_with_a_request_is_told(pem: str, code: str) -> None:
    assert judged(pem) == code


def test_ed25519_is_refused_as_a_key_stations_could_not_use_over_tls12() -> None:
    assert judged(_ed25519()) == "WeakKey"


def _ed25519() -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sun Grid"), x509.NameAttribute(NameOID.COMMON_NAME, "SN-0001")]
    )
    request = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return request.sign(ed25519.Ed25519PrivateKey.generate(), None).public_bytes(Encoding.PEM).decode()


def test_a_request_not_signed_by_its_own_key_is_refused() -> None:
    from base64 import b64encode

    from cryptography.hazmat.primitives.serialization import Encoding

    whole = load_pem_x509_csr(csr().encode())
    other = load_pem_x509_csr(csr(name="SN-0002").encode())
    der = whole.public_bytes(Encoding.DER)
    forged = der.replace(b"SN-0001", b"SN-0009")
    assert forged != der
    pem = b"-----BEGIN CERTIFICATE REQUEST-----\n" + b64encode(forged) + b"\n-----END CERTIFICATE REQUEST-----\n"
    assert other.is_signature_valid
    assert judged(pem.decode(), Known("CS-9", "SN-0009", "Sun Grid")) == "BadSignature"


@pytest.mark.parametrize(
    ("known", "code"),
    [
        (Known("CS-1", "", "Sun Grid"), "SerialUnknown"),
        (Known("CS-1", "SN-0001", "Sun Grid", serial_shared=True), "SerialShared"),
        (Known("CS-1", "SN-0001", "Sun Grid", key_used=True), "KeyUsed"),
        (Known("CS-1", "SN-0001", "Sun Grid", name_of="CS-2"), "NameTaken"),
    ],
)
def test_a_good_request_of_the_wrong_station_is_refused(known: Known, code: str) -> None:
    assert judged(csr(), known) == code


def test_a_certificate_towards_cars_need_not_name_the_serial_but_needs_a_key_of_its_own() -> None:
    pem = csr(organisation="V2G Org", name="DE*SUN*S1")
    assert judged(pem, use="V2GCertificate") is None
    assert judged(pem, Known("CS-1", "", "Sun Grid", key_used=True), "V2G20Certificate") == "KeyUsed"


def test_without_a_type_a_certificate_serves_both_ends_and_keeps_to_the_strict_rules() -> None:
    request = read(csr(), None)
    assert isinstance(request, SigningRequest)
    assert request.use == "Combined"
    assert judged(csr(name="SN-0002"), use=None) == "WrongCommonName"


def test_the_same_key_gives_the_same_hash() -> None:
    key = new_key()
    first, second = read(csr(key=key), None), read(csr(name="SN-0001 again", key=key), None)
    assert isinstance(first, SigningRequest)
    assert isinstance(second, SigningRequest)
    assert first.key_hash == second.key_hash
