"""A store in memory, stations that answer as told, and everything of this part joined."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from chargers.certificates.people import NOW
from sunpile.basics.audit import NoAudit
from sunpile.basics.errors import Conflict, NotFound, PileUnreachable, SunpileError, Unreachable
from sunpile.basics.ids import StationId
from sunpile.basics.scope import Scope
from sunpile.chargers.certificates.authority import LocalAuthority
from sunpile.chargers.certificates.contracts import Contracts
from sunpile.chargers.certificates.desk import CertificateDesk
from sunpile.chargers.certificates.hashes import fingerprint, serial_text
from sunpile.chargers.certificates.local_contracts import LocalContracts
from sunpile.chargers.certificates.names import load_chain, load_pem
from sunpile.chargers.certificates.passwords import Passwords
from sunpile.chargers.certificates.ports import CertificateRecord, Revoked, StationFacts
from sunpile.chargers.certificates.profiles import Profiles
from sunpile.chargers.certificates.requests import Known
from sunpile.chargers.certificates.security import SecurityEvents
from sunpile.chargers.certificates.signing import Signing
from sunpile.chargers.certificates.status import CertificateStatus
from sunpile.chargers.certificates.upkeep import CertificateUpkeep, Parts
from sunpile.chargers.commands import CommandResult

OPERATOR = "Sun Grid"
STATION = StationId("CS-1")


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> int:
        return self.at

    async def sleep_until(self, when: int) -> None:
        self.at = max(self.at, when)

    def work(self):
        return nullcontext()


class Store:
    """Every store port of this part, in memory."""

    def __init__(self) -> None:
        self.stations = {
            "CS-1": StationFacts(STATION, "default", "SN-0001", "2.0.1"),
            "CS-2": StationFacts(StationId("CS-2"), "default", "SN-0002", "2.1"),
            "CS-16": StationFacts(StationId("CS-16"), "default", "SN-0016", "1.6"),
            "CS-X": StationFacts(StationId("CS-X"), "other", "SN-0001", "2.0.1"),
        }
        self.records: dict[str, CertificateRecord] = {}
        self.others: list[str] = []
        """Further tenants whose stations have certificates."""
        self.refusals_: list[tuple[str, str, str]] = []
        self.roots_: list[tuple[str, object]] = []
        self.known_: list[tuple[str, str, str]] = []
        self.installed_: dict[str, list] = {}
        self.events: list = []
        self.secrets: dict[int, tuple[bytes, bytes]] = {}
        self.adopted: list[int] = []
        self.profiles: dict[str, int] = {}
        self.expected: list[tuple[str, int | None]] = []
        self.prepared_ = (True, True)

    async def station(self, station):
        return self.stations.get(station)

    async def own_station(self, scope: Scope, station: str):
        facts = self.stations.get(station)
        if facts is None or facts.tenant != scope.tenant:
            raise NotFound(f"there is no station {station}")
        return facts

    async def known(self, facts, operator, request):
        used = any(
            r.key_hash == request.key_hash and (r.station != facts.station or r.state == "revoked")
            for r in self.records.values()
        )
        return Known(facts.station, facts.serial, operator, facts.serial_shared, used)

    async def keep(self, record):
        if isinstance(record, CertificateRecord):
            if any(r.key_hash == record.key_hash and r.station != record.station for r in self.records.values()):
                raise Conflict("the public key is in a certificate of another station, or in a revoked one")
            self.records[record.fingerprint] = record
            return None
        self.events.append(record)
        return len(self.events)

    async def refused(self, station, tenant, at, code, sentence, csr):
        self.refusals_.append((station, code, sentence))

    async def moved(self, fingerprint, state, outcome, at, tried):
        record = self.records[fingerprint]
        if record.state != "revoked":
            tries = record.tries + tried
            self.records[fingerprint] = replace(record, state=state, outcome=outcome, tries=tries, changed_at=at)

    async def waiting(self, station=None):
        return [r for r in self.records.values() if r.state == "issued" and station in (None, r.station)]

    async def find(self, fingerprint):
        return self.records.get(fingerprint)

    async def newest(self, tenant, before):
        return [r for r in self.records.values() if r.state == "accepted" and r.not_after < before]

    async def tenants(self):
        return [*{r.tenant for r in self.records.values()}, *self.others]

    async def revoked(self, tenant):
        return [Revoked(r.serial, r.revoked_at or 0, r.reason) for r in self.records.values() if r.state == "revoked"]

    async def issued_status(self, tenant, serial):
        for r in self.records.values():
            if (r.tenant, r.serial) == (tenant, serial):
                return Revoked(serial, r.revoked_at or 0, r.reason) if r.state == "revoked" else True
        return False

    async def listed(self, scope, station=None, state=None, ends_before=None, limit=200):
        return [r for r in self.records.values() if r.tenant == scope.tenant]

    async def one(self, scope, fingerprint):
        record = self.records.get(fingerprint)
        if record is None or record.tenant != scope.tenant:
            raise NotFound("there is no such certificate")
        return record

    async def revoke(self, scope, fingerprint, reason, at):
        before = await self.one(scope, fingerprint)
        self.records[fingerprint] = replace(before, state="revoked", reason=reason, revoked_at=at)
        return before

    async def refusals(self, scope, station=None, limit=100):
        return [{"station": s, "code": c, "sentence": t, "at": 0} for s, c, t in self.refusals_]

    async def roots(self, tenant, kinds=()):
        return [root for owner, root in self.roots_ if owner == tenant and (not kinds or root.kind in kinds)]

    async def trust(self, tenant, root, at):
        self.roots_.append((tenant, root))

    async def distrust(self, tenant, kind, fingerprint):
        return False

    async def remember(self, tenant, pairs, at):
        self.known_ += [(tenant, pem, issuer) for pem, issuer in pairs]

    async def by_serial(self, tenant, serial):
        found = [(p, i) for owner, p, i in self.known_ if owner == tenant and serial_text(load_pem(p)) == serial]
        for r in self.records.values():
            if (r.tenant, r.serial) == (tenant, serial):
                leaf, issuer, *_ = load_chain(r.chain)
                found.append((_pem(leaf), _pem(issuer)))
        return found

    async def installed(self, station, rows, at):
        self.installed_[station] = list(rows)

    async def note(self, station, kind, data, present, at):
        rows = [row for row in self.installed_.get(station, []) if row[1] != data]
        self.installed_[station] = [*rows, (kind, data)] if present else rows

    async def seen(self, station):
        return [(kind, data, 0) for kind, data in self.installed_.get(station, [])]

    async def offer(self, station, salt, hashed, at):
        number = len(self.secrets) + 1
        self.secrets[number] = (salt, hashed)
        return number

    async def withdraw(self, station, number):
        del self.secrets[number]

    async def adopt(self, station, number):
        self.adopted.append(number)
        self.secrets.clear()

    async def outstanding(self, station):
        return len(self.secrets)

    async def profile(self, station):
        return self.profiles.get(station, 1)

    async def prepared(self, station, now):
        return self.prepared_

    async def expect(self, station, profile, now):
        self.expected.append((station, profile))


@dataclass
class Stations:
    """`Commands`: what was asked, and what is answered, by the command's name."""

    answers: dict[str, object] = field(default_factory=dict)
    asked: list[tuple[str, object]] = field(default_factory=list)

    async def command(self, station, command):
        self.asked.append((station, command))
        answer = self.answers.get(type(command).__name__, CommandResult("Accepted", accepted=True))
        if isinstance(answer, list):
            answer = answer.pop(0)
        if callable(answer):
            answer = answer(command)
        if isinstance(answer, SunpileError):
            raise answer
        return answer

    def names(self) -> list[str]:
        return [type(command).__name__ for _, command in self.asked]


