"""What staff does with certificates: install, delete, compare, renew, revoke, sign by hand, rotate the root."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from sunpile.basics.audit import Audit
from sunpile.basics.errors import Conflict, InputInvalid, NotFound, SunpileError
from sunpile.basics.ids import StationId
from sunpile.basics.jobs import goes_on
from sunpile.basics.ports import Clock
from sunpile.basics.scope import DEFAULT_TENANT, Scope
from sunpile.chargers.certificates import comparison, hashes, names
from sunpile.chargers.certificates.authority import LocalAuthority, flag
from sunpile.chargers.certificates.comparison import Comparison
from sunpile.chargers.certificates.ports import (
    CertificateRecord,
    CertificateStore,
    Commands,
    OwnStations,
    Root,
    TrustStore,
)
from sunpile.chargers.certificates.requests import Refusal
from sunpile.chargers.certificates.signing import Signing
from sunpile.chargers.commands import (
    CommandResult,
    DeleteCertificate,
    GetInstalledCertificates,
    InstallCertificate,
    TriggerMessage,
)
from sunpile.chargers.commands.upkeep import RootKind

DAY_S = 86_400
RENEW_BEFORE_S = 30 * DAY_S
ROUND_S = 60
RENEW_PER_ROUND = 20
RENEW_AGAIN_S = DAY_S
TRIGGERS: dict[str, Any] = {
    "ChargingStationCertificate": "SignChargingStationCertificate",
    "V2GCertificate": "SignV2GCertificate",
    "V2G20Certificate": "SignV2G20Certificate",
    "Combined": "SignCombinedCertificate",
}


class StaffStore(CertificateStore, OwnStations, Protocol):
    """The store as staff sees it."""

    async def listed(
        self,
        scope: Scope,
        station: str | None = None,
        state: str | None = None,
        ends_before: int | None = None,
        limit: int = 200,
    ) -> Sequence[CertificateRecord]: ...
    async def one(self, scope: Scope, fingerprint: str) -> CertificateRecord: ...
    async def revoke(self, scope: Scope, fingerprint: str, reason: str, at: int) -> CertificateRecord: ...
    async def refusals(
        self, scope: Scope, station: str | None = None, limit: int = 100
    ) -> Sequence[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What this works with."""

    authority: LocalAuthority
    """The authority."""
    store: StaffStore
    """Certificates."""
    trust: TrustStore
    """Roots."""
    commands: Commands
    """To stations."""
    signing: Signing
    """Signs and sends."""
    audit: Audit
    """Who did what."""
    clock: Clock
    """The time."""
    dropped: Callable[[StationId], Awaitable[None]]
    """Close a station's connection: its certificate is revoked."""


