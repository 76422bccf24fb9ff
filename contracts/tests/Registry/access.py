"""Who may call what in Registry."""

from access_rules import Restricted, World
from roles import role
from stage import stage

OPEN = {
    "setMeterKeySigned": "needs the owner's signature",
    "registerPile": "needs the owner's signature",
}
ADMIN = "registry: not the admin"


def _fresh(deploy, token) -> World:
    return World(deploy("Registry", role("admin").address))


RESTRICTED = {
    "setMarket": Restricted({"admin"}, ADMIN, lambda world: (role("stranger").address,), _fresh),
    "createTree": Restricted(
        {"admin"}, ADMIN, lambda world: (900, 10, role("utility").address, role("utility").address)
    ),
    "createZone": Restricted(
        {"admin"}, ADMIN, lambda world: (1, role("utility").address, role("certifier").address, False)
    ),
    "publishTariff": Restricted({"admin"}, "tariff: not the source", lambda world: (1, 2_000_009, 10, 5, 1, 1)),
    "registerPoint": Restricted(
        {"zone_operator", "certifier"},
        "point: not the operator or the certifier",
        lambda world: (1, role("point_owner").address, role("point_owner").address, 10, 0, bytes(32)),
    ),
    "setCap": Restricted({"certifier"}, "point: not the certifier", lambda world: (1, 10)),
    "setMeterKey": Restricted({"point_owner"}, "point: not the owner", lambda world: (1, role("payee").address)),
}


def world(deploy, token) -> World:
    """A tree with a zone and a point; the admin is its tariff source."""
    hand = stage(deploy, token)
    hand.point(hand.zone(hand.tree()))
    return World(hand.registry, {"the market": hand.market.address})
