"""Identity on a store, and the application in front of it: what tests of sign-in and of the routes look at."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from tests.identity.authenticator import Authenticator
from tests.people.house import ADMIN, House
from tests.people.house import open_house as open_plain

from sunpile.basics.scope import NODE
from sunpile.identity.door import Door
from sunpile.identity.model import Tenant
from sunpile.identity.oidc import OidcSettings
from sunpile.identity.passkeys import Party
from sunpile.identity.ports import Provider
from sunpile.identity.signin import SignIn
from sunpile.identity.staff import KeyWish, Team
from sunpile.people import create_app
from sunpile.people.api import signin, team
from sunpile.people.ports import ApiSettings
from sunpile.store.audit import AuditDatabase
from sunpile.store.every_table import metadata
from sunpile.store.identity import IdentityDatabase, ensure_tenant

ORIGIN = "http://testserver"
SAME = {"Sec-Fetch-Site": "same-origin"}
START = 1_800_000_000


class StillClock:
    """A clock that tests move."""

    def __init__(self, now: int = START) -> None:
        self.time = now

    def now(self) -> int:
        return self.time

    async def sleep_until(self, when: int) -> None:
        self.time = max(self.time, when)

    def work(self) -> Any:
        raise NotImplementedError


@dataclass
class Offices:
    """Tenants `default` and `other`, and the parts of identity."""

    house: House
    clock: StillClock
    store: IdentityDatabase
    audit: AuditDatabase
    team: Team
    sign_in: SignIn
    client: TestClient

    async def passkey(self, role: Any, tenant: str = "default") -> tuple[Authenticator, str]:
        """Somebody invited and registered: the passkey and the session's cookie."""
        invited = await self.team.invite(replace(NODE, tenant=tenant), "somebody", role)
        asked = await self.sign_in.ask_invited(invited.secret)
        made = Authenticator(ORIGIN)
        signed = await self.sign_in.by_invitation(invited.secret, asked.flow, made.make(asked.options), "mine")
        return made, signed.cookie

    async def key(self, *permissions: Any, tenant: str = "default", **wish: Any) -> str:
        """The secret of a new API key."""
        made = await self.team.make_key(
            replace(NODE, tenant=tenant), KeyWish("a program", frozenset(permissions), **wish)
        )
        return made.secret

    def answer(self, method: str, path: str, cookie: str = "", key: str = "", **more: Any) -> Any:
        """A request with a session's cookie, from our own page, or with a key."""
        headers = dict(SAME if cookie else {}) | ({"Authorization": f"Bearer {key}"} if key else {})
        headers |= {"Cookie": f"sunpile_session={cookie}"} if cookie else {}
        headers |= more.pop("headers", {})
        self.client.cookies.clear()
        return self.client.request(method, path, headers=headers, **more)


def open_offices(
    file: Path, oidc: tuple[OidcSettings, Provider] | None = None, more: Any = (), origin: str = ORIGIN
) -> Offices:
    """Identity over an SQLite file, and the application."""
    engine = create_engine(f"sqlite:///{file}")
    metadata.create_all(engine)
    with engine.begin() as connection:
        for tenant in ("default", "other"):
            ensure_tenant(connection, Tenant(tenant, tenant, START))
    engine.dispose()
    house = open_plain(file, intervals=0)
    clock = StillClock()
    store, audit = IdentityDatabase(house.database), AuditDatabase(house.database, clock)
    people = Team(store, audit, clock)
    sign_in = SignIn(store, audit, clock, Party.at(origin), oidc)
    routers = (signin.router(sign_in), team.router(people, audit, origin), *(more(house, clock, audit) if more else ()))
    house.app = create_app(
        house.view, house.operations, _rpc(house), house.hub, ApiSettings(ADMIN), routers, Door(store, clock)
    )
    return Offices(house, clock, store, audit, people, sign_in, TestClient(house.app, raise_server_exceptions=False))


def _rpc(house: House) -> Any:
    return house.app.state.services.rpc
