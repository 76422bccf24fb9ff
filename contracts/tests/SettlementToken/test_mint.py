"""Money comes in: minters, references, the reserve."""

import boa
import pytest
from roles import role


def mint(token, amount, reference=b"a" * 32, by="minter", to="holder"):
    token.mint(role(to).address, amount, reference, sender=role(by).address)


def test_st_2_a_minter_mints_and_its_allowance_depletes(token):
    token.setMinter(role("minter").address, 100, sender=role("admin").address)
    mint(token, 60)
    assert token.minterAllowance(role("minter").address) == 40
    with boa.reverts("mint: above the minter's allowance"):
        mint(token, 41, b"b" * 32)
    mint(token, 40, b"b" * 32)
    with boa.reverts("mint: not a minter"):
        mint(token, 0, b"c" * 32)
    assert token.balanceOf(role("holder").address) == token.totalSupply() == 100


def test_st_2_an_allowance_is_set_and_not_added(token):
    token.setMinter(role("minter").address, 100, sender=role("admin").address)
    token.setMinter(role("minter").address, 30, sender=role("admin").address)
    assert token.minterAllowance(role("minter").address) == 30
    token.setMinter(role("minter").address, 0, sender=role("admin").address)
    with boa.reverts("mint: not a minter"):
        mint(token, 1)


def test_st_3_a_reference_is_minted_once_whoever_mints_it(token):
    token.setMinter(role("stranger").address, 100, sender=role("admin").address)
    mint(token, 5)
    assert token.referenceMinted(b"a" * 32)
    for by in ("minter", "stranger"):
        with boa.reverts("mint: reference already minted"):
            mint(token, 5, by=by)
    with boa.reverts("mint: reference already minted"):
        mint(token, 6, to="payee")


def test_st_3_a_redeemed_reference_stays_minted(token):
    mint(token, 5)
    token.redeem(5, bytes(32), sender=role("holder").address)
    with boa.reverts("mint: reference already minted"):
        mint(token, 5)


def test_st_4_no_mint_passes_the_attested_reserve(token):
    token.attestReserve(100, sender=role("attester").address)
    with boa.reverts("mint: above the attested reserve"):
        mint(token, 101)
    mint(token, 100)
    with boa.reverts("mint: above the attested reserve"):
        mint(token, 1, b"b" * 32)
    token.redeem(1, bytes(32), sender=role("holder").address)
    mint(token, 1, b"b" * 32)


def test_st_4_a_lower_attestation_is_let_in_and_stops_minting_only(token, env):
    mint(token, 100)
    token.attestReserve(40, sender=role("attester").address)
    assert token.attestedReserve() == 40
    assert token.attestedAt() == env.timestamp
    with boa.reverts("mint: above the attested reserve"):
        mint(token, 1, b"b" * 32)
    token.transfer(role("payee").address, 50, sender=role("holder").address)
    token.redeem(50, bytes(32), sender=role("payee").address)


def test_st_4_without_an_attestation_nothing_is_minted(deploy):
    token = deploy("SettlementToken", "Sunpile unit", "SPU", role("admin").address)
    token.setMinter(role("minter").address, 100, sender=role("admin").address)
    with boa.reverts("mint: above the attested reserve"):
        mint(token, 1)


def test_money_is_not_minted_to_nobody(token):
    for address in ("0x" + "00" * 20, token.address):
        with boa.reverts("mint: no such receiver"):
            token.mint(address, 1, b"a" * 32, sender=role("minter").address)


def test_a_huge_amount_does_not_wrap_around(token):
    token.setMinter(role("minter").address, 2**256 - 1, sender=role("admin").address)
    token.attestReserve(2**256 - 1, sender=role("attester").address)
    mint(token, 2**256 - 1)
    with boa.reverts():
        mint(token, 1, b"b" * 32)


def test_minting_and_redeeming_are_logged_with_their_references(token):
    mint(token, 5)
    transfer, minted = token.get_logs()
    assert (transfer.sender, transfer.to, transfer.amount) == ("0x" + "00" * 20, role("holder").address, 5)
    assert (minted.minter, minted.to, minted.reference, minted.amount) == (
        role("minter").address,
        role("holder").address,
        b"a" * 32,
        5,
    )
    token.redeem(2, b"payout".ljust(32, b"\0"), sender=role("holder").address)
    transfer, redeemed = token.get_logs()
    assert (transfer.sender, transfer.to, transfer.amount) == (role("holder").address, "0x" + "00" * 20, 2)
    assert (redeemed.owner, redeemed.payout_id, redeemed.amount) == (
        role("holder").address,
        b"payout".ljust(32, b"\0"),
        2,
    )


def test_st_9_redeeming_burns_the_callers_own_money(token):
    mint(token, 5)
    with boa.reverts("redeem: above the balance"):
        token.redeem(6, bytes(32), sender=role("holder").address)
    with boa.reverts("redeem: above the balance"):
        token.redeem(1, bytes(32), sender=role("admin").address)
    token.redeem(5, bytes(32), sender=role("holder").address)
    assert token.totalSupply() == token.balanceOf(role("holder").address) == 0


@pytest.mark.parametrize("name", ["admin", "attester", "minter"])
def test_st_9_no_role_stands_between_a_holder_and_the_exit(token, name):
    """Whatever a role does with what it may do, the holder transfers and redeems."""
    mint(token, 10)
    person = role(name)
    if name == "admin":
        token.setMinter(role("minter").address, 0, sender=person.address)
        token.setAttester("0x" + "00" * 20, sender=person.address)
        token.transferAdmin(role("stranger").address, sender=person.address)
    elif name == "attester":
        token.attestReserve(0, sender=person.address)
    else:
        mint(token, 10**24 - 10, b"z" * 32, to="stranger")
    assert token.balanceOf(role("holder").address) == 10
    token.transfer(role("payee").address, 4, sender=role("holder").address)
    token.redeem(6, bytes(32), sender=role("holder").address)
    assert token.balanceOf(role("payee").address) == 4


def test_the_admin_role_moves_in_two_steps(token):
    stranger = role("stranger").address
    with boa.reverts("admin: not offered to the caller"):
        token.acceptAdmin(sender=stranger)
    token.transferAdmin(stranger, sender=role("admin").address)
    assert token.admin() == role("admin").address
    token.acceptAdmin(sender=stranger)
    assert token.admin() == stranger
    with boa.reverts("admin: not the admin"):
        token.setMinter(stranger, 1, sender=role("admin").address)
    with boa.reverts("admin: not offered to the caller"):
        token.acceptAdmin(sender=stranger)


def test_a_token_without_an_admin_is_not_deployed(deploy):
    with boa.reverts("admin: zero address"):
        deploy("SettlementToken", "Sunpile unit", "SPU", "0x" + "00" * 20)
