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
from dataclasses import dataclass

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


def refusal(station: str, record: StationRecord | None, header: str | None) -> str | None:
    """Why `station` may not connect, in words for the record, or None if it may."""
    given = credentials(header)
    user, password = given if given is not None else ("", b"")
    salt = record.password_salt if record else _NOBODY_SALT
    expected = record.password_hash if record else _NOBODY_HASH
    fits = hmac.compare_digest(password_hash(salt, password), expected)
    named = hmac.compare_digest(user.encode(), station.encode())
    if given is None:
        return "no credentials"
    if not named:
        return "other identity"
    if record is None:
        return "unknown station"
    return None if fits else "wrong password"


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
