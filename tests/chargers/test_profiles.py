"""Security profiles 0 to 3: each station comes in by its own, on real TLS sockets."""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import websockets
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chargers.fakes import PASSWORD, Book, Inbox, Pile, StillClock, basic
from chargers.papers import Paper, client, paper
from chargers.test_server import FAST, P1, until
from sunpile.chargers import Csms, Limits, tls
from sunpile.chargers.access import Attempt, judge, password_hash
from sunpile.chargers.notices import SecurityEvent
from sunpile.chargers.ports import StationRecord
from sunpile.chargers.server import Door

SOAK = os.environ.get("SUNPILE_SOAK") == "1"
ROOT, OTHER = paper("root"), paper("other root", "Elsewhere")
HEADER = basic("P1")["Authorization"]
KEY = bytes.fromhex(PASSWORD)
PLAIN, BARE = {"header": HEADER}, dict[str, Any]()
WITH_TLS, WITH_CERTIFICATE = {"header": HEADER, "tls": True}, {"tls": True, "certificate": True}


def record(profile: int, next_profile: int | None = None, **more: Any) -> StationRecord:
    return StationRecord(P1, "default", b"s", password_hash(b"s", KEY), 1, profile, next_profile, **more)


@pytest.mark.parametrize(
    ("profile", "raise_to", "way", "reason", "by"),
    [
        (0, None, BARE, None, 0),
        (0, None, PLAIN, None, 0),
        (0, None, WITH_TLS, "TLS instead of plain", 1),
        (0, 1, PLAIN, None, 1),
        (0, 1, BARE, None, 0),
        (1, None, PLAIN, None, 1),
        (1, None, BARE, "no credentials", 1),
        (1, None, WITH_TLS, "TLS instead of plain", 1),
        (1, 2, WITH_TLS, None, 2),
        (1, 2, PLAIN, None, 1),
        (1, 2, {"tls": True}, "no credentials", 2),
        (2, None, PLAIN, "plain instead of TLS", 1),
        (2, 1, PLAIN, "plain instead of TLS", 1),
        (2, None, WITH_TLS, None, 2),
        (2, None, WITH_CERTIFICATE, "no credentials", 2),
        (2, 3, WITH_CERTIFICATE, None, 3),
        (3, None, WITH_CERTIFICATE, None, 3),
        (3, None, WITH_TLS, "no client certificate", 1),
        (3, None, PLAIN, "plain instead of TLS", 1),
        (3, 2, WITH_TLS, "no client certificate", 1),
    ],
)
def test_a_station_comes_in_by_its_own_profile_or_the_one_it_is_to_raise_to(
    profile: int, raise_to: int | None, way: dict[str, Any], reason: str | None, by: int
) -> None:
    verdict = judge(Attempt("P1", record=record(profile, raise_to), **way), insecure=(0, 1))
    assert (verdict.reason, verdict.profile) == (reason, by)


@pytest.mark.parametrize(("profile", "way"), [(0, BARE), (1, PLAIN)])
def test_profiles_without_tls_need_the_switch(profile: int, way: dict[str, Any]) -> None:
    attempt = Attempt("P1", record=record(profile), **way)
    assert judge(attempt, insecure=()).reason == "profile not allowed"
    assert judge(attempt, insecure=(1 - profile,)).reason == "profile not allowed"
    assert judge(attempt, insecure=(profile,)).reason is None


def test_a_password_on_its_way_is_good_beside_the_old_one() -> None:
    new = b"n" * 20
    waiting = record(1, secrets=((b"t", password_hash(b"t", new)),))
    assert judge(Attempt("P1", HEADER, record=waiting), (1,)) == (None, 1, None)
    header = basic("P1", new.hex())["Authorization"]
    assert judge(Attempt("P1", header, record=waiting), (1,)) == (None, 1, b"t")
    assert judge(Attempt("P1", header, record=record(1)), (1,)).reason == "wrong password"


class Judge:
    """Stands in for the certificates' part: the CN must hold the serial number."""

    async def check(self, der: bytes, station: StationRecord) -> str | None:
        name = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        return None if station.serial in str(name) else "certificate with wrong CN"


