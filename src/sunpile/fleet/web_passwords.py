"""Who stands in front of a pile: the password in its dynamic QR code (OCPP 2.1 C25), or a signed static address.

The station and we share a secret. It shows an address with a password that changes every `validity_s` seconds; one of
the step before or after is good too, because clocks differ. A password pays once. A static address, for a sticker, is
signed by the node, so that nobody makes one for a pile that is not there; it says nothing of when.
"""

import hashlib
import hmac
from dataclasses import dataclass

BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
TICKET_S = 900
"""How long a page may be open before the payment is begun [s]."""


@dataclass(frozen=True, slots=True)
class WebSecret:
    """What a station and we share."""

    secret: str
    """WebPaymentsCtrlr.SharedSecret."""
    validity_s: int = 60
    """WebPaymentsCtrlr.ValidityTime [s]."""
    length: int = 10
    """WebPaymentsCtrlr.Length [letters]."""


def password(known: WebSecret, step: int) -> str:
    """The password of a time step, version v1."""
    digest = hmac.new(known.secret.encode(), step.to_bytes(8, "big"), hashlib.sha256).digest()
    offset = digest[-1] & 0x0F
    return "".join(BASE62[digest[(offset + place) % len(digest)] % 62] for place in range(known.length))


def step_of(known: WebSecret, given: str, now: int) -> int | None:
    """The time step whose password was given: this one, the one before or the one after; None: no such."""
    here = now // known.validity_s
    found: int | None = None
    # All three are always compared, and in constant time: how long it takes tells nothing.
    for step in (here, here - 1, here + 1):
        if hmac.compare_digest(password(known, step).encode(), given.encode("utf-8", "replace")):
            found = step
    return found


def signature(secret: bytes, *parts: object) -> str:
    """A short signature of the node over `parts`."""
    text = "\x00".join(str(part) for part in parts).encode()
    return hmac.new(secret, b"sunpile pay\x00" + text, hashlib.sha256).hexdigest()[:32]


def signed(secret: bytes, given: str, *parts: object) -> bool:
    """True if `given` is the node's signature over `parts`."""
    return hmac.compare_digest(signature(secret, *parts).encode(), given.encode("utf-8", "replace"))


def ticket(secret: bytes, station: str, evse: int, step: int | None, now: int) -> str:
    """What a page carries from the scan to the payment: where, which password, until when."""
    until, shown = now + TICKET_S, "" if step is None else str(step)
    return f"{until}.{shown}.{signature(secret, 'ticket', station, evse, shown, until)}"


def read_ticket(secret: bytes, station: str, evse: int, given: str, now: int) -> tuple[bool, int | None]:
    """(good, the password's step or None for a static address)."""
    parts = given.split(".")
    if len(parts) != 3 or not parts[0].isdigit() or not parts[0].isascii() or len(parts[0]) > 12:
        return False, None
    until, shown = int(parts[0]), parts[1]
    good = signed(secret, parts[2], "ticket", station, evse, shown, until) and now < until
    return good, int(shown) if good and shown else None
