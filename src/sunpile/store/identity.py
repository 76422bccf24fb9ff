"""Tenants, staff, sign-in and keys in SQL: implements `IdentityStore`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from sunpile.basics.errors import Conflict, NotFound, Unauthorised
from sunpile.basics.scope import Scope
from sunpile.identity.model import (
    ABSOLUTE_S,
    IDLE_S,
    ApiKey,
    Flow,
    Invite,
    Passkey,
    Session,
    StaffMember,
    Tenant,
)
from sunpile.store.database import Database
from sunpile.store.identity_tables import (
    api_keys,
    signin_flows,
    staff,
    staff_invites,
    staff_passkeys,
    staff_sessions,
    tenants,
)
from sunpile.store.scoped import scoped

_S, _P, _I, _B, _F, _K = staff.c, staff_passkeys.c, staff_invites.c, staff_sessions.c, signin_flows.c, api_keys.c


class IdentityDatabase:
    """Identity on the store's door."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- tenants and staff ------------------------------------------------------------------------------------------

    async def add_tenant(self, tenant: Tenant) -> None:
        """See `IdentityStore.add_tenant`."""

        def work(connection: Connection) -> None:
            if connection.scalar(select(tenants.c.tenant).where(tenants.c.tenant == tenant.tenant)) is not None:
                raise Conflict(f"there is a tenant {tenant.tenant} already")
            connection.execute(insert(tenants).values(asdict(tenant)))

        await self._database.write(work)

    async def tenants(self) -> Sequence[Tenant]:
        """All tenants."""
        query = select(tenants).order_by(tenants.c.tenant)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Tenant(row.tenant, row.name, row.created_at) for row in rows]

    async def add_staff(self, member: StaffMember) -> None:
        """See `IdentityStore.add_staff`."""

        def work(connection: Connection) -> None:
            if connection.scalar(select(tenants.c.tenant).where(tenants.c.tenant == member.tenant)) is None:
                raise NotFound(f"there is no tenant {member.tenant}")
            same = select(_S.staff).where(_S.issuer == member.issuer, _S.subject == member.subject)
            if member.issuer and connection.scalar(same) is not None:
                raise Conflict("this subject of this provider is known already")
            values = asdict(member) | {"issuer": member.issuer or None, "subject": member.subject or None}
            connection.execute(insert(staff).values(values))

        await self._database.write(work)

    async def staff(self, scope: Scope) -> Sequence[StaffMember]:
        """Staff of the scope's tenant."""
        query = scoped(staff, scope).order_by(_S.name, _S.staff)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_member(row) for row in rows]

    async def member(self, scope: Scope, staff_id: str) -> StaffMember:
        """See `IdentityStore.member`."""
        query = scoped(staff, scope).where(_S.staff == staff_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            raise NotFound(f"there is nobody called {staff_id}")
        return _member(row)

    async def save_staff(self, scope: Scope, member: StaffMember) -> None:
        """See `IdentityStore.save_staff`."""

        def work(connection: Connection) -> None:
            which = update(staff).where(_S.staff == member.staff, _S.tenant == scope.tenant)
            values = {"name": member.name, "role": member.role, "email": member.email, "disabled": member.disabled}
            if not connection.execute(which.values(values)).rowcount:
                raise NotFound(f"there is nobody called {member.staff}")
            if member.disabled:
                connection.execute(delete(staff_sessions).where(_B.staff == member.staff))
                connection.execute(delete(staff_invites).where(_I.staff == member.staff))

        await self._database.write(work)

    async def by_id(self, staff_id: str) -> StaffMember | None:
        """Somebody, before there is a scope."""
        return await self._one(select(staff).where(_S.staff == staff_id))

    async def by_subject(self, issuer: str, subject: str) -> StaffMember | None:
        """Somebody a provider knows."""
        return await self._one(select(staff).where(_S.issuer == issuer, _S.subject == subject))

    async def _one(self, query: Any) -> StaffMember | None:
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return _member(row) if row is not None else None

    # -- invitations and passkeys -----------------------------------------------------------------------------------

    async def add_invite(self, invite: Invite) -> None:
        """An invitation takes the place of earlier ones."""

        def work(connection: Connection) -> None:
            connection.execute(delete(staff_invites).where(_I.staff == invite.staff))
            connection.execute(insert(staff_invites).values(asdict(invite)))

        await self._database.write(work)

    async def invited(self, hashed: bytes, now: int) -> StaffMember | None:
        """See `IdentityStore.invited`."""
        query = select(staff).join(staff_invites, _I.staff == _S.staff)
        return await self._one(query.where(_I.hash == hashed, _I.expires_at > now, _S.disabled.is_(False)))

    async def add_passkey(self, passkey: Passkey, invite: bytes | None, now: int) -> None:
        """See `IdentityStore.add_passkey`."""

        def work(connection: Connection) -> None:
            if invite is not None:
                good = delete(staff_invites).where(_I.hash == invite, _I.staff == passkey.staff, _I.expires_at > now)
                if not connection.execute(good).rowcount:
                    raise Unauthorised("the invitation was used or is too old; ask for another")
            if connection.scalar(select(_P.staff).where(_P.credential == passkey.credential)) is not None:
                raise Conflict("this passkey is registered already")
            connection.execute(insert(staff_passkeys).values(asdict(passkey)))

        await self._database.write(work)

    async def passkey(self, credential: bytes) -> Passkey | None:
        """A passkey by its credential id."""
        query = select(staff_passkeys).where(_P.credential == credential)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return _passkey(row) if row is not None else None

    async def passkeys(self, staff_id: str) -> Sequence[Passkey]:
        """Somebody's passkeys, oldest first."""
        query = select(staff_passkeys).where(_P.staff == staff_id).order_by(_P.created_at)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_passkey(row) for row in rows]

    async def passkey_used(self, credential: bytes, before: int, after: int, now: int) -> bool:
        """See `IdentityStore.passkey_used`."""
        which = update(staff_passkeys).where(_P.credential == credential, _P.sign_count == before)
        moved = which.values(sign_count=after, last_used_at=now)
        return bool(await self._database.write(lambda connection: connection.execute(moved).rowcount))

    async def remove_passkey(self, staff_id: str, credential: bytes) -> bool:
        """Take a passkey away; False if there was none."""
        gone = delete(staff_passkeys).where(_P.credential == credential, _P.staff == staff_id)
        return bool(await self._database.write(lambda connection: connection.execute(gone).rowcount))

    # -- sessions and flows -----------------------------------------------------------------------------------------

    async def add_session(self, session: Session) -> None:
        """Keep a session."""
        await self._database.write(
            lambda connection: connection.execute(insert(staff_sessions).values(asdict(session)))
        )

    async def session(self, hashed: bytes) -> tuple[Session, StaffMember] | None:
        """A session and whose it is."""
        columns = (_B.hash, _B.created_at.label("begun_at"), _B.seen_at, _B.fresh_at, staff)
        query = select(*columns).join(staff, _S.staff == _B.staff).where(_B.hash == hashed)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            return None
        return Session(bytes(row.hash), row.staff, row.begun_at, row.seen_at, row.fresh_at), _member(row)

    async def save_session(self, session: Session) -> None:
        """See `IdentityStore.save_session`. A request that comes late takes no freshness back."""

        def work(connection: Connection) -> None:
            seen = update(staff_sessions).where(_B.hash == session.hash, _B.seen_at < session.seen_at)
            connection.execute(seen.values(seen_at=session.seen_at))
            fresh = update(staff_sessions).where(_B.hash == session.hash, _B.fresh_at < session.fresh_at)
            connection.execute(fresh.values(fresh_at=session.fresh_at))

        await self._database.write(work)

    async def end_session(self, hashed: bytes) -> None:
        """End a session."""
        await self._database.write(
            lambda connection: connection.execute(delete(staff_sessions).where(_B.hash == hashed))
        )

    async def end_sessions(self, staff_id: str) -> None:
        """End every session of somebody."""
        gone = delete(staff_sessions).where(_B.staff == staff_id)
        await self._database.write(lambda connection: connection.execute(gone))

    async def add_flow(self, flow: Flow) -> None:
        """Keep a sign-in that was begun."""
        await self._database.write(lambda connection: connection.execute(insert(signin_flows).values(asdict(flow))))

    async def take_flow(self, hashed: bytes) -> Flow | None:
        """See `IdentityStore.take_flow`."""

        def work(connection: Connection) -> Flow | None:
            row = connection.execute(select(signin_flows).where(_F.hash == hashed)).first()
            if row is None or not connection.execute(delete(signin_flows).where(_F.hash == hashed)).rowcount:
                return None
            flow = (row.kind, bytes(row.binding), row.secret, row.verifier, row.subject, row.expires_at)
            return Flow(bytes(row.hash), *flow)

        return await self._database.write(work)

    # -- keys -------------------------------------------------------------------------------------------------------

    async def add_key(self, key: ApiKey, hashed: bytes) -> None:
        """Keep a key."""
        values = asdict(key) | {"hash": hashed}
        values |= {name: json.dumps(sorted(values[name])) for name in ("permissions", "stations")}
        await self._database.write(lambda connection: connection.execute(insert(api_keys).values(values)))

    async def keys(self, scope: Scope) -> Sequence[ApiKey]:
        """Keys of the scope's tenant, newest first."""
        query = scoped(api_keys, scope).order_by(_K.created_at.desc(), _K.key)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_key(row) for row in rows]

    async def key_of(self, hashed: bytes) -> ApiKey | None:
        """A key by the hash of its secret."""
        query = select(api_keys).where(_K.hash == hashed)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return _key(row) if row is not None else None

    async def key_used(self, key: str, now: int) -> None:
        """Note when a key was last used."""
        used = update(api_keys).where(_K.key == key).values(last_used_at=now)
        await self._database.write(lambda connection: connection.execute(used))

    async def revoke_key(self, scope: Scope, key: str, now: int) -> ApiKey:
        """See `IdentityStore.revoke_key`."""

        def work(connection: Connection) -> ApiKey:
            row = connection.execute(scoped(api_keys, scope).where(_K.key == key)).first()
            if row is None:
                raise NotFound(f"there is no key {key}")
            which = update(api_keys).where(_K.key == key, _K.revoked_at.is_(None))
            connection.execute(which.values(revoked_at=now))
            return _key(row)

        return await self._database.write(work)

    async def forget(self, now: int) -> None:
        """See `IdentityStore.forget`."""

        def work(connection: Connection) -> None:
            connection.execute(delete(staff_invites).where(_I.expires_at <= now))
            connection.execute(delete(signin_flows).where(_F.expires_at <= now))
            over = or_(_B.seen_at <= now - IDLE_S, _B.created_at <= now - ABSOLUTE_S)
            connection.execute(delete(staff_sessions).where(over))

        await self._database.write(work)


def ensure_tenant(connection: Connection, tenant: Tenant) -> None:
    """The tenant is there afterwards: the default one, at a node's start."""
    if connection.scalar(select(tenants.c.tenant).where(tenants.c.tenant == tenant.tenant)) is None:
        try:
            connection.execute(insert(tenants).values(asdict(tenant)))
        except IntegrityError as fault:
            raise Conflict(f"there is a tenant {tenant.tenant} already") from fault


def _member(row: Any) -> StaffMember:
    return StaffMember(
        row.staff,
        row.tenant,
        row.name,
        row.role,
        row.email,
        row.issuer or "",
        row.subject or "",
        bool(row.disabled),
        row.created_at,
    )


def _passkey(row: Any) -> Passkey:
    return Passkey(
        bytes(row.credential),
        row.staff,
        bytes(row.public_key),
        row.sign_count,
        row.label,
        row.created_at,
        row.last_used_at,
    )


def _key(row: Any) -> ApiKey:
    return ApiKey(
        row.key,
        row.tenant,
        row.label,
        frozenset(json.loads(row.permissions)),
        frozenset(json.loads(row.stations)),
        row.per_minute,
        row.expires_at,
        row.created_by,
        row.created_at,
        row.last_used_at,
        row.revoked_at,
    )
