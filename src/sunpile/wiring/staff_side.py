"""Who works here: sign-in, staff, API keys, webhooks, the staff's live feed."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from sunpile.basics.jobs import goes_on
from sunpile.basics.scope import DEFAULT_TENANT
from sunpile.fleet.webhook_service import Webhooks
from sunpile.identity.door import Door
from sunpile.identity.model import Tenant
from sunpile.identity.oidc import OidcSettings
from sunpile.identity.oidc_client import OidcClient
from sunpile.identity.passkeys import Party
from sunpile.identity.signin import SignIn
from sunpile.identity.staff import Team
from sunpile.people.api import signin, staff_live, team, webhooks
from sunpile.people.egress import Egress
from sunpile.settings import NodeSettings
from sunpile.store.audit import AuditDatabase
from sunpile.store.identity import IdentityDatabase, ensure_tenant
from sunpile.store.webhooks import WebhookDatabase
from sunpile.wiring.ground import Ground

HOUR_S = 3_600
DELIVERIES_KEPT_S = 30 * 86_400


@dataclass
class StaffSide:
    """Staff's part of a node."""

    ground: Ground
    store: IdentityDatabase
    outbox: WebhookDatabase
    door: Door
    sign_in: SignIn
    team: Team
    hooks: Webhooks
    audit: AuditDatabase

    @classmethod
    def open(cls, ground: Ground, audit: AuditDatabase) -> "StaffSide":
        """Join the parts."""
        clock, settings = ground.chores, ground.settings
        store, outbox = IdentityDatabase(ground.database), WebhookDatabase(ground.database)
        provider = oidc_settings(settings, ground.url())
        oidc = (provider, OidcClient(provider, clock.now)) if provider is not None else None
        plain = frozenset(settings.webhook_hosts)
        return cls(
            ground,
            store,
            outbox,
            Door(store, clock),
            SignIn(store, audit, clock, Party.at(ground.url()), oidc),
            Team(store, audit, clock),
            Webhooks(outbox, Egress(plain), audit, clock, plain),
            audit,
        )

    async def start(self) -> None:
        """The first tenant is there."""
        first = Tenant(DEFAULT_TENANT, self.ground.settings.operator_name, self.ground.clock.now())
        await self.ground.database.write(lambda connection: ensure_tenant(connection, first))

    def routers(self) -> list[APIRouter]:
        """Their routes."""
        return [
            signin.router(self.sign_in),
            team.router(self.team, self.audit, self.ground.url()),
            webhooks.router(self.hooks),
            staff_live.router(self.ground.hub, self.outbox.tenant_of),
        ]

    def jobs(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs until the node stops."""
        return {"webhooks": self.hooks.run(), "old sessions": self._forget()}

    async def _forget(self) -> None:
        clock = self.ground.clock
        while True:
            with clock.work(), goes_on("forgetting old sessions of staff"):
                await self.store.forget(clock.now())
                await self.outbox.forget(clock.now() - DELIVERIES_KEPT_S)
            await clock.sleep_until(clock.now() + HOUR_S)


def oidc_settings(settings: NodeSettings, url: str) -> OidcSettings | None:
    """The operator's OpenID provider; None if settings name none."""
    if not settings.oidc_issuer:
        return None
    return OidcSettings(
        settings.oidc_issuer,
        settings.oidc_client_id,
        f"{url}/api/signin/oidc/callback",
        settings.oidc_client_secret,
        role_claim=settings.oidc_role_claim,
    )
