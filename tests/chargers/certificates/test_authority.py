"""The node's own authority: what it signs leads to its root, over real TLS too, and its keys are its own."""

import asyncio
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from chargers.certificates.people import NOW, csr, new_key
from sunpile.basics.errors import InputInvalid
from sunpile.chargers.certificates import chains, hierarchy, names
from sunpile.chargers.certificates.authority import DAY_S, LocalAuthority
from sunpile.chargers.certificates.ports import Revoked
from sunpile.chargers.certificates.requests import SigningRequest, read

YEAR_S = 365 * DAY_S


@pytest.fixture
def authority(tmp_path: Path) -> LocalAuthority:
    return LocalAuthority(tmp_path / "pki", lambda tenant: "Sun Grid", b"secret", "http://ocsp.example/ocsp")


async def signed(authority: LocalAuthority, tenant: str = "default", use: str | None = None, now: int = NOW, **more):
    request = read(csr(**more), use)
    assert isinstance(request, SigningRequest)
    return await authority.sign(tenant, request, now)


async def anchors(authority: LocalAuthority, tenant: str = "default", use: str = "csms") -> list[x509.Certificate]:
    return [names.load_pem(one) for one in await authority.anchors(tenant, use, NOW)]


async def test_a_signed_certificate_leads_to_this_tenants_root_only(authority: LocalAuthority) -> None:
    issued = await signed(authority)
    leaf, *above = names.load_chain(issued.chain)
    root, *_ = await anchors(authority)
    other, *_ = await anchors(authority, "other")
    found = chains.path(leaf, above, [root], NOW)
    assert isinstance(found, list)
    assert len(found) == 3
    fault = chains.path(leaf, above, [other], NOW)
    assert isinstance(fault, chains.ChainFault)
    assert fault.code in ("UnknownIssuer", "BadSignature")


async def test_certificates_are_short_lived_with_unlike_serials_and_marked_for_their_purpose(
    authority: LocalAuthority,
) -> None:
    leaves = [names.load_pem((await signed(authority)).pem) for _ in range(20)]
    assert len({leaf.serial_number for leaf in leaves}) == 20
    assert all(leaf.not_valid_after_utc.timestamp() == NOW + 90 * DAY_S for leaf in leaves)
    usage = leaves[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.ExtendedKeyUsageOID.CLIENT_AUTH, x509.ExtendedKeyUsageOID.SERVER_AUTH]
    with pytest.raises(x509.ExtensionNotFound):
        leaves[0].extensions.get_extension_for_class(x509.SubjectAlternativeName)


