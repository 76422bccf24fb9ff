"""Money comes in: minters, references, the reserve."""

import boa
from roles import role


def test_st_2_a_minter_mints_and_its_allowance_depletes(token, env):
    token.setMinter(role("minter").address, 100, sender=role("admin").address)
    token.mint(role("holder").address, 60, b"a" * 32, sender=role("minter").address)
    assert token.minterAllowance(role("minter").address) == 40
    with boa.reverts("mint: above the minter's allowance"):
        token.mint(role("holder").address, 41, b"b" * 32, sender=role("minter").address)
    token.mint(role("holder").address, 40, b"b" * 32, sender=role("minter").address)
    with boa.reverts("mint: not a minter"):
        token.mint(role("holder").address, 0, b"c" * 32, sender=role("minter").address)
    assert token.balanceOf(role("holder").address) == token.totalSupply() == 100
