"""Who may call what in EnergyMarket."""

from access_rules import Restricted, World
from roles import role
from stage import stage

OPEN = {
    "deposit": "takes the caller's own money",
    "depositWithAuthorization": "needs the payer's signature, whose nonce names the point",
    "depositUtility": "takes the caller's own money",
    "placeOrderSigned": "needs the owner's signature",
    "cancelOrderSigned": "needs the owner's signature",
    "requestWithdrawalSigned": "needs the owner's signature",
    "withdraw": "pays whom the owner named",
    "settle": "needs a quorum of the council",
    "settleLate": "needs a quorum of the council",
    "payOwed": "pays what a settled batch says",
    "void": "only after the deadline",
}
REGISTRY = "market: not the registry"
OWNER = "market: not the owner"
RESTRICTED = {
    "addZone": Restricted({"registry"}, REGISTRY, lambda world: (9, 1, 900, 10, False)),
    "addPoint": Restricted({"registry"}, REGISTRY, lambda world: (9, 1, 10)),
    "setCap": Restricted({"registry"}, REGISTRY, lambda world: (1, 10)),
    "placeOrder": Restricted({"point_owner"}, OWNER, lambda world: (1, 1023, 500, 10, 2**32 - 1)),
    "cancelOrder": Restricted({"point_owner"}, OWNER, lambda world: (1,)),
    "requestWithdrawal": Restricted({"point_owner"}, OWNER, lambda world: (1, 5, role("payee").address)),
    "withdrawUtility": Restricted({"utility"}, "withdrawal: not the utility", lambda world: (1, 5)),
    "payReward": Restricted({"council"}, "market: not the council", lambda world: (role("payee").address, 0)),
}


def world(deploy, token) -> World:
    """A zone with one point and a utility account."""
    hand = stage(deploy, token)
    tree = hand.tree()
    hand.publish(tree, hand.model.now // 900 + 1)
    hand.point(hand.zone(tree))
    hand.deposit_utility(tree, 100)
    return World(hand.market, {"registry": hand.registry.address, "council": hand.council.address})
