"""Deploys the contracts of the market together, as a node does."""

from collections.abc import Callable
from typing import Any

import boa
from market_hand import SEATS, Hand
from model.market import Model
from roles import role


def stage(deploy: Callable[..., Any], token: Any, council: Any = None) -> Hand:
    """Registry, Council and EnergyMarket that know each other."""
    admin = role("admin")
    registry = deploy("Registry", admin.address)
    council = council or deploy("Council", [role(seat).address for seat in SEATS], 3600, sender=admin)
    market = deploy("EnergyMarket", token.address, registry.address, council.address)
    registry.setMarket(market.address, sender=admin.address)
    council.setMarket(market.address, sender=admin.address)
    return Hand(token, council, registry, market, Model(boa.env.timestamp))
