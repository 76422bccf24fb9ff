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
BY = " by "


@dataclass(frozen=True, slots=True)
class Scope:
    """Who acts."""

    tenant: str
    """Whose stations."""
    actor: str
    """`staff:<id>`, `key:<id>` or `node`: for the audit log."""
    permissions: frozenset[Permission]
    """What the actor may do."""
    maker: str = ""
    """Whoever made the key, if the actor is one."""

    @property
    def person(self) -> str:
        """Who answers for it: a key's maker, or the actor."""
        return self.maker or self.actor

    @property
    def signature(self) -> str:
        """The actor, with who answers for a key: `key:1 by staff:2`."""
        return f"{self.actor}{BY}{self.maker}" if self.maker else self.actor

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


def same_person(one: str, other: str) -> bool:
    """True if one person answers for both signatures: nobody gives a second yes to what their own key began.

    >>> same_person("key:1 by staff:2", "staff:2"), same_person("staff:1", "staff:2")
    (True, False)
    """
    return one.rpartition(BY)[2] == other.rpartition(BY)[2]