class Fetches:
    """`Fetcher`: answers by URL; keeps what was asked of it."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[bytes | None], bytes]] = {}
        self.urls: list[str] = []

    async def fetch(self, url, body=None, content_type=""):
        self.urls.append(url)
        if url not in self.answers:
            raise Unreachable("nobody there")
        return self.answers[url](body)


class Audits(NoAudit):
    def __init__(self) -> None:
        self.rows: list[tuple] = []

    async def record(self, scope, action, object, before=None, after=None, reason=""):
        self.rows.append((scope.tenant, action, object, before, after, reason))


class House:
    """Everything of this part, joined as the wiring does it."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.store, self.stations = Clock(), Store(), Stations()
        self.fetches, self.audits = Fetches(), Audits()
        self.changes: list[tuple[str, dict]] = []
        self.dropped: list[str] = []

        def operator(tenant: str) -> str:
            return OPERATOR

        def changed(kind: str, data: dict) -> None:
            self.changes.append((kind, data))

        async def dropped(station: StationId) -> None:
            self.dropped.append(station)

        store, clock = self.store, self.clock
        self.authority = LocalAuthority(folder / "pki", operator)
        self.signing = Signing(self.authority, store, self.stations, clock, operator, changed)
        self.status = CertificateStatus(self.authority, store, store, self.fetches, clock)
        self.provider = LocalContracts(folder / "pki", operator, clock, trust=store)
        self.contracts = Contracts(self.provider, store, store, self.status, clock)
        self.events = SecurityEvents(store, clock, changed)
        self.desk = CertificateDesk(self.signing, self.status, self.contracts, self.events)
        self.upkeep = CertificateUpkeep(
            Parts(self.authority, store, store, self.stations, self.signing, self.audits, clock, dropped)
        )
        self.passwords = Passwords(store, store, self.stations, self.audits, clock, changed)
        self.profiles = Profiles(store, store, self.stations, self.audits, clock, changed)


def unreachable() -> PileUnreachable:
    return PileUnreachable("pile CS-1 is not connected")


def _pem(certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM).decode()


__all__ = ["OPERATOR", "STATION", "Audits", "House", "Stations", "Store", "fingerprint", "unreachable"]