class CertificateUpkeep:
    """Certificates of stations, for staff."""

    def __init__(self, parts: Parts) -> None:
        self._p = parts
        self._asked: dict[str, int] = {}

    # -- on a station -----------------------------------------------------------------------------------------------

    async def install(self, scope: Scope, station: str, kind: RootKind, pem: str, reason: str = "") -> CommandResult:
        """Install a root certificate on a station.

        Raises
        ------
        InputInvalid
            if it is no certificate, or none that could be a root.
        """
        facts = await self._p.store.own_station(scope, station)
        certificate = names.load_pem(pem)
        if not comparison.may_be_root(certificate):
            raise InputInvalid("the certificate may not issue others: it is no root")
        result = await self._p.commands.command(facts.station, InstallCertificate(kind, pem))
        after = {"kind": kind, "fingerprint": hashes.fingerprint(certificate), "answer": result.status}
        await self._p.audit.record(scope, "certificate.install", f"station:{station}", None, after, reason)
        if result.accepted and certificate.subject == certificate.issuer:
            now = self._p.clock.now()
            await self._p.trust.remember(scope.tenant, [(pem, pem)], now)
            data = hashes.hash_data(certificate, certificate)
            await self._p.trust.note(facts.station, kind, data, True, now)
        return result

    async def delete(
        self, scope: Scope, station: str, data: dict[str, str], sure: bool = False, reason: str = ""
    ) -> CommandResult:
        """Remove a certificate from a station by its hash data. A wanted one only if `sure`.

        Raises
        ------
        Conflict
            if it belongs there, such as the root by which the station knows us.
        """
        facts = await self._p.store.own_station(scope, station)
        wanted = hashes.normal(data)
        for root in await self._wanted(scope.tenant):
            if not sure and comparison.is_root(wanted, root, [root]):
                raise Conflict(f"that is the {root.kind} that belongs on every station; say that you are sure")
        # As the station told it: some compare the text (M04.FR.07).
        plain = {name: data[name] for name in ("hashAlgorithm", "issuerNameHash", "issuerKeyHash", "serialNumber")}
        result = await self._p.commands.command(facts.station, DeleteCertificate(plain))
        await self._p.audit.record(
            scope, "certificate.delete", f"station:{station}", dict(wanted), {"answer": result.status}, reason
        )
        if result.accepted or result.status == "NotFound":
            await self._p.trust.note(facts.station, "", wanted, False, self._p.clock.now())
        return result

    async def installed(self, scope: Scope, station: str, kinds: list[str] | None = None) -> Comparison:
        """Ask a station what is installed and compare it with what should be."""
        facts = await self._p.store.own_station(scope, station)
        result = await self._p.commands.command(facts.station, GetInstalledCertificates(kinds))
        rows = comparison.read(result)
        if kinds is None:
            await self._p.trust.installed(facts.station, rows, self._p.clock.now())
        roots = await self._p.trust.roots(scope.tenant)
        own = await self._own_roots(scope.tenant)
        return comparison.compare(rows, [*own, *roots], facts.version, kinds)

    async def renew(
        self, scope: Scope, station: str, use: str = "ChargingStationCertificate", reason: str = ""
    ) -> CommandResult:
        """Have a station ask for a new certificate; what follows is `Signing`.

        Raises
        ------
        InputInvalid
            if there is no such use.
        """
        if use not in TRIGGERS:
            raise InputInvalid(f"a certificate is for one of {', '.join(TRIGGERS)}")
        facts = await self._p.store.own_station(scope, station)
        result = await self._p.commands.command(facts.station, TriggerMessage(TRIGGERS[use]))
        after = {"use": use, "answer": result.status}
        await self._p.audit.record(scope, "certificate.renew", f"station:{station}", None, after, reason)
        return result

    async def sign_by_hand(
        self, scope: Scope, station: str, csr: str, use: str | None, send: bool, reason: str = ""
    ) -> CertificateRecord:
        """Sign a request somebody uploads for a station, and send it if wanted.

        Raises
        ------
        InputInvalid
            if the request is refused: the sentence says why.
        """
        facts = await self._p.store.own_station(scope, station)
        judged = await self._p.signing.judge(facts, csr, use)
        if isinstance(judged, Refusal):
            raise InputInvalid(f"the request is not signed: {judged.sentence}", refusal=judged.code)
        record = await self._p.signing.sign(facts, judged)
        after = {"fingerprint": record.fingerprint, "use": record.use, "name": record.name}
        await self._p.audit.record(scope, "certificate.sign", f"station:{station}", None, after, reason)
        if send:
            await self._p.signing.send(record)
        else:
            now = self._p.clock.now()
            await self._p.store.moved(record.fingerprint, "accepted", "handed over by hand", now, tried=False)
        return await self._p.store.one(scope, record.fingerprint)

    # -- the authority ----------------------------------------------------------------------------------------------

    async def revoke(self, scope: Scope, fingerprint: str, reason: str, why: str = "") -> CertificateRecord:
        """Revoke a certificate and close the connection of its station.

        Raises
        ------
        NotFound
            if the tenant has no such certificate.
        """
        flag(reason)
        before = await self._p.store.revoke(scope, fingerprint, reason, self._p.clock.now())
        state = {"state": before.state, "station": before.station}
        after = {"state": "revoked", "reason": reason}
        await self._p.audit.record(scope, "certificate.revoke", f"certificate:{fingerprint}", state, after, why)
        if before.station and before.state != "revoked" and not before.use.startswith("V2G"):
            await self._p.dropped(StationId(before.station))
        return await self._p.store.one(scope, fingerprint)

    async def rotate_root(self, scope: Scope, use: str = "csms", reason: str = "") -> tuple[str, str]:
        """Make a new root; return it, and itself as signed by the old root, PEM.

        What is signed from now on leads to both, so stations may get the new root one by one; those with
        AdditionalRootCertificateCheck take it only as signed by the old one.
        """
        now = self._p.clock.now()
        cross = await self._p.authority.rotate_root(scope.tenant, use, now)
        root = (await self._p.authority.anchors(scope.tenant, use, now))[0]
        after = {"hierarchy": use, "fingerprint": hashes.fingerprint(names.load_pem(root))}
        await self._p.audit.record(scope, "certificate.rotate", f"authority:{use}", None, after, reason)
        return root, cross

    async def trust_root(self, scope: Scope, kind: RootKind, pem: str, wanted: bool, reason: str = "") -> Root:
        """Trust a root of others (contracts, V2G, manufacturers), and want it on every station or not."""
        certificate = names.load_pem(pem)
        if not comparison.may_be_root(certificate):
            raise InputInvalid("the certificate may not issue others: it is no root")
        end = int(certificate.not_valid_after_utc.timestamp())
        root = Root(kind, hashes.fingerprint(certificate), pem, wanted, end)
        await self._p.trust.trust(scope.tenant, root, self._p.clock.now())
        after = {"kind": kind, "wanted": wanted}
        await self._p.audit.record(scope, "root.trust", f"root:{root.fingerprint}", None, after, reason)
        return root

    async def distrust_root(self, scope: Scope, kind: str, fingerprint: str, reason: str = "") -> bool:
        """Trust it no more; False if it was not trusted."""
        gone = await self._p.trust.distrust(scope.tenant, kind, fingerprint)
        if gone:
            before = {"kind": kind}
            await self._p.audit.record(scope, "root.distrust", f"root:{fingerprint}", before, None, reason)
        return gone

    async def know(self, scope: Scope, chain: str) -> int:
        """Remember a chain of others, leaf first, so that its status can be asked; returns how many are in it."""
        loaded = names.load_chain(chain)
        roots = [names.load_pem(root.pem) for root in await self._p.trust.roots(scope.tenant)]
        pairs = comparison.pairs(loaded, roots)
        if not pairs:
            raise InputInvalid("no certificate in the chain is by another one in it, or by a trusted root")
        await self._p.trust.remember(scope.tenant, pairs, self._p.clock.now())
        await self._p.audit.record(scope, "chain.know", f"chain:{hashes.fingerprint(loaded[0])}")
        return len(pairs)

    async def roots(self, scope: Scope) -> list[Root]:
        """Every root: our own, and those of others."""
        return [*await self._own_roots(scope.tenant), *await self._p.trust.roots(scope.tenant)]

    async def root_pem(self, scope: Scope, use: str) -> str:
        """The newest root of a hierarchy, PEM, by which the tenant's stations know what is signed under it."""
        return (await self._p.authority.anchors(_signer(scope.tenant, use), use, self._p.clock.now()))[0]

    async def crl(self, tenant: str, use: str) -> bytes:
        """The list of revoked certificates, DER.

        Raises
        ------
        NotFound
            if the tenant has no such authority.
        """
        if not self._p.authority.has(tenant, use):
            raise NotFound("there is no such authority")
        return await self._p.authority.crl(tenant, use, await self._p.store.revoked(tenant), self._p.clock.now())

    async def answer_ocsp(self, tenant: str, request: bytes) -> bytes:
        """The answer to an OCSP request, DER."""
        return await self._p.authority.ocsp(tenant, request, self._p.store, self._p.clock.now())

    # -- by itself --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until the node stops: send again what waits, and have stations renew what ends soon."""
        while True:
            with self._p.clock.work(), goes_on("certificates"):
                await self._p.signing.send_waiting()
                await self.renew_due()
            await self._p.clock.sleep_until(self._p.clock.now() + ROUND_S)

    async def renew_due(self) -> int:
        """Ask some stations, whose certificate ends soon, to renew it; each once a day. Returns how many were asked."""
        now, count = self._p.clock.now(), 0
        for record in await self._p.store.newest(None, now + RENEW_BEFORE_S):
            key = f"{record.station}/{record.use}"
            if not record.station or now < self._asked.get(key, -RENEW_AGAIN_S) + RENEW_AGAIN_S:
                continue
            if count >= RENEW_PER_ROUND:
                break
            try:
                await self._p.commands.command(
                    StationId(record.station), TriggerMessage(cast(Any, TRIGGERS.get(record.use)))
                )
            except SunpileError:
                continue  # Not there now: it is asked in a later round.
            self._asked[key], count = now, count + 1
        return count

    async def _wanted(self, tenant: str) -> list[Root]:
        own = await self._own_roots(tenant)
        return [*own, *(root for root in await self._p.trust.roots(tenant) if root.wanted)]

    async def _own_roots(self, tenant: str) -> list[Root]:
        now, made = self._p.clock.now(), list[Root]()
        for use, kind in (("csms", "CSMSRootCertificate"), ("v2g", "V2GRootCertificate")):
            anchors = [names.load_pem(pem) for pem in await self._p.authority.anchors(_signer(tenant, use), use, now)]
            for number, one in enumerate(one for one in anchors if one.subject == one.issuer):
                end = int(one.not_valid_after_utc.timestamp())
                wanted = number == 0 and use == "csms"
                made.append(Root(kind, hashes.fingerprint(one), names.pem(one), wanted, end))
            if cross := await self._p.authority.cross(_signer(tenant, use), use, now):
                one = names.load_pem(cross)
                end = int(one.not_valid_after_utc.timestamp())
                made.append(Root(kind, hashes.fingerprint(one), cross, False, end))
        return made


def _signer(tenant: str, use: str) -> str:
    """Whose root a tenant's stations need: all come to one TLS door, whose certificates the first tenant signs."""
    return DEFAULT_TENANT if use.startswith("csms") else tenant
