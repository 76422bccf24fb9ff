"""A town of the market for every test of this folder."""

from collections.abc import Callable
from typing import Any

import pytest
from market_hand import Hand
from roles import role
from stage import stage


@pytest.fixture
def hand(deploy: Callable[..., Any], token: Any) -> Hand:
    """Contracts and model, one tree with a tariff, nobody in it yet."""
    return stage(deploy, token)


@pytest.fixture
def relayer() -> str:
    return role("relayer").address
