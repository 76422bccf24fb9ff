"""Webhooks: who wants to be told of what, how a delivery is signed, and when it is tried again. Pure."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson

from sunpile.basics.errors import InputInvalid

SIGNATURE_HEADER = "Sunpile-Signature"
ID_HEADER = "Sunpile-Delivery"
WAITS_S = (10, 60, 300, 1_800, 7_200, 21_600, 43_200, 86_400)
"""After which time a delivery is tried again [s]; after the last one it is given up: two days in all."""
LEASE_S = 60
"""A delivery that somebody has begun is begun by another after so long [s]: the first one may have been killed."""
OVERLAP_S = 86_400
"""How long the secret before signs too after it was changed [s]."""
HOOKS_MAX = 50
"""Webhooks of a tenant."""
State = Literal["waiting", "done", "given-up"]


@dataclass(frozen=True, slots=True)
class Hook:
    """Somebody who wants to be told."""

    hook: str
    """Id."""
    tenant: str
    """Whose events."""
    url: str
    """Where to."""
    events: tuple[str, ...]
    """Kinds (`session.ended`) or beginnings of kinds (`session`); empty = all."""
    secret: str
    """Signs deliveries, 64 hex digits."""
    old_secret: str = ""
    """The one before; empty = none."""
    old_until: int = 0
    """Until when that one signs too [Unix s]."""
    paused: bool = False
    """True: nothing is made for it."""
    created_at: int = 0
    """Unix s."""
    created_by: str = ""
    """Actor."""

    def wants(self, kind: str) -> bool:
        """True if it asked for events of `kind`."""
        return not self.paused and (not self.events or any(kind == e or kind.startswith(e + ".") for e in self.events))


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one hook."""

    delivery: str
    """Id; the same at every attempt, so that a receiver can drop what comes twice."""
    hook: str
    """To whom."""
    tenant: str
    """Whose."""
    kind: str
    """As `session.ended`."""
    body: str
    """Exactly what is sent."""
    made_at: int
    """Unix s."""
    state: State = "waiting"
    """Where it stands."""
    attempts: int = 0
    """How often it was tried."""
    due_at: int = 0
    """When it is tried next [Unix s]."""
    last_status: int | None = None
    """HTTP status of the last attempt; None = no answer."""
    last_fault: str = ""
    """Why the last attempt failed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt."""

    status: int | None
    """HTTP status; None = no answer."""
    fault: str = ""
    """Why there was none."""


def body_of(delivery: str, kind: str, tenant: str, at: int, data: Mapping[str, Any]) -> str:
    """What is sent: JSON with sorted names."""
    content = {"id": delivery, "type": kind, "tenant": tenant, "created_at": at, "data": dict(data)}
    return orjson.dumps(content, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()


def sign(secret: str, at: int, body: str) -> str:
    """HMAC-SHA256 over `<unix time>.<body>`, hex."""
    return hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()


def signature(hook: Hook, at: int, body: str) -> str:
    """The signature header: the time, and a signature with each secret that is good at `at` [Unix s]."""
    secrets = [hook.secret, *([hook.old_secret] if hook.old_secret and at < hook.old_until else [])]
    return ",".join([f"t={at}", *(f"v1={sign(secret, at, body)}" for secret in secrets)])


def tried(delivery: Delivery, outcome: Outcome, now: int) -> Delivery:
    """The delivery after an attempt: done, to be tried again, or given up."""
    after = replace(
        delivery, attempts=delivery.attempts + 1, last_status=outcome.status, last_fault=outcome.fault[:255]
    )
    if outcome.status is not None and 200 <= outcome.status < 300:
        return replace(after, state="done", last_fault="")
    if outcome.status == 410 or after.attempts > len(WAITS_S):
        # 410 Gone: the receiver says that it never will.
        return replace(after, state="given-up")
    return replace(after, due_at=now + WAITS_S[after.attempts - 1])


def rotated(hook: Hook, secret: str, now: int) -> Hook:
    """The hook with a new secret; the old one signs beside it for a day."""
    return replace(hook, secret=secret, old_secret=hook.secret, old_until=now + OVERLAP_S)


def check_url(url: str, plain_hosts: frozenset[str] = frozenset()) -> str:
    """The URL, if a webhook may go there. Where its name leads to is looked at when it is sent.

    Raises
    ------
    InputInvalid
        if it is not https (http only for `host:port` in `plain_hosts`), or holds credentials.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as fault:
        raise InputInvalid(f"this is no URL: {fault}") from fault
    if not host or parts.scheme not in ("https", "http"):
        raise InputInvalid("a webhook's URL begins with https:// and names a host")
    if parts.scheme == "http" and f"{host}:{port or 80}" not in plain_hosts:
        raise InputInvalid("a webhook goes over https only")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InputInvalid("a webhook's URL has no user, password or fragment")
    if len(url) > 2048 or any(ord(letter) <= 32 or ord(letter) == 127 for letter in url):
        raise InputInvalid("a webhook's URL has at most 2048 letters, without spaces")
    return url
