"""The way out for webhooks: to the public internet only, to the very address that was looked at, never further.

A name is resolved once, every address it has must be public, and the connection goes to that address with the name in
its TLS handshake: a name that leads elsewhere a moment later leads nowhere. Redirects are not followed.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit

import httpx2

from sunpile.basics.errors import Forbidden, InputInvalid, SunpileError
from sunpile.fleet.webhooks import Outcome, check_url

TIMEOUT_S = 10.0
ANSWER_MAX = 64 << 10
NAT64 = ipaddress.ip_network("64:ff9b::/96")
NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """Addresses of a name, as the system knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def public(text: str) -> bool:
    """True if an address is one of the public internet, and no way to wrap one that is not."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return public(str(address.ipv4_mapped))
        wrapped = address.sixtofour or address.teredo or address in NAT64 or address in NAT64_LOCAL
        if wrapped or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


async def pinned(url: str, plain_hosts: frozenset[str], lookup: Resolve) -> tuple[str, str, str]:
    """URL with the address in place of the name, `Host` header, and name for TLS.

    Raises
    ------
    InputInvalid
        if the URL is not one for a webhook, or its name leads nowhere.
    Forbidden
        if it leads into a private network.
    """
    parts = urlsplit(check_url(url, plain_hosts))
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = await lookup(host, port)
    except (OSError, UnicodeError) as fault:
        raise InputInvalid(f"the name {host} leads nowhere") from fault
    if not addresses:
        raise InputInvalid(f"the name {host} leads nowhere")
    if f"{host}:{port}" not in plain_hosts and not all(public(address) for address in addresses):
        raise Forbidden(f"{host} leads to an address that is not of the public internet")
    address = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    target = urlunsplit((parts.scheme, f"{address}:{port}", parts.path or "/", parts.query, ""))
    return target, parts.netloc, host


class Egress:
    """`fleet.webhook_service.Sender`."""

    def __init__(self, plain_hosts: frozenset[str] = frozenset(), lookup: Resolve = resolve) -> None:
        """`plain_hosts`: `host:port` pairs the operator trusts, over http and in private networks too."""
        self._plain, self._lookup = plain_hosts, lookup

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Send. Never raises: a fault is an outcome too."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                target, host, name = await pinned(url, self._plain, self._lookup)
                return await self._send(target, body, {**headers, "Host": host}, name)
        except TimeoutError:
            return Outcome(None, f"no answer within {TIMEOUT_S:.0f} s")
        except SunpileError as fault:
            return Outcome(None, fault.detail)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as fault:
            return Outcome(None, f"{type(fault).__name__}: {fault}")

    async def _send(self, target: str, body: bytes, headers: Mapping[str, str], name: str) -> Outcome:
        async with httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=False, follow_redirects=False) as client:
            extensions = {"sni_hostname": name}
            async with client.stream("POST", target, content=body, headers=headers, extensions=extensions) as answer:
                read = 0
                async for part in answer.aiter_raw():
                    read += len(part)
                    if read > ANSWER_MAX:
                        break
                fault = "redirects are not followed" if 300 <= answer.status_code < 400 else ""
                return Outcome(answer.status_code, fault)
