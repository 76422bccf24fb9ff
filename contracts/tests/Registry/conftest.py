"""A registry with its market for every test of this folder."""

from collections.abc import Callable
from typing import Any

import pytest
from market_hand import Hand
from stage import stage


@pytest.fixture
def hand(deploy: Callable[..., Any], token: Any) -> Hand:
    """Contracts that know each other, nobody in them yet."""
    return stage(deploy, token)