async def test_extensions_a_station_asks_for_are_not_signed(authority: LocalAuthority) -> None:
    subject = names.subject("Sun Grid", "SN-0001")
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    asked = builder.sign(new_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    request = read(asked, "ChargingStationCertificate")
    assert isinstance(request, SigningRequest)
    leaf = names.load_pem((await authority.sign("default", request, NOW)).pem)
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


async def test_keys_lie_encrypted_in_files_of_their_owner_and_are_read_again(
    authority: LocalAuthority, tmp_path: Path
) -> None:
    before = await anchors(authority)
    files = list((tmp_path / "pki").rglob("*.key"))
    assert len(files) == 2
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert b"ENCRYPTED" in file.read_bytes()
    again = LocalAuthority(tmp_path / "pki", lambda tenant: "Sun Grid", b"secret")
    assert await anchors(again) == before
    wrong = LocalAuthority(tmp_path / "pki", lambda tenant: "Sun Grid", b"other")
    with pytest.raises(InputInvalid, match="wrong password"):
        await anchors(wrong)


async def test_a_tenant_cannot_leave_the_folder_by_its_name(authority: LocalAuthority, tmp_path: Path) -> None:
    await anchors(authority, "../../outside")
    assert not (tmp_path.parent / "outside").exists()
    assert [path.name[:7] for path in (tmp_path / "pki").iterdir()] == ["tenant-"]


async def test_an_intermediate_near_its_end_is_followed_by_a_new_one_and_still_trusted(
    authority: LocalAuthority,
) -> None:
    old = await signed(authority)
    new = await signed(authority, now=NOW + 4 * YEAR_S + DAY_S)
    roots = await anchors(authority)
    leaf, *above = names.load_chain(new.chain)
    assert isinstance(chains.path(leaf, above, roots[:1], NOW + 4 * YEAR_S + 2 * DAY_S), list)
    first = names.load_pem(old.pem)
    assert isinstance(chains.path(first, roots[1:], roots[:1], NOW), list)


async def test_a_new_root_is_signed_by_the_old_one_and_both_are_trusted(authority: LocalAuthority) -> None:
    old_root, *_ = await anchors(authority)
    before = await signed(authority)
    cross = names.load_pem(await authority.rotate_root("default", "csms", NOW))
    cross.verify_directly_issued_by(old_root)
    new_root, *others = await anchors(authority)
    assert new_root.public_key() == cross.public_key()
    assert new_root != old_root
    assert old_root in others
    after = await signed(authority)
    leaf, *above = names.load_chain(after.chain)
    assert isinstance(chains.path(leaf, above, [new_root], NOW), list)
    assert cross in above
    assert isinstance(chains.path(leaf, above, [old_root], NOW), list), "by the station's old root"
    leaf, *above = names.load_chain(before.chain)
    assert isinstance(chains.path(leaf, above, [new_root, *others], NOW), list)


@pytest.mark.parametrize("algorithm", ["ecdsa", "rsa"])
async def test_a_server_certificate_is_accepted_by_a_tls_client_that_has_the_root(
    authority: LocalAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    import time

    monkeypatch.setattr(hierarchy, "RSA_BITS", 2048)
    now = int(time.time())
    identity = await authority.server("default", ["localhost", "127.0.0.1"], algorithm, now)
    chain, key = tmp_path / "server.pem", tmp_path / "server.key"
    chain.write_text(identity.chain)
    key.write_text(identity.key)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(chain, key)
    use = "csms-rsa" if algorithm == "rsa" else "csms"
    root = (await authority.anchors("default", use, now))[0]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_side)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=ssl.create_default_context(cadata=root), server_hostname="localhost"
    )
    assert await reader.read() == b"hello"
    writer.close()
    stranger = (await authority.anchors("other", "csms", now))[0]
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context(cadata=stranger))
    server.close()
    assert identity.not_after - now < DAY_S


class Book:
    def __init__(self, **known: Revoked | bool) -> None:
        self.known = known

    async def issued_status(self, tenant: str, serial: str) -> Revoked | bool:
        return self.known.get(serial, False)


async def test_the_authority_answers_ocsp_and_lists_what_is_revoked(authority: LocalAuthority) -> None:
    good, bad, strange = [names.load_chain((await signed(authority)).chain) for _ in range(3)]
    revoked = Revoked(format(bad[0].serial_number, "x"), NOW - 60, "key_compromise")
    book = Book(**{format(good[0].serial_number, "x"): True, revoked.serial: revoked})
    told = {}
    for name, (leaf, issuer) in {"good": good, "bad": bad, "strange": strange}.items():
        asked = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, hashes.SHA256())
        asked = asked.add_extension(x509.OCSPNonce(b"n" * 16), critical=False).build()
        der = await authority.ocsp("default", asked.public_bytes(serialization.Encoding.DER), book, NOW)
        answer = ocsp.load_der_ocsp_response(der)
        issuer.public_key().verify(answer.signature, answer.tbs_response_bytes, _ecdsa())
        assert answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"n" * 16
        told[name] = answer.certificate_status.name
    assert told == {"good": "GOOD", "bad": "REVOKED", "strange": "UNKNOWN"}
    listed = x509.load_der_x509_crl(await authority.crl("default", "csms", [revoked], NOW))
    assert listed.is_signature_valid(bad[1].public_key())
    assert [one.serial_number for one in listed] == [bad[0].serial_number]


async def test_ocsp_says_so_when_it_is_malformed_or_about_somebody_else(authority: LocalAuthority) -> None:
    junk = ocsp.load_der_ocsp_response(await authority.ocsp("default", b"junk", Book(), NOW))
    assert junk.response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST
    leaf, issuer = names.load_chain((await signed(authority, "other")).chain)
    asked = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, hashes.SHA1()).build()
    der = await authority.ocsp("default", asked.public_bytes(serialization.Encoding.DER), Book(), NOW)
    assert ocsp.load_der_ocsp_response(der).response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED


def _ecdsa():
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.ECDSA(hashes.SHA256())
