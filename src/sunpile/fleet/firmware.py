"""Firmware: whether a signature is right, and how a campaign goes from wave to wave. Pure."""

import base64
import binascii
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from sunpile.basics.errors import InputInvalid

TargetState = Literal["waiting", "asked", "busy", "installed", "failed"]
CampaignState = Literal["approval", "running", "paused", "aborted", "done"]
BUSY = frozenset(
    ("Downloading", "Downloaded", "DownloadScheduled", "DownloadPaused", "InstallScheduled", "Installing",
     "InstallRebooting", "SignatureVerified")
)  # fmt: skip
FAILED = frozenset(
    ("DownloadFailed", "InstallationFailed", "InvalidSignature", "InstallVerificationFailed", "AcceptedCanceled")
)
_PREHASHED = Prehashed(hashes.SHA256())
_PSS = (padding.PSS(padding.MGF1(hashes.SHA256()), 32), padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO))


def check_signature(digest: bytes, signature: str, certificate: str) -> None:
    """Go on only if `signature` (base64) over a file of this SHA-256 is by the key of `certificate` (PEM).

    RSA with PSS (or PKCS #1 v1.5, which older vendors use) and ECDSA are known (OCPP 2.0.1 L01, whitepaper 3.4).

    Raises
    ------
    InputInvalid
        if it is not, or one of them cannot be read.
    """
    try:
        raw = base64.b64decode(signature, validate=True)
        key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    except (binascii.Error, ValueError) as fault:
        raise InputInvalid(f"signature or certificate cannot be read: {fault}") from fault
    if isinstance(key, ec.EllipticCurvePublicKey):
        if _ecdsa(key, raw, digest):
            return
    elif isinstance(key, rsa.RSAPublicKey):
        if any(_rsa(key, raw, digest, scheme) for scheme in (*_PSS, padding.PKCS1v15())):
            return
    else:
        raise InputInvalid("firmware is signed with RSA or ECDSA; the certificate has another key")
    raise InputInvalid("the signature is not by the certificate's key over this image")


def _ecdsa(key: ec.EllipticCurvePublicKey, signature: bytes, digest: bytes) -> bool:
    try:
        key.verify(signature, digest, ec.ECDSA(_PREHASHED))
    except InvalidSignature:
        return False
    return True


def _rsa(key: rsa.RSAPublicKey, signature: bytes, digest: bytes, scheme: padding.PSS | padding.PKCS1v15) -> bool:
    try:
        key.verify(signature, digest, scheme, _PREHASHED)
    except InvalidSignature:
        return False
    return True


def sign(digest: bytes, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    """A signature (base64) over a file of this SHA-256, as OCPP wants it: RSA-PSS or ECDSA."""
    if isinstance(key, rsa.RSAPrivateKey):
        return base64.b64encode(key.sign(digest, _PSS[0], _PREHASHED)).decode()
    return base64.b64encode(key.sign(digest, ec.ECDSA(_PREHASHED))).decode()


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """How a campaign goes about it."""

    image: str
    """File to install."""
    name: str
    """As staff call it."""
    waves: tuple[int, ...] = (1, 10, 100)
    """Stations of each wave; those that are left are the last."""
    in_flight: int = 20
    """Stations that are at it at once."""
    stop_permille: int = 100
    """Stop when more than so many of a thousand of a wave failed."""
    pause_s: int = 3600
    """Wait so long after a wave, to see whether the stations still work [s]."""
    silence_s: int = 7200
    """A station that says nothing for so long has failed [s]."""
    offline_s: int = 7 * 86_400
    """A station that was not connected for so long after the start has failed [s]."""
    retries: int = 1
    """How often a station may try again to fetch it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A station in a campaign."""

    station: str
    """Which."""
    wave: int
    """In which wave, from 0."""
    request: int
    """Number by which it tells."""
    state: TargetState = "waiting"
    """How far it is."""
    status: str = ""
    """Its last word, or why it failed."""
    at: int = 0
    """Since when [Unix s]."""


@dataclass(frozen=True, slots=True)
class Step:
    """What follows now."""

    ask: tuple[Target, ...] = ()
    """Stations to ask, already in the state `asked`."""
    changed: tuple[Target, ...] = ()
    """Others that changed."""
    state: CampaignState = "running"
    """The campaign's state after it."""
    reason: str = ""
    """Why it stopped."""


def targets_of(stations: Sequence[str], plan: CampaignPlan, first_request: int, now: int) -> list[Target]:
    """The stations in waves, in their order.

    >>> [target.wave for target in targets_of("abcde", CampaignPlan("i", "n", (1, 2)), 1, 0)]
    [0, 1, 1, 2, 2]
    """
    borders = [sum(plan.waves[: wave + 1]) for wave in range(len(plan.waves))]
    return [
        Target(station, sum(number >= border for border in borders), first_request + number, at=now)
        for number, station in enumerate(stations)
    ]


def step(plan: CampaignPlan, targets: Sequence[Target], connected: Collection[str], begun: int, now: int) -> Step:
    """What a running campaign does at `now` [Unix s]."""
    changed = [late for target in targets if (late := _late(plan, target, begun, now)) is not None]
    after = {target.station: target for target in targets} | {target.station: target for target in changed}
    waves = sorted({target.wave for target in targets})
    ask: list[Target] = []
    room = plan.in_flight - sum(target.state in ("asked", "busy") for target in after.values())
    reached = begun
    for wave in waves:
        group = [target for target in after.values() if target.wave == wave]
        failed = sum(target.state == "failed" for target in group)
        if failed * 1000 > plan.stop_permille * len(group):
            reason = f"{failed} of {len(group)} stations of wave {wave + 1} failed"
            return Step((), tuple(changed), "aborted", reason)
        if wave and now < reached + plan.pause_s:
            break
        ready = [target for target in group if target.state == "waiting" and target.station in connected]
        for target in ready[: max(0, room)]:
            ask.append(replace(target, state="asked", status="", at=now))
        room -= len(ready)
        if ready or any(target.state in ("asked", "busy") for target in group):
            break
        reached = max([reached, *(target.at for target in group if target.state != "waiting")])
    open_ones = any(target.state not in ("installed", "failed") for target in after.values())
    return Step(tuple(ask), tuple(changed), "running" if open_ones else "done")


def _late(plan: CampaignPlan, target: Target, begun: int, now: int) -> Target | None:
    if target.state in ("asked", "busy") and now > target.at + plan.silence_s:
        return replace(target, state="failed", status=f"silent after {target.status or 'it was asked'}", at=now)
    if target.state == "waiting" and now > begun + plan.offline_s:
        return replace(target, state="failed", status="was not connected", at=now)
    return None


def progressed(target: Target, status: str, now: int) -> Target | None:
    """The target after a station's word; None if it changes nothing."""
    if target.state not in ("asked", "busy") or status == target.status:
        return None
    if status == "Installed":
        return replace(target, state="installed", status=status, at=now)
    if status in FAILED:
        return replace(target, state="failed", status=status, at=now)
    if status in BUSY:
        return replace(target, state="busy", status=status, at=now)
    return None
