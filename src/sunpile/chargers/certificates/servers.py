"""The node's own server certificates for the TLS door: short-lived, one ECDSA and one RSA, renewed while it runs."""

import os
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from sunpile.basics.jobs import goes_on
from sunpile.basics.ports import Clock
from sunpile.basics.scope import DEFAULT_TENANT
from sunpile.chargers import tls
from sunpile.chargers.certificates.clients import client_trust
from sunpile.chargers.certificates.ports import CertificateAuthority, ServerIdentity
from sunpile.chargers.tls import ServerKey, TlsPlan

RENEW_BEFORE_S = 12 * 3600
LOOK_AGAIN_S = 60
ALGORITHMS = ("ecdsa", "rsa")


class ServerCertificates:
    """Keeps the TLS door's files fresh. They can be made again at any time, so they are no part of a backup."""

    def __init__(
        self,
        authority: CertificateAuthority,
        folder: Path,
        names: Sequence[str],
        clock: Clock,
        tenants: Callable[[], Awaitable[Sequence[str]]],
        old_suites: bool = False,
    ) -> None:
        """`names`: those by which stations reach the node; `tenants`: whose stations were given certificates."""
        self._authority, self._folder, self._names, self._clock = authority, folder, tuple(names), clock
        self._tenants, self._old_suites = tenants, old_suites
        self._ends: dict[str, int] = {}

    async def plan(self) -> TlsPlan:
        """Fresh files for the door, and whose clients it lets through."""
        now = self._clock.now()
        for algorithm in ALGORITHMS:
            if self._ends.get(algorithm, 0) < now + RENEW_BEFORE_S:
                identity = await self._authority.server(DEFAULT_TENANT, self._names, algorithm, now)
                self._write(algorithm, identity)
                self._ends[algorithm] = identity.not_after
        keys = [self._files(algorithm) for algorithm in ALGORITHMS]
        tenants = list(dict.fromkeys((DEFAULT_TENANT, *await self._tenants())))
        return TlsPlan(keys, await client_trust(self._authority, tenants, now), self._old_suites)

    async def run(self, door: ssl.SSLContext) -> None:
        """Until the node stops: renew, and let `door` take what is new."""
        known = await self.plan()
        ends = dict(self._ends)
        while True:
            await self._clock.sleep_until(self._clock.now() + LOOK_AGAIN_S)
            with self._clock.work(), goes_on("the renewal of the door's certificate"):
                plan = await self.plan()
                if self._ends != ends or plan.client_roots != known.client_roots:
                    tls.reload(door, plan)
                    known, ends = plan, dict(self._ends)

    def _files(self, algorithm: str) -> ServerKey:
        return ServerKey(self._folder / f"server-{algorithm}.pem", self._folder / f"server-{algorithm}.key")

    def _write(self, algorithm: str, identity: ServerIdentity) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        files = self._files(algorithm)
        for path, text in ((files.key, identity.key), (files.certificate, identity.chain)):
            beside = path.with_name(f".{path.name}")
            beside.unlink(missing_ok=True)
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(text)
            beside.rename(path)
