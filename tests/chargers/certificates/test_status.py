"""A certificate's status is asked by its own words and an allow-list; no URL of a station is ever fetched."""

import base64
import socket

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes as digests
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from chargers.certificates.fakes import STATION, House
from chargers.certificates.people import NOW, certificate, csr, pem
from sunpile.basics.errors import Forbidden, Unreachable
from sunpile.chargers.certificates import fetching, revocation
from sunpile.chargers.certificates.fetching import AllowedFetcher, is_public, target
from sunpile.chargers.certificates.hashes import hash_data, normal
from sunpile.chargers.certificates.names import load_chain
from sunpile.chargers.certificates.status import CertificateStatus
from sunpile.chargers.notices import Question

INSIDE = [
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::1]/",
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://0x7f.1:{port}/",
    "http://2130706433:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://0.0.0.0:{port}/",
    "http://10.0.0.1/",
    "http://[fd00::1]/",
    "http://metadata.google.internal/",
    "http://ocsp.example@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@ocsp.example/",
    "http://ocsp.example:{port}/redirect?to=http://127.0.0.1/",
    "http://127.0.0.1.nip.io:{port}/",
    "http://rebind.example:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "http://127.0.0.1\r\nHost: ocsp.example:{port}/",
    "//127.0.0.1:{port}/",
]


class Outside(Exception):
    pass


