"""Who stands at the door: a key or a cookie becomes a scope, or nothing."""

from dataclasses import dataclass, replace

from sunpile.basics.errors import Forbidden, TooMany, Unauthorised
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.identity.buckets import Buckets
from sunpile.identity.model import TOUCH_S, ApiKey, Session, StaffMember, digest
from sunpile.identity.ports import IdentityStore
from sunpile.identity.signin import scope_of
from sunpile.identity.staff import KEY_PREFIX

FAILURES_PER_MINUTE = 60
"""Wrong keys and cookies an address may show."""
SIGN_INS_PER_MINUTE = 30
"""Steps of signing in an address may take."""
SESSION_PER_MINUTE = 1_200
"""Requests of one session."""


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody signed in."""

    session: Session
    """The session."""
    member: StaffMember
    """Who."""

    @property
    def scope(self) -> Scope:
        """On whose behalf."""
        return scope_of(self.member)


class Door:
    """Checks credentials, at a bounded rate."""

    def __init__(self, store: IdentityStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._failures, self._sign_ins, self._requests = Buckets(), Buckets(), Buckets()

    async def by_key(self, token: str, address: str, station: str | None) -> Scope:
        """The scope of an API key on a route that names `station`, or none.

        Raises
        ------
        Unauthorised
            if it is unknown, revoked or expired: the answer is the same.
        Forbidden
            if it is for other stations.
        TooMany
            if it is used, or wrong ones are tried, too often.
        """
        now = self._clock.now()
        self._may_try(address, now)
        key = await self._store.key_of(digest(token)) if token.startswith(KEY_PREFIX) else None
        if key is None or not key.good(now):
            self._failed(address, now)
            raise Unauthorised("the key is not known here")
        _wait(self._requests.take("key:" + key.key, key.per_minute, now))
        if key.stations and station not in key.stations:
            raise Forbidden("this key is for certain stations only: use routes that name one of them")
        await self._used(key, now)
        maker = key.created_by if key.created_by.startswith("staff:") else ""
        return Scope(key.tenant, f"key:{key.key}", key.permissions, maker)

    async def by_cookie(self, cookie: str, address: str) -> Present:
        """Whose session this is.

        Raises
        ------
        Unauthorised
            if there is none, it is over, or its owner is disabled.
        TooMany
            if it is used, or wrong ones are tried, too often.
        """
        now = self._clock.now()
        self._may_try(address, now)
        found = await self._store.session(digest(cookie))
        if found is None or not found[0].alive(now) or found[1].disabled:
            self._failed(address, now)
            raise Unauthorised("you are not signed in, or were away too long")
        session, member = found
        _wait(self._requests.take("session:" + session.hash.hex(), SESSION_PER_MINUTE, now))
        if now >= session.seen_at + TOUCH_S:
            session = replace(session, seen_at=now)
            await self._store.save_session(session)
        return Present(session, member)

    def fresh(self, present: Present) -> None:
        """Go on only if a passkey was shown in the last minutes.

        Raises
        ------
        Forbidden
            if not; its member `step_up` tells the page to ask for one.
        """
        if not present.session.fresh(self._clock.now()):
            raise Forbidden("show a passkey again first", step_up=True)

    def sign_in(self, address: str) -> None:
        """One step of signing in from `address`. Raises `TooMany`."""
        _wait(self._sign_ins.take(address, SIGN_INS_PER_MINUTE, self._clock.now()))

    def failed(self, address: str) -> None:
        """Something wrong was shown from `address`."""
        self._failed(address, self._clock.now())

    async def _used(self, key: ApiKey, now: int) -> None:
        if key.last_used_at is None or now >= key.last_used_at + TOUCH_S:
            await self._store.key_used(key.key, now)

    def _may_try(self, address: str, now: int) -> None:
        _wait(self._failures.take(address, FAILURES_PER_MINUTE, now, cost=0))

    def _failed(self, address: str, now: int) -> None:
        self._failures.take(address, FAILURES_PER_MINUTE, now)


def _wait(seconds: int) -> None:
    if seconds:
        raise TooMany(f"too often; try again in {seconds} s", retry_after=seconds)
