"""On whose behalf something is done: the tenant, the person or key, and what they may do.

A `Scope` comes from credentials alone, never from a request's body. Every repository that serves staff takes one and
shows or changes rows of its tenant only.
"""

from dataclasses import dataclass
from typing import Literal

from sunpile.basics.errors import Forbidden

Permission = Literal["read", "operate", "configure", "approve", "manage"]
"""read: look; operate: command stations, decide on sessions; configure: settings, firmware, certificates, tariffs;
approve: give the second yes; manage: staff, keys, webhooks, tenants."""
PERMISSIONS: tuple[Permission, ...] = ("read", "operate", "configure", "approve", "manage")
DEFAULT_TENANT = "default"


@dataclass(frozen=True, slots=True)
class Scope:
    """Who acts."""

    tenant: str
    """Whose stations."""
    actor: str
    """`staff:<id>`, `key:<id>` or `node`: for the audit log."""
    permissions: frozenset[Permission]
    """What the actor may do."""

    def need(self, permission: Permission) -> None:
        """Go on only with `permission`.

        Raises
        ------
        Forbidden
            without it.
        """
        if permission not in self.permissions:
            raise Forbidden(f"this needs the permission to {permission}")


NODE = Scope(DEFAULT_TENANT, "node", frozenset(PERMISSIONS))
"""Whoever runs the node, by its admin token."""
