"""Who may call what in Channels."""

from access_rules import Restricted, World
from channel_hand import Hand, Terms
from roles import role

OPEN = {
    "openWithAuthorization": "needs the payer's signature, which names the channel",
    "topUpWithAuthorization": "needs the payer's signature, which names the channel",
    "settle": "needs the payer's voucher, pays the payee",
    "claim": "needs the payers' vouchers, pays the payee",
    "requestCloseSigned": "needs the payer's signature",
    "withdraw": "after the grace, pays the payer",
}
RESTRICTED = {
    "close": Restricted(
        {"payee", "hub_operator"},
        "close: neither payee nor operator",
        lambda world: (world.things["channel"], 0, 0, 0, bytes(32), bytes(32)),
    ),
    "requestClose": Restricted({"payer"}, "request close: not the payer", lambda world: (world.things["channel"],)),
}


def world(deploy, token) -> World:
    """One open channel."""
    channels = deploy("Channels", token.address)
    token.mint(role("payer").address, 10**9, b"w" * 32, sender=role("minter").address)
    terms = Terms(role("payer"), role("payee"), role("session_signer"), role("hub_operator"), b"\x01" * 32)
    Hand(channels, token).open(terms, 10**9)
    return World(channels, things={"channel": terms.tuple()})
