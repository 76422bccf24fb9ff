"""Who may call what in SettlementToken."""

from access_rules import Restricted, World
from roles import role

OPEN = {
    "transfer": "moves the caller's own money",
    "transferFrom": "needs the owner's allowance to the caller",
    "approve": "gives out the caller's own money",
    "permit": "needs the owner's signature",
    "transferWithAuthorization": "needs the owner's signature",
    "cancelAuthorization": "needs the author's signature",
    "redeem": "burns the caller's own money",
}
RESTRICTED = {
    "receiveWithAuthorization": Restricted(
        {"payee"}, "authorization: caller is not the payee", lambda world: world.things["authorization"]
    ),
    "mint": Restricted({"minter"}, "mint: not a minter", lambda _: (role("holder").address, 5, b"m" * 32)),
    "attestReserve": Restricted({"attester"}, "attest: not the attester", lambda _: (10**25,)),
    "setMinter": Restricted({"admin"}, "admin: not the admin", lambda _: (role("stranger").address, 5)),
    "setAttester": Restricted({"admin"}, "admin: not the admin", lambda _: (role("stranger").address,)),
    "transferAdmin": Restricted({"admin"}, "admin: not the admin", lambda _: (role("stranger").address,)),
    "acceptAdmin": Restricted({"stranger"}, "admin: not offered to the caller"),
}
TERMS = "address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce"


def world(deploy, token) -> World:
    """The token with every role given out, the admin's offered to a stranger."""
    token.transferAdmin(role("stranger").address, sender=role("admin").address)
    terms = (role("holder").address, role("payee").address, 0, 0, 2**40, b"n" * 32)
    domain = {"name": "Sunpile unit", "version": "1", "chainId": 1, "verifyingContract": token.address}
    values = dict(zip((member.split()[1] for member in TERMS.split(",")), terms, strict=True))
    signature = role("holder").sign(domain, "ReceiveWithAuthorization", TERMS, **values)
    return World(token, things={"authorization": (*terms, *signature)})
