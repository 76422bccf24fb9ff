"""The TLS door for piles (A00.FR.307 ff): what is spoken there, and in words what went wrong.

One context serves security profiles 2 and 3: a client's certificate is asked for and not demanded; whose it is, is
judged after the handshake, when the station is known.
"""

import asyncio.sslproto
import contextlib
import ssl
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SUITES = ("128-GCM-SHA256", "256-GCM-SHA384")
_MODERN = ":".join(f"ECDHE-{key}-AES{suite}" for key in ("ECDSA", "RSA") for suite in _SUITES)
_OLD = "AES128-GCM-SHA256:AES256-GCM-SHA384"
"""TLS_RSA_WITH_AES_*_GCM of the whitepaper: without forward secrecy, for stations that know nothing else."""
_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME: an expired certificate is to reach the check that can say whose it is."""
SOCKET_BUFFER = 16 * 1024
"""Read buffer of a TLS socket [bytes]: one record. asyncio's 256 KiB would be 2.5 GiB for 10,000 stations."""

REASONS = {
    "HTTP_REQUEST": "plain text to TLS port",
    "WRONG_VERSION_NUMBER": "plain text to TLS port",
    "PACKET_LENGTH_TOO_LONG": "plain text to TLS port",
    "UNSUPPORTED_PROTOCOL": "TLS version",
    "NO_PROTOCOLS_AVAILABLE": "TLS version",
    "TLSV1_ALERT_PROTOCOL_VERSION": "TLS version",
    "NO_SHARED_CIPHER": "TLS cipher",
    "NO_SUITABLE_SIGNATURE_ALGORITHM": "TLS cipher",
    "TLSV1_ALERT_UNKNOWN_CA": "TLS distrusted us",
    "SSLV3_ALERT_BAD_CERTIFICATE": "TLS distrusted us",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "TLS distrusted us",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "TLS distrusted us",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "TLS distrusted us",
    "CERTIFICATE_VERIFY_FAILED": "TLS client certificate",
}
"""Reason of OpenSSL to the reason of a refusal."""


@dataclass(frozen=True, slots=True)
class ServerKey:
    """A server certificate in files."""

    certificate: Path
    """PEM chain, leaf first."""
    key: Path
    """PEM private key."""


@dataclass(frozen=True, slots=True)
class TlsPlan:
    """How the TLS door is made."""

    keys: Sequence[ServerKey]
    """One ECDSA and one RSA certificate (A00.FR.317): each client gets the one it can use."""
    client_roots: str = ""
    """PEM of the authorities of stations' certificates; empty: nobody is asked for one."""
    old_suites: bool = False
    """Allow the two suites without forward secrecy."""


Told = Callable[[str, str], None]
"""A handshake failed: reason of a refusal, and the other side's address if it is known."""


def context(plan: TlsPlan, told: Told | None = None) -> ssl.SSLContext:
    """A server's context.

    Raises
    ------
    OSError, ssl.SSLError
        if a file cannot be read or is no certificate or key.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    # Sessions would be kept for each station; a full handshake of ECDSA costs less than a fifth of a millisecond.
    made.options |= ssl.OP_NO_TICKET
    made.num_tickets = 0
    made.set_ciphers(f"{_MODERN}:{_OLD}@SECLEVEL=1" if plan.old_suites else _MODERN)
    reload(made, plan)
    if told is not None:
        made.sslobject_class = _watched(told)
    return made


def reload(made: ssl.SSLContext, plan: TlsPlan) -> None:
    """Take certificates and authorities as they are now: for connections from here on."""
    for key in plan.keys:
        made.load_cert_chain(key.certificate, key.key)
    if plan.client_roots:
        made.load_verify_locations(cadata=plan.client_roots)
        made.verify_mode = ssl.CERT_OPTIONAL
        made.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME) | ssl.VERIFY_X509_PARTIAL_CHAIN


def reason_of(fault: ssl.SSLError) -> str:
    """Why a handshake failed, as a reason of a refusal."""
    return REASONS.get(fault.reason or "", "TLS failed")


def _watched(told: Told) -> type[ssl.SSLObject]:
    class Watched(ssl.SSLObject):
        """Tells of handshakes that fail: asyncio itself drops them without a word."""

        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as fault:
                told(reason_of(fault), _address(sys._getframe(1).f_locals.get("self")))  # pyright: ignore[reportPrivateUsage]
                raise

    return Watched


def _address(protocol: Any) -> str:
    """The other side of asyncio's SSL protocol, which alone knows it; empty if it is another loop's."""
    with contextlib.suppress(AttributeError, TypeError, IndexError):
        return str(protocol._transport.get_extra_info("peername")[0])
    return ""


def small_buffers() -> None:
    """Let TLS sockets made from now on take one record at a time into memory."""
    asyncio.sslproto.SSLProtocol.max_size = SOCKET_BUFFER  # pyright: ignore[reportAttributeAccessIssue]


def facts(transport: Any) -> str:
    """TLS version and cipher of a connection; empty without TLS."""
    made: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    if made is None:
        return ""
    cipher = made.cipher()
    return f"{made.version()} {cipher[0] if cipher else ''}".strip()


def certificate(transport: Any) -> bytes | None:
    """The certificate the other side showed, DER."""
    made: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    return made.getpeercert(binary_form=True) if made is not None else None