@pytest.fixture
def tripwires(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Anything that leaves the process, by name or by address, is noted and stopped."""
    tripped: list[str] = []

    def trip(name: str):
        def tripped_by(*arguments, **_more):
            tripped.append(f"{name} {arguments}")
            raise Outside(name)

        return tripped_by

    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, trip(name))
    monkeypatch.setattr(socket.socket, "connect", trip("connect"))
    monkeypatch.setattr(socket.socket, "connect_ex", trip("connect_ex"))
    return tripped


async def test_no_address_a_station_gives_is_asked_or_looked_up(house: House, tripwires: list[str]) -> None:
    status = CertificateStatus(
        house.authority, house.store, house.store, AllowedFetcher(["ocsp.example", "rebind.example"]), house.clock
    )
    root, root_key = certificate("V2G Root", ca=True)
    leaf, _ = certificate("SECC", issuer=root, issuer_key=root_key)
    house.store.known_ += [("default", pem(leaf), pem(root))]
    known, unknown = hash_data(leaf, root), hash_data(certificate("Nobody")[0], root)
    assert len(INSIDE) >= 20
    for url in INSIDE:
        url = url.format(port=8080)
        for data in (known, unknown):
            answer = await status.get_status(STATION, {"ocspRequestData": data | {"responderURL": url}})
            assert answer["status"] == "Failed"
            asked = [{"certificateHashData": data, "source": source, "urls": [url]} for source in ("OCSP", "CRL")]
            rows = (await status.get_chain_status(STATION, {"certificateStatusRequests": asked}))["certificateStatus"]
            assert {row["status"] for row in rows} <= {"Failed", "Unknown"}
    assert tripwires == []


async def test_nor_one_in_a_certificate_that_names_it_unless_its_host_is_allowed(
    house: House, tripwires: list[str]
) -> None:
    status = CertificateStatus(house.authority, house.store, house.store, AllowedFetcher(["ocsp.example"]), house.clock)
    root, root_key = certificate("V2G Root", ca=True)
    for url in INSIDE:
        url = url.format(port=8080).replace("\r\n", "")
        leaf, _ = certificate("SECC", issuer=root, issuer_key=root_key, ocsp_url=url, crl_url=url)
        house.store.known_ = [("default", pem(leaf), pem(root))]
        for source in ("OCSP", "CRL"):
            one = {"certificateHashData": hash_data(leaf, root), "source": source, "urls": ["http://ocsp.example/"]}
            rows = (await status.get_chain_status(STATION, {"certificateStatusRequests": [one]}))["certificateStatus"]
            assert rows[0]["status"] == "Failed"
    assert tripwires == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "::1",
        "::ffff:8.8.8.8",
        "fe80::1%eth0",
        "64:ff9b::7f00:1",
        "100.64.0.1",
        "2002:7f00:1::",
        "224.0.0.1",
        "0.0.0.0",
        "fd00::1",
        "255.255.255.255",
        "::",
        "nonsense",
    ],
)
def test_addresses_of_our_own_network_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_public_ones_are() -> None:
    assert is_public("8.8.8.8")
    assert is_public("2606:4700::1111")


async def test_a_name_with_one_private_address_is_not_asked_and_the_address_looked_at_is_the_one_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [["8.8.8.8", "10.0.0.1"], ["8.8.4.4"], ["127.0.0.1"]]
    asked: list[str] = []

    async def resolver(host: str, port: int) -> list[str]:
        return answers.pop(0)

    async def exchange(wanted, address, body, content_type) -> bytes:
        asked.append(address)
        return b"ok"

    monkeypatch.setattr(fetching, "_exchange", exchange)
    fetcher = AllowedFetcher(["ocsp.example"], resolver)
    with pytest.raises(Forbidden):
        await fetcher.fetch("http://ocsp.example/", b"x")
    assert await fetcher.fetch("http://ocsp.example/", b"x") == b"ok"
    with pytest.raises(Forbidden):
        await fetcher.fetch("http://ocsp.example/", b"x")
    assert asked == ["8.8.4.4"]


async def test_over_a_real_socket_an_answer_is_read_and_a_redirect_is_not_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import asyncio

    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head)
        if b"/good" in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine")
        else:
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: /good\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setattr(fetching, "is_public", lambda address: True)
    monkeypatch.setitem(fetching.PORTS, "http", port)

    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    fetcher = AllowedFetcher(["ocsp.example"], resolver)
    assert await fetcher.fetch("http://ocsp.example/good", b"x", "application/ocsp-request") == b"fine"
    assert b"ocsp.example" in seen[0]
    with pytest.raises(Unreachable):
        await fetcher.fetch("http://ocsp.example/elsewhere")
    assert len(seen) == 2
    server.close()


def test_only_allowed_names_in_plain_urls_are_targets() -> None:
    allowed = frozenset({"ocsp.example"})
    assert target("https://OCSP.example/a?b", allowed).path == "/a?b"
    for url in (
        "http://ocsp.example:8080/",
        "ftp://ocsp.example/",
        "http://evil.example/",
        "http://ocsp.example.evil/",
    ):
        with pytest.raises(Forbidden):
            target(url, allowed)


# -- answers ------------------------------------------------------------------------------------------------------


async def test_our_own_certificates_are_answered_by_ourselves(house: House) -> None:
    await house.desk.asked(Question(STATION, "SignCertificate", {"csr": csr()}))
    await house.signing.settled()
    [record] = house.store.records.values()
    leaf, issuer = load_chain(record.chain)
    for algorithm in ("SHA256", "SHA384", "SHA512"):
        data = hash_data(leaf, issuer, algorithm)
        data["serialNumber"] = "00" + data["serialNumber"].upper()
        payload = {"ocspRequestData": data | {"responderURL": "http://127.0.0.1/"}}
        answer = await house.desk.asked(Question(STATION, "GetCertificateStatus", payload))
        assert answer is not None
        assert answer["status"] == "Accepted"
        told = ocsp.load_der_ocsp_response(base64.b64decode(answer["ocspResult"]))
        assert told.certificate_status is ocsp.OCSPCertStatus.GOOD
        assert told.serial_number == leaf.serial_number
    house.store.records[record.fingerprint] = _revoked(record)
    asked = [{"certificateHashData": hash_data(leaf, issuer), "source": one, "urls": ["x"]} for one in ("OCSP", "CRL")]
    answer = await house.desk.asked(
        Question(STATION, "GetCertificateChainStatus", {"certificateStatusRequests": asked})
    )
    assert answer is not None
    assert [row["status"] for row in answer["certificateStatus"]] == ["Revoked", "Revoked"]
    assert house.fetches.urls == []


def _revoked(record):
    from dataclasses import replace

    return replace(record, state="revoked", revoked_at=NOW - 1, reason="superseded")


def answer_by(key, leaf, issuer, status=ocsp.OCSPCertStatus.GOOD, at=NOW, responder=None):
    from datetime import UTC, datetime, timedelta

    start = datetime.fromtimestamp(at, UTC)
    builder = ocsp.OCSPResponseBuilder().add_response(
        leaf, issuer, digests.SHA256(), status, start, start + timedelta(hours=1), None, None
    )
    return builder.responder_id(ocsp.OCSPResponderEncoding.HASH, responder or issuer).sign(key, digests.SHA256())


async def test_anothers_certificate_is_asked_where_it_says_and_kept_until_the_answer_ends(house: House) -> None:
    root, key = certificate("V2G Root", ca=True)
    leaf, _ = certificate("SECC", issuer=root, issuer_key=key, ocsp_url="http://ocsp.example/v2g")
    house.store.known_ += [("default", pem(leaf), pem(root))]
    der = answer_by(key, leaf, root).public_bytes(Encoding.DER)
    house.fetches.answers["http://ocsp.example/v2g"] = lambda body: der
    payload = {"ocspRequestData": hash_data(leaf, root) | {"responderURL": "http://169.254.169.254/"}}
    for _ in range(3):
        answer = await house.desk.asked(Question(STATION, "GetCertificateStatus", payload))
        assert answer == {"status": "Accepted", "ocspResult": base64.b64encode(der).decode()}
    assert house.fetches.urls == ["http://ocsp.example/v2g"]
    stranger = await house.desk.asked(Question("CS-X", "GetCertificateStatus", payload))
    assert stranger is not None
    assert stranger["status"] == "Failed", "another tenant does not know it"


def test_an_answer_is_believed_only_if_it_is_the_issuers_and_of_this_time() -> None:
    root, key = certificate("V2G Root", ca=True)
    other, other_key = certificate("Other", ca=True)
    leaf, _ = certificate("SECC", issuer=root, issuer_key=key)
    data = normal(hash_data(leaf, root))

    def word(answer: ocsp.OCSPResponse, at: int = NOW) -> str:
        return revocation.read_ocsp(answer.public_bytes(Encoding.DER), data, root, at).word

    assert word(answer_by(key, leaf, root)) == "Good"
    assert word(answer_by(other_key, leaf, root, responder=other)) == "Failed"
    assert word(answer_by(key, leaf, root), NOW + 4000) == "Failed"
    assert word(answer_by(key, leaf, root), NOW - 4000) == "Failed"
    assert word(answer_by(other_key, leaf, other)) == "Failed"
    assert revocation.read_ocsp(b"junk", data, root, NOW).word == "Failed"
    assert word(ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)) == "Failed"


def test_a_list_of_revoked_ones_is_read_if_it_is_the_issuers() -> None:
    from datetime import UTC, datetime, timedelta

    root, key = certificate("V2G Root", ca=True)
    start = datetime.fromtimestamp(NOW, UTC)
    entry = x509.RevokedCertificateBuilder().serial_number(7).revocation_date(start).build()
    builder = x509.CertificateRevocationListBuilder().issuer_name(root.subject).last_update(start)
    listed = builder.next_update(start + timedelta(hours=1)).add_revoked_certificate(entry).sign(key, digests.SHA256())
    der = listed.public_bytes(Encoding.DER)
    assert revocation.read_crl(der, 7, root, NOW).word == "Revoked"
    assert revocation.read_crl(der, 8, root, NOW).word == "Good"
    assert revocation.read_crl(der, 7, root, NOW + 4000).word == "Failed"
    assert revocation.read_crl(der, 7, certificate("V2G Root", ca=True)[0], NOW).word == "Failed"
