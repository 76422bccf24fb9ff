"""The only way out: GET and POST to hosts that the operator named, and to nothing inside our own network.

A certificate's AIA is somebody else's word, so its host must be on the allow-list; every address the name has must be
a public one; the connection goes to the address that was looked at (a name that changes its mind gains nothing); no
redirect is followed and no proxy of the environment is used.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import httpx2

from sunpile.basics.errors import Forbidden, Unreachable

TIMEOUT_S = 5.0
BODY_MAX = 1 << 20
PORTS = {"http": 80, "https": 443}
HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+", re.ASCII)
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Fetcher(Protocol):
    """Fetches from the allowed."""

    async def fetch(self, url: str, body: bytes | None = None, content_type: str = "") -> bytes:
        """The answer's body: POST if there is a body, else GET.

        Raises
        ------
        Forbidden
            if the URL may not be fetched; nothing was sent.
        Unreachable
            if there was no good answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be fetched, as far as its text goes."""

    scheme: str
    """http or https."""
    host: str
    """Its name, lower case."""
    port: int
    """80 or 443."""
    path: str
    """Path and query."""


def target(url: str, allowed: frozenset[str]) -> Target:
    """What `url` names.

    Raises
    ------
    Forbidden
        unless it is plain http(s) to an allowed name on its usual port.
    """
    if len(url) > 2000 or not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise Forbidden("the URL holds characters that no URL has")
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    except ValueError as fault:
        raise Forbidden("the URL is malformed") from fault
    if scheme not in PORTS or "@" in parts.netloc or port not in (None, PORTS[scheme]):
        raise Forbidden("only http and https on their usual ports, without credentials, are fetched")
    # A name whose last part is a number would be an address in some spelling (0x7f.1, 127.1, 2130706433).
    if not HOST.fullmatch(host) or host.rpartition(".")[2][0].isdigit() or host not in allowed:
        raise Forbidden(f"the host {host[:100]!r} is not on the list of those that may be asked")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme, host, PORTS[scheme], path)


def is_public(address: str) -> bool:
    """True for an address that is out in the internet, however it is written."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        nat64 = ip in ipaddress.ip_network("64:ff9b::/96") or ip in ipaddress.ip_network("64:ff9b:1::/48")
        if inner is not None or nat64:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a name."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as fault:
        raise Unreachable(f"the name {host} is not known") from fault
    return [str(one[4][0]) for one in found]


class AllowedFetcher:
    """`Fetcher` over the network."""

    def __init__(self, allowed: Sequence[str], resolver: Resolve = resolve) -> None:
        self._allowed, self._resolve = frozenset(host.lower() for host in allowed), resolver

    async def fetch(self, url: str, body: bytes | None = None, content_type: str = "") -> bytes:
        """See `Fetcher.fetch`."""
        wanted = target(url, self._allowed)
        addresses = await self._resolve(wanted.host, wanted.port)
        if not addresses or not all(is_public(address) for address in addresses):
            raise Forbidden(f"the host {wanted.host} has an address that is not public")
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await _exchange(wanted, addresses[0], body, content_type)
        except (httpx2.HTTPError, OSError, TimeoutError) as fault:
            raise Unreachable(f"{wanted.host} did not answer") from fault


async def _exchange(wanted: Target, address: str, body: bytes | None, content_type: str) -> bytes:
    literal = f"[{address}]" if ":" in address else address
    url = f"{wanted.scheme}://{literal}:{wanted.port}{wanted.path}"
    headers = {"Host": wanted.host} | ({"Content-Type": content_type} if content_type else {})
    async with httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=TIMEOUT_S) as client:
        request = client.build_request(
            "GET" if body is None else "POST",
            url,
            content=body,
            headers=headers,
            extensions={"sni_hostname": wanted.host},
        )
        answer = await client.send(request, stream=True)
        try:
            if answer.status_code != 200:
                raise Unreachable(f"{wanted.host} answered with status {answer.status_code}")
            content = bytearray()
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > BODY_MAX:
                    raise Unreachable(f"{wanted.host} answered with too much")
            return bytes(content)
        finally:
            await answer.aclose()
