"""One-time signed URLs: a station fetches firmware and brings logs with no other password. Pure.

A token names the station, what it may do, which file or run it is about, until when, and a number used once; an
HMAC-SHA256 over all of it makes it ours. Whether the number was used already is the store's to know.
"""

import base64
import binascii
import hmac
import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, cast

from sunpile.basics.errors import Forbidden

Purpose = Literal["up", "down"]
TAG_BYTES = 20
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,600}\.[A-Za-z0-9_-]{27}", re.ASCII)
LIFE_S = 1800
"""A URL lives so long [s], from when it may be used."""
NAME = re.compile(r"[^A-Za-z0-9._ -]+")


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a token says."""

    station: str
    """Who may use it."""
    purpose: Purpose
    """up: bring a file; down: fetch one."""
    subject: str
    """File to fetch, or kind of log that is brought."""
    expires_at: int
    """Until when [Unix s]."""
    nonce: str
    """24 hex digits, once."""


def token(secret: bytes, ticket: Ticket) -> str:
    """The token of a ticket: URL-safe text."""
    said = [ticket.station, ticket.purpose, ticket.subject, ticket.expires_at, ticket.nonce]
    body = _text(json.dumps(said, separators=(",", ":")).encode())
    return f"{body}.{_text(_tag(secret, body))}"


def read_token(secret: bytes, text: str, purpose: Purpose, now: int) -> Ticket:
    """The ticket in a token, if it is ours, for this purpose, and still valid.

    Raises
    ------
    Forbidden
        if not; it does not say which.
    """
    ticket = _ticket(secret, text)
    if ticket is None or ticket.purpose != purpose or now >= ticket.expires_at:
        raise Forbidden("this address is not valid, or no longer")
    return ticket


def _ticket(secret: bytes, text: str) -> Ticket | None:
    if not TOKEN.fullmatch(text):
        return None
    body, _, tag = text.partition(".")
    if not hmac.compare_digest(_text(_tag(secret, body)), tag):
        return None
    try:
        said: Any = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (binascii.Error, ValueError):
        return None
    station, purpose, subject, expires_at, nonce = cast("list[Any]", said)
    return Ticket(station, purpose, subject, expires_at, nonce)


def _tag(secret: bytes, body: str) -> bytes:
    return hmac.digest(secret, b"sunpile file ticket\n" + body.encode(), sha256)[:TAG_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def shown_name(name: str) -> str:
    """A file's name as it is kept and shown: the last part, plain signs, never a path.

    >>> shown_name("../../etc/passwd"), shown_name("a\\\\b\\0.log"), shown_name("..")
    ('passwd', 'b_.log', 'file')
    """
    last = re.split(r"[/\\]", name)[-1]
    plain = NAME.sub("_", last).strip(" .")[:120]
    return plain or "file"
