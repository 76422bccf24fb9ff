"""EIP-2612 permits and EIP-3009 authorizations."""

import boa
import pytest
from eth_abi import encode
from eth_utils import keccak
from roles import domain_of, role, twin

PERMIT = ("Permit", "address owner,address spender,uint256 value,uint256 nonce,uint256 deadline")
TERMS = "address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce"
TRANSFER = ("TransferWithAuthorization", TERMS)
RECEIVE = ("ReceiveWithAuthorization", TERMS)
CANCEL = ("CancelAuthorization", "address authorizer,bytes32 nonce")
NONCE = b"n" * 32
FOREVER = 2**40
WRONG = "signature: wrong signer"


@pytest.fixture(autouse=True)
def _money(fund):
    fund(role("holder"), 100)


@pytest.fixture
def domain(token):
    return domain_of(token, "Sunpile unit")


def authorization(domain, kind, amount=40, after=0, before=FOREVER, nonce=NONCE, by="holder", to="payee"):
    """All arguments of a call with an authorization."""
    terms = (role("holder").address, role(to).address, amount, after, before, nonce)
    names = ("from", "to", "value", "validAfter", "validBefore", "nonce")
    return *terms, *role(by).sign(domain, *kind, **dict(zip(names, terms, strict=True)))


def permit(domain, token, amount=40, deadline=FOREVER, by="holder", nonce=None):
    owner, spender = role("holder").address, role("spender").address
    nonce = token.nonces(owner) if nonce is None else nonce
    values = {"owner": owner, "spender": spender, "value": amount, "nonce": nonce, "deadline": deadline}
    return owner, spender, amount, deadline, *role(by).sign(domain, *PERMIT, **values)


def test_the_domain_is_the_one_of_eip_712(token):
    kind = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    words = [keccak(kind), keccak(b"Sunpile unit"), keccak(b"1"), 1, token.address]
    assert token.DOMAIN_SEPARATOR() == keccak(encode(["bytes32", "bytes32", "bytes32", "uint256", "address"], words))
    fields = (b"\x0f", "Sunpile unit", "1", 1, token.address, bytes(32), [])
    assert token.eip712Domain() == fields


def test_st_6_a_permit_sets_the_allowance_once(token, domain):
    call = permit(domain, token)
    token.permit(*call, sender=role("relayer").address)
    assert token.allowance(role("holder").address, role("spender").address) == 40
    assert token.nonces(role("holder").address) == 1
    with boa.reverts(WRONG):
        token.permit(*call)


def test_st_6_a_permit_holds_until_its_deadline(token, domain, env):
    token.permit(*permit(domain, token, deadline=env.timestamp))
    with boa.reverts("permit: expired"):
        token.permit(*permit(domain, token, deadline=env.timestamp - 1))


def test_st_6_a_forged_permit_sets_nothing(token, domain):
    with boa.reverts(WRONG):
        token.permit(*permit(domain, token, by="spender"))
    with boa.reverts(WRONG):
        token.permit(*permit(domain, token, nonce=1))
    owner, spender, amount, deadline, *signature = permit(domain, token)
    with boa.reverts(WRONG):
        token.permit(owner, spender, amount + 1, deadline, *signature)
    with boa.reverts("signature: high s"):
        token.permit(owner, spender, amount, deadline, *twin(tuple(signature)))


def test_st_6_the_zero_address_signs_nothing(token):
    """ecrecover answers the zero address for nonsense; that must not make it a signer."""
    nobody = "0x" + "00" * 20
    with boa.reverts("signature: no signer"):
        token.permit(nobody, role("stranger").address, 1, FOREVER, 27, bytes(32), bytes(32))
    with boa.reverts("signature: no signer"):
        token.transferWithAuthorization(
            nobody, role("stranger").address, 0, 0, FOREVER, NONCE, 29, bytes(32), bytes(32)
        )


def test_st_6_an_authorization_moves_money_once(token, domain):
    call = authorization(domain, TRANSFER)
    token.transferWithAuthorization(*call, sender=role("relayer").address)
    assert token.balanceOf(role("payee").address) == 40
    assert token.authorizationState(role("holder").address, NONCE)
    with boa.reverts("authorization: used"):
        token.transferWithAuthorization(*call)
    with boa.reverts("authorization: used"):
        token.receiveWithAuthorization(*authorization(domain, RECEIVE), sender=role("payee").address)


