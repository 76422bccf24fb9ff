"""Signing in: by passkey, by the operator's OpenID provider, by invitation; and the session that comes of it."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from webauthn import base64url_to_bytes

from sunpile.basics.audit import Audit
from sunpile.basics.errors import Conflict, Forbidden, NotFound, Unauthorised
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.identity import passkeys
from sunpile.identity.model import FLOW_S, FRESH_S, Flow, Passkey, Session, StaffMember, digest
from sunpile.identity.oidc import Claimed, OidcSettings, claimed, pkce_challenge
from sunpile.identity.passkeys import Answer, Party
from sunpile.identity.ports import IdentityStore, Provider
from sunpile.identity.roles import ROLES
from sunpile.identity.staff import new_id, new_secret

PASSKEYS_MAX = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser is to do."""

    flow: str
    """Handle to send back with the answer; good once."""
    options: dict[str, Any]
    """For `navigator.credentials`."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who has just signed in."""

    member: StaffMember
    """Who."""
    cookie: str
    """The new session's secret."""


def scope_of(member: StaffMember) -> Scope:
    """On whose behalf somebody acts."""
    return Scope(member.tenant, f"staff:{member.staff}", ROLES[member.role])


class SignIn:
    """Sign-in of one node."""

    def __init__(
        self,
        store: IdentityStore,
        audit: Audit,
        clock: Clock,
        party: Party,
        oidc: tuple[OidcSettings, Provider] | None = None,
        ids: Callable[[], str] = new_id,
    ) -> None:
        self._store, self._audit, self._clock, self.party, self._ids = store, audit, clock, party, ids
        self._oidc = oidc

    @property
    def with_oidc(self) -> bool:
        """True if there is an OpenID provider."""
        return self._oidc is not None

    # -- passkeys -----------------------------------------------------------------------------------------------------

    async def ask_passkey(self) -> Asked:
        """Begin to sign in by a passkey."""
        flow, challenge = await self._begin("passkey")
        return Asked(flow, passkeys.ask_sign_in(self.party, challenge))

    async def by_passkey(self, flow: str, answer: Answer) -> SignedIn:
        """Sign in. A passkey nobody has, one of somebody disabled and a wrong answer look the same from outside."""
        begun = await self._taken(flow, "passkey")
        passkey, member = await self._show(begun, answer)
        return await self._open(member, fresh=True, how=f"passkey {passkey.label}".strip())

    async def ask_invited(self, secret: str) -> Asked:
        """Begin to register a passkey with an invitation."""
        member = await self._store.invited(digest(secret), self._clock.now())
        if member is None:
            raise Unauthorised("the invitation was used or is too old; ask for another")
        return await self._ask_register(member, digest(secret))

    async def by_invitation(self, secret: str, flow: str, answer: Answer, label: str) -> SignedIn:
        """Register the passkey, use the invitation up, and sign in."""
        member = await self._register(digest(secret), flow, answer, label, invite=digest(secret))
        return await self._open(member, fresh=True, how="invitation")

    # -- signed in already --------------------------------------------------------------------------------------------

    async def ask_register(self, session: Session, member: StaffMember) -> Asked:
        """Begin to register another passkey. It takes a passkey shown now, or a session that is a few minutes old."""
        known = await self._store.passkeys(member.staff)
        now = self._clock.now()
        young = not known and now < session.created_at + FRESH_S
        if not (session.fresh(now) or young):
            raise Forbidden("show a passkey again first", step_up=True)
        if len(known) >= PASSKEYS_MAX:
            raise Conflict(f"nobody has more than {PASSKEYS_MAX} passkeys")
        return await self._ask_register(member, session.hash)

    async def register(self, session: Session, flow: str, answer: Answer, label: str) -> None:
        """Register another passkey, which counts as shown."""
        await self._register(session.hash, flow, answer, label, invite=None)
        await self._store.save_session(replace(session, fresh_at=self._clock.now()))

    async def ask_step_up(self, session: Session, member: StaffMember) -> Asked:
        """Begin to show a passkey again."""
        known = await self._store.passkeys(member.staff)
        if not known:
            raise Conflict("you have no passkey yet; register one")
        flow, challenge = await self._begin("stepup", session.hash, member.staff)
        return Asked(flow, passkeys.ask_sign_in(self.party, challenge, known))

    async def step_up(self, session: Session, flow: str, answer: Answer) -> None:
        """A passkey was shown again: for some minutes approvals and changes of staff go through."""
        begun = await self._taken(flow, "stepup", session.hash)
        await self._show(begun, answer)
        await self._store.save_session(replace(session, fresh_at=self._clock.now()))

    async def passkeys(self, member: StaffMember) -> list[Passkey]:
        """Somebody's passkeys."""
        return list(await self._store.passkeys(member.staff))

    async def remove_passkey(self, session: Session, member: StaffMember, credential: bytes) -> None:
        """Take one of one's own passkeys away, but not the last."""
        if not session.fresh(self._clock.now()):
            raise Forbidden("show a passkey again first", step_up=True)
        known = [passkey.credential for passkey in await self._store.passkeys(member.staff)]
        if known == [credential]:
            raise Conflict("this is the last passkey; register another first")
        if not await self._store.remove_passkey(member.staff, credential):
            raise NotFound("you have no such passkey")
        await self._audit.record(scope_of(member), "passkey.remove", f"staff:{member.staff}")

    async def sign_out(self, session: Session) -> None:
        """End this session."""
        await self._store.end_session(session.hash)

    # -- OpenID -------------------------------------------------------------------------------------------------------

    async def ask_provider(self) -> tuple[str, str]:
        """Where the browser goes, and the secret it keeps in a cookie, so that no one else's answer is taken."""
        _, provider = self._provider()
        state, nonce, verifier, binding = (secrets.token_urlsafe(32) for _ in range(4))
        url = await provider.authorize_url(state, nonce, pkce_challenge(verifier))
        until = self._clock.now() + FLOW_S
        await self._store.add_flow(Flow(digest(state), "oidc", digest(binding), nonce, verifier, "", until))
        return url, binding

    async def by_provider(self, state: str, code: str, binding: str) -> SignedIn:
        """The browser is back with a code."""
        settings, provider = self._provider()
        begun = await self._taken(state, "oidc", digest(binding))
        now = self._clock.now()
        found = await provider.claims(code, begun.verifier, begun.secret, now)
        person = claimed(settings, found)
        member = await self._known(settings, person)
        proven = 0 < person.proven_at <= now + FRESH_S and now < person.proven_at + FRESH_S
        # Fresh is a passkey's word only; a provider's counts as long as there is no passkey to ask for.
        fresh = proven and not await self._store.passkeys(member.staff)
        return await self._open(member, fresh, how=f"provider {settings.issuer}")

    async def _known(self, settings: OidcSettings, person: Claimed) -> StaffMember:
        member = await self._store.by_subject(settings.issuer, person.subject)
        if member is None:
            staff = self._ids()
            name = person.name or staff
            member = StaffMember(
                staff, person.tenant, name, person.role, "", settings.issuer, person.subject, False, self._clock.now()
            )
            await self._store.add_staff(member)
            facts = {"staff": member.staff, "role": member.role}
            await self._audit.record(scope_of(member), "staff.add", f"staff:{member.staff}", None, facts, "by provider")
        if member.disabled or member.tenant != person.tenant:
            raise Unauthorised("this account is disabled")
        if member.role != person.role:
            # The provider's word holds: who lost a group there loses the role here with the next sign-in.
            before, member = member, replace(member, role=person.role)
            await self._store.save_staff(scope_of(member), member)
            facts = {"role": before.role}, {"role": member.role}
            await self._audit.record(scope_of(member), "staff.change", f"staff:{member.staff}", *facts, "by provider")
        return member

    def _provider(self) -> tuple[OidcSettings, Provider]:
        if self._oidc is None:
            raise NotFound("this node has no OpenID provider")
        return self._oidc

    # -- parts --------------------------------------------------------------------------------------------------------

    async def _begin(self, kind: str, binding: bytes = b"", staff: str = "") -> tuple[str, bytes]:
        flow, challenge = new_secret(), secrets.token_urlsafe(32)
        until = self._clock.now() + FLOW_S
        await self._store.add_flow(Flow(digest(flow), kind, binding, challenge, "", staff, until))
        return flow, base64url_to_bytes(challenge)

    async def _taken(self, handle: str, kind: str, binding: bytes = b"") -> Flow:
        begun = await self._store.take_flow(digest(handle))
        if begun is None or begun.kind != kind or begun.binding != binding or self._clock.now() >= begun.expires_at:
            raise Unauthorised("this sign-in was not begun here, or too long ago; begin again")
        return begun

    async def _show(self, begun: Flow, answer: Answer) -> tuple[Passkey, StaffMember]:
        passkey = await self._store.passkey(passkeys.credential_of(answer))
        member = await self._store.by_id(passkey.staff) if passkey is not None else None
        if passkey is None or member is None or member.disabled or begun.subject not in ("", passkey.staff):
            raise Unauthorised("the passkey was not accepted")
        try:
            count = passkeys.shown(self.party, answer, base64url_to_bytes(begun.secret), passkey)
        except Unauthorised as fault:
            await self._audit.record(
                scope_of(member), "signin.refused", f"staff:{member.staff}", None, {"fault": fault.detail}
            )
            raise
        if not await self._store.passkey_used(passkey.credential, passkey.sign_count, count, self._clock.now()):
            raise Unauthorised("the passkey was shown twice at once; try again")
        return passkey, member

    async def _ask_register(self, member: StaffMember, binding: bytes) -> Asked:
        flow, challenge = await self._begin("register", binding, member.staff)
        known = await self._store.passkeys(member.staff)
        return Asked(flow, passkeys.ask_registration(self.party, member, challenge, known))

    async def _register(
        self, binding: bytes, flow: str, answer: Answer, label: str, invite: bytes | None
    ) -> StaffMember:
        begun = await self._taken(flow, "register", binding)
        member = await self._store.by_id(begun.subject)
        if member is None or member.disabled:
            raise Unauthorised("this account is disabled")
        now = self._clock.now()
        made = passkeys.registered(self.party, answer, base64url_to_bytes(begun.secret), member.staff, label, now)
        await self._store.add_passkey(made, invite, now)
        await self._audit.record(scope_of(member), "passkey.add", f"staff:{member.staff}", None, {"label": label})
        return member

    async def _open(self, member: StaffMember, fresh: bool, how: str) -> SignedIn:
        cookie, now = new_secret(), self._clock.now()
        await self._store.add_session(Session(digest(cookie), member.staff, now, now, now if fresh else 0))
        await self._audit.record(scope_of(member), "signin", f"staff:{member.staff}", None, {"how": how})
        return SignedIn(member, cookie)
