"""Certificates of stations, and whom tenants trust, in SQL: implements `CertificateStore` and `TrustStore`."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update

from sunpile.basics.errors import Conflict, NotFound
from sunpile.basics.ids import StationId
from sunpile.basics.scope import Scope
from sunpile.chargers.certificates.hashes import fingerprint, serial_text
from sunpile.chargers.certificates.names import load_pem
from sunpile.chargers.certificates.ports import CertificateRecord, Revoked, Root, StationFacts
from sunpile.chargers.certificates.requests import Known, SigningRequest
from sunpile.store.certificate_tables import (
    installed_certificates,
    known_certificates,
    refused_requests,
    station_certificates,
    trusted_roots,
)
from sunpile.store.database import Database, insert_new, without_nul
from sunpile.store.tables import stations

_C = station_certificates.c
_COLUMNS = [_C[field.name] for field in fields(CertificateRecord)]
KNOWN_MAX = 20_000
"""Foreign certificates kept per tenant; the ones not seen for longest go first."""


class CertificateDatabase:
    """Certificates and trust on the store's door."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- CertificateStore -------------------------------------------------------------------------------------------

    async def station(self, station: str) -> StationFacts | None:
        """See `CertificateStore.station`."""
        s = stations.c
        query = select(s.station, s.tenant, s.serial, s.ocpp_version).where(s.station == station)

        def work(connection: Connection) -> StationFacts | None:
            row = connection.execute(query).first()
            if row is None:
                return None
            serial = (row.serial or "").strip()
            others = select(s.station).where(s.serial == serial, s.tenant == row.tenant, s.station != station).limit(1)
            shared = bool(serial) and connection.execute(others).first() is not None
            return StationFacts(StationId(row.station), row.tenant, serial, row.ocpp_version or "", shared)

        return await self._database.read(work)

    async def known(self, facts: StationFacts, operator: str, request: SigningRequest) -> Known:
        """See `CertificateStore.known`."""

        def work(connection: Connection) -> Known:
            used = connection.execute(_of_others(facts.station, request.key_hash)).first() is not None
            holder = select(_C.station).where(
                _C.name == request.name, _C.tenant == facts.tenant, _C.station != facts.station, _C.state != "revoked"
            )
            other = connection.scalar(holder.limit(1)) or ""
            return Known(facts.station, facts.serial, operator, facts.serial_shared, used, other)

        return await self._database.read(work)

    async def keep(self, record: CertificateRecord) -> None:
        """See `CertificateStore.keep`."""

        def work(connection: Connection) -> None:
            # Asked again in the writer: two stations may send the same key side by side.
            if connection.execute(_of_others(record.station, record.key_hash)).first():
                raise Conflict("the public key is in a certificate of another station, or in a revoked one")
            connection.execute(insert(station_certificates).values(**asdict(record)))

        await self._database.write(work)

    async def refused(self, station: StationId, tenant: str, at: int, code: str, sentence: str, csr: str) -> None:
        """See `CertificateStore.refused`."""
        row = insert(refused_requests).values(
            tenant=tenant, station=station, at=at, code=code, sentence=sentence[:512], csr=without_nul(csr)
        )
        await self._database.write(lambda connection: connection.execute(row))

    async def moved(self, fingerprint: str, state: str, outcome: str, at: int, tried: bool) -> None:
        """See `CertificateStore.moved`. What is revoked stays so."""
        change = update(station_certificates).where(_C.fingerprint == fingerprint, _C.state != "revoked")
        change = change.values(
            state=state, outcome=without_nul(outcome)[:512], changed_at=at, tries=_C.tries + (1 if tried else 0)
        )
        await self._database.write(lambda connection: connection.execute(change))

    async def waiting(self, station: StationId | None = None) -> Sequence[CertificateRecord]:
        """See `CertificateStore.waiting`."""
        query = select(*_COLUMNS).where(_C.state == "issued", _C.station != "").order_by(_C.changed_at).limit(1000)
        return await self._many(query.where(_C.station == station) if station is not None else query)

    async def find(self, fingerprint: str) -> CertificateRecord | None:
        """See `CertificateStore.find`."""
        found = await self._many(select(*_COLUMNS).where(_C.fingerprint == fingerprint))
        return found[0] if found else None

    async def newest(self, tenant: str | None, before: int) -> Sequence[CertificateRecord]:
        """See `CertificateStore.newest`."""
        later = station_certificates.alias("later")
        newer = select(later.c.fingerprint).where(
            later.c.station == _C.station,
            later.c.use == _C.use,
            later.c.state.in_(("issued", "accepted")),
            later.c.not_after > _C.not_after,
        )
        query = select(*_COLUMNS).where(_C.state == "accepted", _C.not_after < before, ~newer.exists())
        query = query.order_by(_C.not_after).limit(1000)
        return await self._many(query.where(_C.tenant == tenant) if tenant is not None else query)

    async def tenants(self) -> Sequence[str]:
        """Tenants whose stations were given certificates."""
        query = select(_C.tenant).where(_C.station != "").distinct().order_by(_C.tenant)
        return await self._database.read(lambda connection: list(connection.scalars(query)))

    async def revoked(self, tenant: str) -> Sequence[Revoked]:
        """See `CertificateStore.revoked`."""
        query = select(_C.serial, _C.revoked_at, _C.reason).where(_C.tenant == tenant, _C.state == "revoked")
        rows = await self._database.read(lambda connection: connection.execute(query.order_by(_C.revoked_at)).all())
        return [Revoked(row.serial, row.revoked_at, row.reason) for row in rows]

    async def issued_status(self, tenant: str, serial: str) -> Revoked | bool:
        """See `StatusBook.issued_status`."""
        query = select(_C.serial, _C.revoked_at, _C.reason).where(_C.tenant == tenant, _C.serial == serial)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            return False
        return True if row.revoked_at is None else Revoked(row.serial, row.revoked_at, row.reason)

    # -- for staff --------------------------------------------------------------------------------------------------

    async def listed(
        self,
        scope: Scope,
        station: str | None = None,
        state: str | None = None,
        ends_before: int | None = None,
        limit: int = 200,
    ) -> Sequence[CertificateRecord]:
        """Certificates of the scope's tenant, newest first."""
        query = select(*_COLUMNS).where(_C.tenant == scope.tenant)
        for condition, value in ((_C.station == station, station), (_C.state == state, state)):
            query = query.where(condition) if value is not None else query
        if ends_before is not None:
            query = query.where(_C.not_after < ends_before)
        return await self._many(query.order_by(_C.not_before.desc(), _C.fingerprint).limit(limit))

    async def one(self, scope: Scope, fingerprint: str) -> CertificateRecord:
        """A certificate of the scope's tenant.

        Raises
        ------
        NotFound
            if there is none.
        """
        found = await self._many(select(*_COLUMNS).where(_C.fingerprint == fingerprint, _C.tenant == scope.tenant))
        if not found:
            raise NotFound("there is no such certificate")
        return found[0]

    async def revoke(self, scope: Scope, fingerprint: str, reason: str, at: int) -> CertificateRecord:
        """Revoke a certificate of the scope's tenant; return it as it was. Doing it twice changes nothing.

        Raises
        ------
        NotFound
            if there is none.
        """
        before = await self.one(scope, fingerprint)
        change = update(station_certificates).where(
            _C.fingerprint == fingerprint, _C.tenant == scope.tenant, _C.state != "revoked"
        )
        change = change.values(state="revoked", revoked_at=at, reason=reason, changed_at=at)
        await self._database.write(lambda connection: connection.execute(change))
        return before

    async def refusals(self, scope: Scope, station: str | None = None, limit: int = 100) -> Sequence[dict[str, Any]]:
        """Refused requests of the scope's tenant, newest first."""
        r = refused_requests.c
        query = select(r.station, r.at, r.code, r.sentence).where(r.tenant == scope.tenant)
        query = query.where(r.station == station) if station is not None else query
        rows = await self._database.read(
            lambda connection: connection.execute(query.order_by(r.id.desc()).limit(limit)).mappings().all()
        )
        return [dict(row) for row in rows]

    async def own_station(self, scope: Scope, station: str) -> StationFacts:
        """A station of the scope's tenant.

        Raises
        ------
        NotFound
            if it has none of that identity.
        """
        facts = await self.station(station)
        if facts is None or facts.tenant != scope.tenant:
            raise NotFound(f"there is no station {station}")
        return facts

    # -- TrustStore -------------------------------------------------------------------------------------------------

    async def roots(self, tenant: str, kinds: Sequence[str] = ()) -> Sequence[Root]:
        """See `TrustStore.roots`."""
        t = trusted_roots.c
        query = select(t.kind, t.fingerprint, t.pem, t.wanted, t.not_after).where(t.tenant == tenant)
        query = query.where(t.kind.in_(kinds)) if kinds else query
        rows = await self._database.read(
            lambda connection: connection.execute(query.order_by(t.kind, t.added_at.desc(), t.fingerprint)).all()
        )
        return [Root(row.kind, row.fingerprint, row.pem, row.wanted, row.not_after) for row in rows]

    async def trust(self, tenant: str, root: Root, at: int) -> None:
        """See `TrustStore.trust`."""
        t = trusted_roots.c
        values = asdict(root) | {"tenant": tenant, "added_at": at}

        def work(connection: Connection) -> None:
            connection.execute(insert_new(connection, trusted_roots).values(values))
            which = (t.tenant == tenant) & (t.kind == root.kind) & (t.fingerprint == root.fingerprint)
            connection.execute(update(trusted_roots).where(which).values(wanted=root.wanted))

        await self._database.write(work)

    async def distrust(self, tenant: str, kind: str, fingerprint: str) -> bool:
        """See `TrustStore.distrust`."""
        t = trusted_roots.c
        which = (t.tenant == tenant) & (t.kind == kind) & (t.fingerprint == fingerprint)
        gone = await self._database.write(lambda c: c.execute(delete(trusted_roots).where(which)).rowcount)
        return gone > 0

    async def remember(self, tenant: str, pairs: Sequence[tuple[str, str]], at: int) -> None:
        """See `TrustStore.remember`."""
        k = known_certificates.c
        loaded = [(load_pem(pem), pem, issuer) for pem, issuer in pairs]
        rows = [
            {"tenant": tenant, "fingerprint": fingerprint(one), "serial": serial_text(one), "pem": pem}
            | {"issuer": issuer, "seen_at": at}
            for one, pem, issuer in loaded
        ]

        def work(connection: Connection) -> None:
            for row in rows:
                connection.execute(insert_new(connection, known_certificates).values(row))
                which = (k.tenant == tenant) & (k.fingerprint == row["fingerprint"])
                connection.execute(update(known_certificates).where(which).values(seen_at=at))
            over = int(connection.scalar(select(func.count()).where(k.tenant == tenant)) or 0) - KNOWN_MAX
            if over > 0:
                oldest = select(k.fingerprint).where(k.tenant == tenant).order_by(k.seen_at).limit(over)
                connection.execute(
                    delete(known_certificates).where(k.tenant == tenant, k.fingerprint.in_(oldest.scalar_subquery()))
                )

        if rows:
            await self._database.write(work)

    async def by_serial(self, tenant: str, serial: str) -> Sequence[tuple[str, str]]:
        """See `TrustStore.by_serial`. What our own authority issued is found too."""
        k = known_certificates.c
        query = select(k.pem, k.issuer).where(k.tenant == tenant, k.serial == serial).limit(16)
        own = select(_C.chain).where(_C.tenant == tenant, _C.serial == serial).limit(16)

        def work(connection: Connection) -> list[tuple[str, str]]:
            found = [(row.pem, row.issuer) for row in connection.execute(query)]
            for chain in connection.execute(own).scalars():
                parts = [part + "-----END CERTIFICATE-----\n" for part in chain.split("-----END CERTIFICATE-----\n")]
                found.append((parts[0], parts[1]))
            return found

        return await self._database.read(work)

    async def installed(self, station: StationId, rows: Sequence[tuple[str, dict[str, str]]], at: int) -> None:
        """See `TrustStore.installed`."""
        i = installed_certificates

        def work(connection: Connection) -> None:
            connection.execute(delete(i).where(i.c.station == station))
            for kind, data in rows:
                connection.execute(
                    insert_new(connection, i).values(
                        station=station,
                        kind=kind,
                        algorithm=data["hashAlgorithm"],
                        issuer_name=data["issuerNameHash"],
                        issuer_key=data["issuerKeyHash"],
                        serial=data["serialNumber"],
                        seen_at=at,
                    )
                )

        await self._database.write(work)

    async def note(self, station: StationId, kind: str, data: dict[str, str], present: bool, at: int) -> None:
        """See `TrustStore.note`."""
        i = installed_certificates
        values = {
            "algorithm": data["hashAlgorithm"],
            "issuer_name": data["issuerNameHash"],
            "issuer_key": data["issuerKeyHash"],
            "serial": data["serialNumber"],
        }

        def work(connection: Connection) -> None:
            if present:
                row = values | {"station": station, "kind": kind, "seen_at": at}
                connection.execute(insert_new(connection, i).values(row))
                return
            which = [i.c[name] == value for name, value in values.items()]
            which += [i.c.kind == kind] if kind else []
            connection.execute(delete(i).where(i.c.station == station, *which))

        await self._database.write(work)

    async def seen(self, station: StationId) -> Sequence[tuple[str, dict[str, str], int]]:
        """See `TrustStore.seen`."""
        i = installed_certificates.c
        query = select(i.kind, i.algorithm, i.issuer_name, i.issuer_key, i.serial, i.seen_at)
        query = query.where(i.station == station).order_by(i.kind, i.serial)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [
            (
                row.kind,
                {
                    "hashAlgorithm": row.algorithm,
                    "issuerNameHash": row.issuer_name,
                    "issuerKeyHash": row.issuer_key,
                    "serialNumber": row.serial,
                },
                row.seen_at,
            )
            for row in rows
        ]

    async def _many(self, query: Select[Any]) -> list[CertificateRecord]:
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [_record(row) for row in rows]


def _of_others(station: str, key_hash: str) -> Select[tuple[str]]:
    condition = (_C.station != station) | (_C.state == "revoked")
    return select(_C.station).where(_C.key_hash == key_hash, condition).limit(1)


def _record(row: RowMapping) -> CertificateRecord:
    return CertificateRecord(**{str(name): value for name, value in row.items()})
