"""Who may call what in Council."""

from access_rules import Restricted, World
from roles import role

SEATS = [f"seat_{number}" for number in range(4)]


def council_without_a_market(deploy, token) -> World:
    """Before the deployer has named the market."""
    return World(deploy("Council", [role(name).address for name in SEATS], 86_400))


OPEN: dict[str, str] = {}
RESTRICTED = {
    "onBatch": Restricted({"market"}, "council: not the market", lambda _: (1, 0b1111, 400)),
    "claim": Restricted(set(SEATS), "council: not a seat"),
    "setConsensusKey": Restricted(set(SEATS), "council: not a seat", lambda _: (b"k" * 32,)),
    "setMarket": Restricted(
        {"deployer"},
        "council: not the deployer",
        lambda _: (role("stranger").address,),
        world=council_without_a_market,
    ),
}


def world(deploy, token) -> World:
    """A council whose market reported a batch."""
    market = deploy("PayingMarket")
    council = deploy("Council", [role(name).address for name in SEATS], 86_400)
    council.setMarket(market.address, sender=role("deployer").address)
    market.report(council.address, 1, 0b1111, 400)
    return World(council, callers={"market": market.address})
