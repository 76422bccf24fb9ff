"""ERC-20."""

import boa
import pytest
from roles import role

ENDLESS = 2**256 - 1


@pytest.fixture(autouse=True)
def _money(fund):
    fund(role("holder"), 100)


def test_the_token_says_what_it_is(token):
    assert (token.name(), token.symbol(), token.decimals()) == ("Sunpile unit", "SPU", 9)


def test_st_1_a_transfer_moves_money_and_makes_none(token):
    assert token.transfer(role("payee").address, 30, sender=role("holder").address)
    assert token.balanceOf(role("holder").address) == 70
    assert token.balanceOf(role("payee").address) == 30
    assert token.totalSupply() == 100


def test_st_1_a_transfer_to_oneself_changes_nothing(token):
    token.transfer(role("holder").address, 100, sender=role("holder").address)
    assert token.balanceOf(role("holder").address) == 100


def test_st_5_nobody_sends_more_than_they_have(token):
    with boa.reverts("transfer: above the balance"):
        token.transfer(role("payee").address, 101, sender=role("holder").address)
    with boa.reverts("transfer: above the balance"):
        token.transfer(role("payee").address, 1, sender=role("stranger").address)
    token.transfer(role("payee").address, 0, sender=role("stranger").address)


def test_money_is_not_sent_to_nobody(token):
    for address in ("0x" + "00" * 20, token.address):
        with boa.reverts("transfer: no such receiver"):
            token.transfer(address, 1, sender=role("holder").address)


def test_st_5_an_allowance_is_the_limit_and_depletes(token):
    spender = role("spender").address
    with boa.reverts("allowance: too small"):
        token.transferFrom(role("holder").address, spender, 1, sender=spender)
    token.approve(spender, 50, sender=role("holder").address)
    token.transferFrom(role("holder").address, role("payee").address, 20, sender=spender)
    assert token.allowance(role("holder").address, spender) == 30
    with boa.reverts("allowance: too small"):
        token.transferFrom(role("holder").address, spender, 31, sender=spender)
    token.transferFrom(role("holder").address, role("payee").address, 30, sender=spender)
    assert token.allowance(role("holder").address, spender) == 0
    token.approve(spender, 5, sender=role("holder").address)
    token.approve(spender, 0, sender=role("holder").address)
    with boa.reverts("allowance: too small"):
        token.transferFrom(role("holder").address, spender, 1, sender=spender)


def test_st_5_an_endless_allowance_stays_and_ends_at_the_balance(token):
    spender = role("spender").address
    token.approve(spender, ENDLESS, sender=role("holder").address)
    token.transferFrom(role("holder").address, role("payee").address, 20, sender=spender)
    assert token.allowance(role("holder").address, spender) == ENDLESS
    with boa.reverts("transfer: above the balance"):
        token.transferFrom(role("holder").address, spender, 81, sender=spender)


@pytest.mark.parametrize("name", ["admin", "minter", "attester", "deployer", "stranger"])
def test_st_5_no_role_moves_what_others_hold(token, name):
    with boa.reverts("allowance: too small"):
        token.transferFrom(role("holder").address, role(name).address, 1, sender=role(name).address)