def test_st_6_nothing_signed_can_be_changed(token, domain):
    call = authorization(domain, TRANSFER)
    changes = {0: role("payer").address, 1: role("stranger").address, 2: 41, 3: 1, 4: FOREVER + 1, 5: b"m" * 32}
    for place, value in changes.items():
        changed = [*call[:place], value, *call[place + 1 :]]
        with boa.reverts(WRONG):
            token.transferWithAuthorization(*changed)
    with boa.reverts("signature: high s"):
        token.transferWithAuthorization(*call[:6], *twin(call[6:]))
    for bad in ((29, *call[7:]), (call[6], bytes(32), call[8]), (call[6], call[7], bytes(32))):
        with boa.reverts(WRONG):
            token.transferWithAuthorization(*call[:6], *bad)


def test_st_6_another_contract_or_chain_is_another_signature(token, domain, deploy):
    second = deploy("SettlementToken", "Sunpile unit", "SPU", role("admin").address)
    with boa.reverts(WRONG):
        second.transferWithAuthorization(*authorization(domain, TRANSFER, amount=0))
    with boa.reverts(WRONG):
        token.transferWithAuthorization(*authorization({**domain, "chainId": 2}, TRANSFER))
    with boa.reverts(WRONG):
        token.transferWithAuthorization(*authorization({**domain, "name": "sunpile"}, TRANSFER))


def test_st_7_only_the_payee_receives(token, domain):
    call = authorization(domain, RECEIVE)
    for name in ("relayer", "holder", "stranger"):
        with boa.reverts("authorization: caller is not the payee"):
            token.receiveWithAuthorization(*call, sender=role(name).address)
    token.receiveWithAuthorization(*call, sender=role("payee").address)
    assert token.balanceOf(role("payee").address) == 40


def test_st_7_an_authorization_to_receive_is_none_to_transfer(token, domain):
    with boa.reverts(WRONG):
        token.transferWithAuthorization(*authorization(domain, RECEIVE))
    with boa.reverts(WRONG):
        token.receiveWithAuthorization(*authorization(domain, TRANSFER), sender=role("payee").address)


def test_st_8_an_authorization_holds_strictly_between_its_times(token, domain, env):
    now = env.timestamp
    with boa.reverts("authorization: not yet valid"):
        token.transferWithAuthorization(*authorization(domain, TRANSFER, after=now))
    with boa.reverts("authorization: expired"):
        token.transferWithAuthorization(*authorization(domain, TRANSFER, before=now))
    token.transferWithAuthorization(*authorization(domain, TRANSFER, after=now - 1, before=now + 1))


def test_st_8_a_cancelled_authorization_moves_nothing(token, domain):
    holder = role("holder")
    values = {"authorizer": holder.address, "nonce": NONCE}
    with boa.reverts(WRONG):
        token.cancelAuthorization(holder.address, NONCE, *role("payee").sign(domain, *CANCEL, **values))
    signature = holder.sign(domain, *CANCEL, **values)
    token.cancelAuthorization(holder.address, NONCE, *signature, sender=role("relayer").address)
    with boa.reverts("authorization: used"):
        token.transferWithAuthorization(*authorization(domain, TRANSFER))
    with boa.reverts("authorization: used"):
        token.cancelAuthorization(holder.address, NONCE, *signature)


def test_st_8_a_used_authorization_cannot_be_cancelled(token, domain):
    token.transferWithAuthorization(*authorization(domain, TRANSFER))
    signature = role("holder").sign(domain, *CANCEL, authorizer=role("holder").address, nonce=NONCE)
    with boa.reverts("authorization: used"):
        token.cancelAuthorization(role("holder").address, NONCE, *signature)


def test_st_5_an_authorization_above_the_balance_fails_and_stays_unused(token, domain):
    with boa.reverts("transfer: above the balance"):
        token.transferWithAuthorization(*authorization(domain, TRANSFER, amount=101))
    assert not token.authorizationState(role("holder").address, NONCE)