class Ground:
    """A server with a door of each kind."""

    def __init__(self, folder: Path, limits: Limits = FAST) -> None:
        self.folder = folder
        self.book, self.inbox, self.clock = Book("P1", "P2"), Inbox(), StillClock()
        self.csms = Csms(self.book, self.inbox, self.clock, limits=limits, insecure=(1,), certificates=Judge())
        keys = [tls.ServerKey(*paper("node", by=ROOT, kind=kind).save(folder, kind)) for kind in ("ec", "rsa")]
        self.plan = tls.TlsPlan(keys, client_roots=ROOT.pem)
        self.context = tls.context(self.plan, self.csms.handshake_failed)

    def own(self, one: Paper) -> tuple[Path, Path]:
        return one.save(self.folder, "station")

    @contextlib.asynccontextmanager
    async def connect(self, made: ssl.SSLContext | None, headers: dict[str, str] | None = None) -> AsyncIterator[Pile]:
        plain, secure = self.csms.ports
        url = f"ws://127.0.0.1:{plain}/ocpp/P1" if made is None else f"wss://127.0.0.1:{secure}/ocpp/P1"
        async with websockets.connect(
            url,
            subprotocols=[websockets.Subprotocol("ocpp1.6")],
            additional_headers=headers or {},
            ssl=made,
            compression=None,
        ) as socket:
            yield Pile(socket)

    async def refused(self, made: ssl.SSLContext | None, headers: dict[str, str] | None = None) -> int:
        with pytest.raises(websockets.InvalidStatus) as caught:
            async with self.connect(made, headers):
                pass
        return caught.value.response.status_code


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    made = Ground(tmp_path)
    await made.csms.open(Door("127.0.0.1", 0), Door("127.0.0.1", 0, made.context))
    yield made
    await made.csms.stop()
    assert made.clock.working == 0


async def test_profile_2_is_a_password_over_tls(ground: Ground) -> None:
    ground.book.change("P1", security_profile=2)
    async with ground.connect(client(ROOT), basic("P1")) as p:
        assert (await p.call("Heartbeat", {}))[0] == 3
        line = ground.csms.stations[P1].line
        assert (line.profile, line.address, line.tls[:7]) == (2, "127.0.0.1", "TLSv1.3")
    assert await ground.refused(client(ROOT), basic("P1", "0" * 40)) == 401
    assert await ground.refused(None, basic("P1")) == 401
    facts = ground.book.refused_facts
    assert [one.reason for one in facts] == ["wrong password", "plain instead of TLS"]
    assert facts[0].tls.startswith("TLSv1.3")
    assert (facts[0].address, facts[0].offered, facts[1].tls) == ("127.0.0.1", "ocpp1.6", "")


async def test_profile_3_is_the_certificate_of_this_station(ground: Ground) -> None:
    ground.book.change("P1", security_profile=3, serial="SN-17")
    async with ground.connect(client(ROOT, ground.own(paper("pile SN-17", by=ROOT)))) as p:
        assert (await p.call("Heartbeat", {}))[0] == 3
        assert ground.csms.stations[P1].line.profile == 3
    assert await ground.refused(client(ROOT), basic("P1")) == 401
    assert await ground.refused(client(ROOT, ground.own(paper("pile SN-18", by=ROOT)))) == 401
    assert [one.reason for one in ground.book.refused_facts] == ["no client certificate", "certificate with wrong CN"]
    event = next(one for one in ground.inbox.events if isinstance(one, SecurityEvent))
    assert (event.kind, event.station) == ("InvalidChargingStationCertificate", P1)


async def test_an_expired_certificate_reaches_the_check_that_knows_whose_it_is(ground: Ground) -> None:
    ground.book.change("P1", security_profile=3, serial="SN-17")
    old = paper("pile SN-18", by=ROOT, days=-1)
    assert await ground.refused(client(ROOT, ground.own(old))) == 401
    assert ground.book.refusals == [("P1", "certificate with wrong CN")]


async def test_once_raised_a_profile_is_never_lowered(ground: Ground) -> None:
    ground.book.change("P1", next_profile=2)
    async with ground.connect(None, basic("P1")) as p:
        assert (await p.call("Heartbeat", {}))[0] == 3
    async with ground.connect(client(ROOT), basic("P1")) as p:
        assert (await p.call("Heartbeat", {}))[0] == 3
    assert ground.book.records["P1"].security_profile == 2
    assert await ground.refused(None, basic("P1")) == 401


async def test_the_old_password_is_good_until_the_new_one_is_used(ground: Ground) -> None:
    new = "A" * 40
    ground.book.change("P1", secrets=((b"t", password_hash(b"t", bytes.fromhex(new))),))
    for password in (PASSWORD, new):
        async with ground.connect(None, basic("P1", password)) as p:
            assert (await p.call("Heartbeat", {}))[0] == 3
        await until(lambda: ground.csms.live(P1) is None)
    assert await ground.refused(None, basic("P1", PASSWORD)) == 401
    async with ground.connect(None, basic("P1", new)) as p:
        assert (await p.call("Heartbeat", {}))[0] == 3


@pytest.mark.parametrize(
    ("suite", "kind"), [("ECDHE-ECDSA-AES128-GCM-SHA256", "ec"), ("ECDHE-RSA-AES256-GCM-SHA384", "rsa")]
)
async def test_each_station_gets_the_certificate_it_can_use(ground: Ground, suite: str, kind: str) -> None:
    ground.book.change("P1", security_profile=2)
    made = client(ROOT, maximum_version=ssl.TLSVersion.TLSv1_2)
    made.set_ciphers(suite)
    async with ground.connect(made, basic("P1")) as p:
        shown = x509.load_der_x509_certificate(p.socket.transport.get_extra_info("ssl_object").getpeercert(True))
        assert isinstance(shown.public_key(), ec.EllipticCurvePublicKey) == (kind == "ec")
        await until(lambda: ground.csms.live(P1))
        assert ground.csms.stations[P1].line.tls == f"TLSv1.2 {suite}"
        assert p.socket.transport.get_extra_info("ssl_object").compression() is None


