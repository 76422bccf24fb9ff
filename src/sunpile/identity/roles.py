"""What each role may do."""

from typing import Literal

from sunpile.basics.scope import PERMISSIONS, Permission

Role = Literal["viewer", "operator", "technician", "approver", "manager"]

ROLES: dict[Role, frozenset[Permission]] = {
    "viewer": frozenset({"read"}),
    "operator": frozenset({"read", "operate"}),
    "technician": frozenset({"read", "operate", "configure"}),
    "approver": frozenset({"read", "approve"}),
    "manager": frozenset(PERMISSIONS),
}
"""An approver does not operate, so that the second yes comes from somebody else."""
FRESH: frozenset[Permission] = frozenset({"approve", "manage"})
"""What wants a passkey shown in the last minutes when it changes something."""
