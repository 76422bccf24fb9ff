"""Who may open a socket. Pure: the caller brings the time, the record and the header.

Every refusal costs the same: an unknown station is checked against a record that no password fits. Passwords are 20
random bytes, so one salted SHA-256 is enough; a slow hash would only help who floods us.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from sunpile.chargers.ports import StationRecord

PASSWORD_BYTES = 20
_NOBODY_SALT = secrets.token_bytes(16)
_NOBODY_HASH = secrets.token_bytes(32)


def password_hash(salt: bytes, password: bytes) -> bytes:
    """sha256(salt + password), over the 20 bytes themselves."""
    return hashlib.sha256(salt + password).digest()


def new_password() -> tuple[str, bytes, bytes]:
    """A fresh password as 40 hex digits, its salt and its hash."""
    password, salt = secrets.token_bytes(PASSWORD_BYTES), secrets.token_bytes(16)
    return password.hex().upper(), salt, password_hash(salt, password)


def credentials(header: str | None) -> tuple[str, bytes] | None:
    """User and password of a Basic `Authorization` header. Piles send the 20 bytes raw (OCPP-J 1.6) or as 40 hex."""
    if header is None:
        return None
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    if not colon:
        return None
    if len(password) == 2 * PASSWORD_BYTES:
        try:
            password = bytes.fromhex(password.decode("ascii"))
        except ValueError:
            return None
    return user.decode("utf-8", "replace"), password


class Attempt(NamedTuple):
    """What a station brings to the door."""

    station: str
    """Identity it asked for."""
    header: str | None = None
    """Its `Authorization` header; None if it sent none, or several."""
    tls: bool = False
    """It came over TLS."""
    certificate: bool = False
    """It showed a certificate that the TLS layer could read."""
    record: StationRecord | None = None
    """What is known of the station; None if it is unknown."""
    any_user: bool = False
    """The station may have another user name than its identity (leniency)."""


class Verdict(NamedTuple):
    """Whether it may come in."""

    reason: str | None = None
    """Why not, one of `refusals.CURES`; None if it may."""
    profile: int = 1
    """Security profile it came in with. 3: its certificate has yet to be checked."""
    secret: bytes | None = None
    """Salt of a password on its way that it used."""


def judge(attempt: Attempt, insecure: Collection[int]) -> Verdict:
    """Whether `attempt` may come in; `insecure` are the profiles without TLS that the node allows.

    A password is compared in every case, so that time tells nothing.
    """
    record = attempt.record
    given = credentials(attempt.header)
    user, password = given if given is not None else ("", b"")
    salt = _fitting(password, record)
    named = hmac.compare_digest(user.encode(), attempt.station.encode()) or attempt.any_user
    faulty = "no credentials" if given is None else None if named else "other identity"
    if record is None:
        return Verdict(faulty or "unknown station")
    profile = _profile(attempt, record)
    if isinstance(profile, str):
        return Verdict(profile)
    if profile < TLS_FROM and profile not in insecure:
        return Verdict("profile not allowed", profile)
    if profile in BY_PASSWORD:
        if faulty is not None:
            return Verdict(faulty, profile)
        if salt is None:
            return Verdict("wrong password", profile)
        return Verdict(None, profile, salt if salt != record.password_salt else None)
    return Verdict(None, profile)


TLS_FROM = 2
BY_PASSWORD = (1, 2)


def _fitting(password: bytes, record: StationRecord | None) -> bytes | None:
    """The salt of the password that fits. Each is compared, whether an earlier one fits or not."""
    own = (record.password_salt, record.password_hash) if record else (_NOBODY_SALT, _NOBODY_HASH)
    known = (own, *record.secrets) if record else (own,)
    found = None
    for salt, hashed in known:
        if hmac.compare_digest(password_hash(salt, password), hashed):
            found = salt
    return found


def _profile(attempt: Attempt, record: StationRecord) -> int | str:
    """The security profile it comes with, if that is its own or one it was told to raise to; else why not."""
    wanted = {record.security_profile}
    if record.next_profile is not None and record.next_profile > record.security_profile:
        wanted.add(record.next_profile)
    if not attempt.tls:
        if 0 in wanted and (attempt.header is None or 1 not in wanted):
            return 0
        return 1 if 1 in wanted else "plain instead of TLS"
    if attempt.certificate and 3 in wanted:
        return 3
    if 2 in wanted:
        return 2
    return "no client certificate" if 3 in wanted else "TLS instead of plain"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one attacker may cost."""

    per_address: int = 200
    """Failed attempts an address may make at once."""
    per_address_refill: float = 20.0
    """... and again per second."""
    per_station: int = 20
    """Failed attempts on one station from one address at once. Not from all addresses: that would lock a pile out."""
    per_station_refill: float = 1.0
    handshakes: int = 2000
    """Handshakes under way at once."""
    open_s: float = 10.0
    """How long a handshake, and before it that of TLS, may take [s, real time]."""
    refusal_s: float = 0.1
    """Every refusal is answered this long after its request [s], so that time tells nothing."""
    call_timeout_s: float = 30.0
    """How long a pile may take to answer a call [s, real time]."""
    calls_waiting: int = 32
    """Our calls that may wait for their turn on one connection."""
    calls_queued: int = 64
    """The pile's calls that may wait: it should send one at a time, so this is generous."""
    ping_s: float = 20.0
    """Mean interval of pings [s, real time]; spread, so that sockets opened together do not ping together."""
    close_s: float = 2.0
    """How long a socket may take to say goodbye [s, real time]."""
    retry_s: int = 60
    """When a station that is not accepted may boot again [s]; told to it."""


class Buckets:
    """Token buckets by key; only failures take tokens, so a storm of honest reconnects is never limited."""

    def __init__(self, capacity: int, refill: float, keys_max: int = 20_000) -> None:
        self._capacity = float(capacity)
        self._refill = refill
        self._keys_max = keys_max
        self._levels: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def _level(self, key: object, now: float) -> float:
        level, at = self._levels.get(key, (self._capacity, now))
        return min(self._capacity, level + (now - at) * self._refill)

    def allows(self, key: object, now: float) -> bool:
        """True if `key` has a token left at `now` [s, monotonic]."""
        return key not in self._levels or self._level(key, now) >= 1.0

    def spend(self, key: object, now: float) -> None:
        """Take one token."""
        self._levels[key] = (max(0.0, self._level(key, now) - 1.0), now)
        self._levels.move_to_end(key)
        while len(self._levels) > self._keys_max:
            self._levels.popitem(last=False)