def knock_at(port: int, made: ssl.SSLContext | None) -> None:
    """Knock at the TLS door in vain, as a station's TLS library does: with an alert."""
    with socket.create_connection(("127.0.0.1", port), 5) as raw:
        if made is None:
            raw.sendall(b"GET /ocpp/P1 HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                raw.recv(100)
            return
        # TLS 1.3 tells a client only after its handshake that its certificate is none.
        with (
            contextlib.suppress(ssl.SSLError, ConnectionError),
            made.wrap_socket(raw, server_hostname="127.0.0.1") as s,
        ):
            assert s.recv(100) == b""


async def test_why_tls_failed_is_written_down_in_words(ground: Ground) -> None:
    ground.book.change("P1", security_profile=2)
    old = client(ROOT, minimum_version=ssl.TLSVersion.MINIMUM_SUPPORTED, maximum_version=ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("ALL@SECLEVEL=0")
    weak = client(ROOT, maximum_version=ssl.TLSVersion.TLSv1_2)
    weak.set_ciphers("AES128-GCM-SHA256")
    stranger = client(ROOT, ground.own(paper("pile", by=OTHER)))
    for made, reason in (
        (client(OTHER), "TLS distrusted us"),
        (old, "TLS version"),
        (weak, "TLS cipher"),
        (stranger, "TLS client certificate"),
        (None, "plain text to TLS port"),
    ):
        ground.csms._admission._told = type(ground.csms._admission._told)(99, 1)
        before = len(ground.book.refused_facts)
        await asyncio.to_thread(knock_at, ground.csms.ports[1], made)
        await until(lambda: len(ground.book.refused_facts) > before)  # noqa: B023
        assert (ground.book.refused_facts[-1].reason, ground.book.refused_facts[-1].address) == (reason, "127.0.0.1")


async def test_tls_to_the_plain_port_is_written_down_in_words(ground: Ground) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", ground.csms.ports[0])
    writer.write(b"\x16\x03\x01\x02\x00\x01")
    writer.close()
    await until(lambda: ground.book.refusals)
    assert ground.book.refusals == [("", "wrong scheme")]


async def test_the_old_suites_are_an_opt_in(ground: Ground) -> None:
    ground.book.change("P1", security_profile=2)
    context = tls.context(tls.TlsPlan(ground.plan.keys, old_suites=True))
    await ground.csms.open(Door("127.0.0.1", 0, context))
    weak = client(ROOT, maximum_version=ssl.TLSVersion.TLSv1_2)
    weak.set_ciphers("AES256-GCM-SHA384")
    url = f"wss://127.0.0.1:{ground.csms.ports[2]}/ocpp/P1"
    async with websockets.connect(
        url, ssl=weak, additional_headers=basic("P1"), subprotocols=[websockets.Subprotocol("ocpp1.6")]
    ) as socket:
        assert socket.transport.get_extra_info("ssl_object").cipher()[0] == "AES256-GCM-SHA384"


async def test_a_renewed_server_certificate_is_used_without_a_restart(ground: Ground) -> None:
    ground.book.change("P1", security_profile=2)
    new = tls.ServerKey(*paper("renewed", by=ROOT).save(ground.folder, "ec"))
    tls.reload(ground.context, tls.TlsPlan([new, *ground.plan.keys[1:]], client_roots=ROOT.pem))
    async with ground.connect(client(ROOT), basic("P1")) as p:
        shown = x509.load_der_x509_certificate(p.socket.transport.get_extra_info("ssl_object").getpeercert(True))
        assert "renewed" in shown.subject.rfc4514_string()


@pytest.mark.parametrize("door", [0, 1])
async def test_sockets_that_drip_are_dropped_while_an_honest_station_is_served(tmp_path: Path, door: int) -> None:
    made = Ground(tmp_path, Limits(open_s=0.5, refusal_s=0.0))
    await made.csms.open(Door("127.0.0.1", 0), Door("127.0.0.1", 0, made.context))
    made.book.change("P1", security_profile=2 if door else 1)
    count = 5_000 if SOAK else 60
    try:
        drips = [await asyncio.open_connection("127.0.0.1", made.csms.ports[door]) for _ in range(count)]
        for _, writer in drips:
            writer.write(b"\x16" if door else b"GET /ocpp/P1 HTTP/1.1\r\nX-A: ")
        async with made.connect(client(ROOT) if door else None, basic("P1")) as p:
            assert (await p.call("Heartbeat", {}))[0] == 3
            async with asyncio.timeout(12):
                for reader, writer in drips:
                    with contextlib.suppress(ConnectionError):
                        await reader.read()
                    writer.close()
            assert (await p.call("Heartbeat", {}))[0] == 3
    finally:
        await made.csms.stop()
