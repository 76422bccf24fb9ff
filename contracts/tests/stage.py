"""Deploys the contracts of the market together, as a node does."""

from collections.abc import Callable
from typing import Any

import boa
from market_hand import SEATS, Hand
from model.market import Model
from roles import role


def issue(deploy: Callable[..., Any]) -> Any:
    """A SettlementToken with an attester, a minter and a large reserve; nobody holds anything yet."""
    admin = role("admin").address
    token = deploy("SettlementToken", "Sunpile unit", "SPU", admin)
    token.setAttester(role("attester").address, sender=admin)
    token.attestReserve(10**24, sender=role("attester").address)
    token.setMinter(role("minter").address, 10**24, sender=admin)
    return token


def stage(deploy: Callable[..., Any], token: Any, council: Any = None) -> Hand:
    """Registry, Council and EnergyMarket that know each other."""
    admin = role("admin")
    registry = deploy("Registry", admin.address)
    council = council or deploy("Council", [role(seat).address for seat in SEATS], 3600, sender=admin)
    market = deploy("EnergyMarket", token.address, registry.address, council.address)
    registry.setMarket(market.address, sender=admin.address)
    council.setMarket(market.address, sender=admin.address)
    return Hand(token, council, registry, market, Model(boa.env.timestamp))
