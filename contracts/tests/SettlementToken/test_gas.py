"""What the token's calls cost."""

from roles import domain_of, role

RECEIVE = (
    "ReceiveWithAuthorization",
    "address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce",
)


def test_gas_of_moving_money(token, fund, gas):
    fund(role("holder"), 10**9)
    fund(role("spender"), 1)
    gas("to a holder", token, "transfer", role("spender").address, 5, sender=role("holder"))
    gas("to a new holder", token, "transfer", role("stranger").address, 5, sender=role("holder"))
    token.approve(role("spender").address, 100, sender=role("holder").address)
    gas(
        "to a holder", token, "transferFrom", role("holder").address, role("spender").address, 5, sender=role("spender")
    )


def test_gas_of_minting_and_redeeming(token, fund, gas):
    fund(role("holder"), 10**9)
    gas("to a holder", token, "mint", role("holder").address, 5 * 10**9, b"\x11" * 32, sender=role("minter"))
    gas("part", token, "redeem", 10**9, b"\x22" * 32, sender=role("holder"))


def test_gas_of_an_authorization(token, fund, gas):
    fund(role("holder"), 10**9)
    fund(role("payee"), 1)
    terms = (role("holder").address, role("payee").address, 10**6, 0, 2_000_000_000, b"\x33" * 32)
    values = dict(zip(("from", "to", "value", "validAfter", "validBefore", "nonce"), terms, strict=True))
    signature = role("holder").sign(domain_of(token, "Sunpile unit"), *RECEIVE, **values)
    gas("to a holder", token, "receiveWithAuthorization", *terms, *signature, sender=role("payee"))
