"""Channels under test, with a payer who has 1,000 units."""

from dataclasses import replace

import pytest
from channel_hand import UNIT, Hand, Terms
from roles import role


@pytest.fixture
def channels(deploy, token):
    """Channels on the token, with a payer who has 1,000 units."""
    return deploy("Channels", token.address)


@pytest.fixture
def hand(channels, token, fund) -> Hand:
    """Signs and opens; the payer has money."""
    fund(role("payer"), 1_000 * UNIT)
    return Hand(channels, token)


@pytest.fixture
def terms() -> Terms:
    """Payer to payee with a session key and an operator."""
    return Terms(role("payer"), role("payee"), role("session_signer"), role("hub_operator"), b"\x01" * 32)


@pytest.fixture
def other(terms) -> Terms:
    """The same people, another channel."""
    return replace(terms, salt=b"\x02" * 32)
