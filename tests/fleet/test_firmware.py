"""Firmware: signatures, and campaigns that go from wave to wave or stop."""

import datetime
import hashlib
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sunpile.basics.errors import InputInvalid
from sunpile.fleet.firmware import CampaignPlan, Target, check_signature, progressed, sign, step, targets_of

DIGEST = hashlib.sha256(b"image").digest()
PLAN = CampaignPlan("image", "2.0", waves=(1, 2), in_flight=2, stop_permille=400, pause_s=100, silence_s=50)
ALL = ("A", "B", "C", "D", "E")
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def certificate(key: Key) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vendor")])
    day = datetime.datetime(2026, 1, 1)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day + datetime.timedelta(9))
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@pytest.fixture(scope="module", params=["rsa", "ec"])
def key(request: pytest.FixtureRequest) -> Key:
    return rsa.generate_private_key(65537, 2048) if request.param == "rsa" else ec.generate_private_key(ec.SECP256R1())


def test_a_signature_by_the_certificates_key_is_taken(key: Key) -> None:
    check_signature(DIGEST, sign(DIGEST, key), certificate(key))


@pytest.mark.parametrize("fault", ["image", "key", "base64", "certificate"])
def test_any_other_signature_is_refused(key: Key, fault: str) -> None:
    digest = hashlib.sha256(b"other").digest() if fault == "image" else DIGEST
    signature = sign(DIGEST, ec.generate_private_key(ec.SECP256R1()) if fault == "key" else key)
    with pytest.raises(InputInvalid):
        check_signature(
            digest,
            "not base64!" if fault == "base64" else signature,
            "no certificate" if fault == "certificate" else certificate(key),
        )


def run(targets: list[Target], connected: tuple[str, ...], now: int, plan: CampaignPlan = PLAN) -> list[Target]:
    """One step; the targets after it."""
    follows = step(plan, targets, connected, 0, now)
    after = {target.station: target for target in (*follows.ask, *follows.changed)}
    return [after.get(target.station, target) for target in targets]


def told(targets: list[Target], status: str, now: int, *stations: str) -> list[Target]:
    """The targets after a word of these stations."""
    return [(progressed(t, status, now) or t) if t.station in stations else t for t in targets]


def states(targets: list[Target]) -> str:
    return "".join(target.state[0] for target in targets)


def test_waves_follow_one_another_after_a_pause_and_no_more_are_at_it_than_allowed() -> None:
    targets = run(targets_of(ALL, PLAN, 1, 0), ALL, 1)
    assert states(targets) == "awwww"
    targets = told(told(targets, "Downloading", 2, "A"), "Installed", 5, "A")
    assert states(run(targets, ALL, 104)) == "iwwww"
    targets = run(targets, ALL, 105)
    assert states(targets) == "iaaww"
    targets = told(targets, "Installed", 110, "B", "C")
    targets = run(targets, ALL, 210)
    assert states(targets) == "iiiaa"
    assert step(PLAN, told(targets, "Installed", 220, "D", "E"), ALL, 0, 221).state == "done"


def test_a_campaign_stops_when_too_many_of_a_wave_failed_and_asks_nobody_else() -> None:
    targets = told(run(targets_of(ALL, PLAN, 1, 0), ALL, 1), "Installed", 1, "A")
    targets = told(run(targets, ALL, 101), "InvalidSignature", 102, "B")
    follows = step(PLAN, targets, ALL, 0, 103)
    assert (follows.state, follows.ask) == ("aborted", ())
    assert follows.reason == "1 of 2 stations of wave 2 failed"


def test_a_silent_station_has_failed_and_says_what_it_said_last() -> None:
    targets = told(run(targets_of(ALL, PLAN, 1, 0), ALL, 1), "Downloading", 10, "A")
    assert states(run(targets, ALL, 60)) == "bwwww"
    (late, *_) = run(targets, ALL, 61)
    assert (late.state, late.status) == ("failed", "silent after Downloading")


def test_stations_that_are_not_connected_hold_nobody_up_and_are_asked_when_they_come() -> None:
    plan = replace(PLAN, pause_s=0, offline_s=1000)
    targets = run(targets_of(ALL, plan, 1, 0), ("B", "C"), 1, plan)
    assert states(targets) == "waaww"
    targets = told(targets, "Installed", 2, "B", "C")
    assert states(run(targets, ("A", "B"), 3, plan)) == "aiiww"
    assert states(run(targets, (), 1001, plan)) == "fiiff"


def test_words_that_come_late_or_say_nothing_new_change_nothing() -> None:
    done = Target("A", 0, 1, "installed", "Installed", 5)
    assert progressed(done, "Downloading", 6) is None
    busy = Target("A", 0, 1, "busy", "Downloading", 5)
    assert progressed(busy, "Downloading", 6) is None
    assert progressed(busy, "Idle", 6) is None
