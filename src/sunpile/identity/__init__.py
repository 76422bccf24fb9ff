"""Chapter 6: who somebody is and what they may do.

A tenant owns stations; staff and API keys belong to a tenant and have a role or permissions. `SignIn` makes a session
of a passkey, an invitation or an OpenID provider's word; `Door` makes a `Scope` of a cookie or a key, at a bounded
rate; `Team` is what managers do. Whatever they change goes into an audit log, whose records hold each other's hash
(`trail`).
"""

from sunpile.identity.door import Door
from sunpile.identity.signin import SignIn
from sunpile.identity.staff import Team

__all__ = ["Door", "SignIn", "Team"]
