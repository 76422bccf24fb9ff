"""SettlementToken beside its model, under random calls."""

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from machine import Beside, run
from model.token import TokenModel
from roles import domain_of, role

PEOPLE = [role(name) for name in ("holder", "payee", "spender", "payer")]
MINTERS = [role("minter"), role("utility")]
AMOUNTS = st.integers(0, 60)
PERSON = st.sampled_from(PEOPLE)
NONCES = st.integers(0, 60).map(lambda number: bytes([number]) * 32)
TERMS = "address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce"


def test_st_1_the_token_does_what_its_model_does(deploy, env):
    token = deploy("SettlementToken", "Sunpile unit", "SPU", role("admin").address)
    token.setAttester(role("attester").address, sender=role("admin").address)
    domain = domain_of(token, "Sunpile unit")

    class Machine(Beside):
        def __init__(self) -> None:
            super().__init__()
            self.model = TokenModel()
            self.attest(1_000)
            for minter in MINTERS:
                self.set_minter(minter, 400)
            for number, person in enumerate(PEOPLE):
                self.mint(MINTERS[0], person, 80, bytes([200 + number]) * 32)
                for spender in PEOPLE:
                    self.approve(person, spender, 60)

        @rule(amount=st.integers(300, 2_000))
        def attest(self, amount):
            self.model.reserve = amount
            token.attestReserve(amount, sender=role("attester").address)

        @rule(minter=st.sampled_from(MINTERS), amount=st.integers(100, 400))
        def set_minter(self, minter, amount):
            self.model.minters[minter.address] = amount
            token.setMinter(minter.address, amount, sender=role("admin").address)

        @rule(minter=st.sampled_from(MINTERS), to=PERSON, amount=AMOUNTS, reference=NONCES)
        def mint(self, minter, to, amount, reference):
            refusal = self.model.mint(minter.address, to.address, amount, reference)
            self.both("mint", refusal, lambda: token.mint(to.address, amount, reference, sender=minter.address))

        @rule(owner=PERSON, amount=AMOUNTS)
        def redeem(self, owner, amount):
            refusal = self.model.redeem(owner.address, amount)
            self.both("redeem", refusal, lambda: token.redeem(amount, bytes(32), sender=owner.address))

        @rule(owner=PERSON, to=PERSON, amount=AMOUNTS)
        def transfer(self, owner, to, amount):
            refusal = self.model.transfer(owner.address, to.address, amount)
            self.both("transfer", refusal, lambda: token.transfer(to.address, amount, sender=owner.address))

        @rule(owner=PERSON, spender=PERSON, amount=AMOUNTS)
        def approve(self, owner, spender, amount):
            self.model.allowances[owner.address, spender.address] = amount
            self.both("approve", None, lambda: token.approve(spender.address, amount, sender=owner.address))

        @rule(spender=PERSON, owner=PERSON, to=PERSON, amount=AMOUNTS)
        def transfer_from(self, spender, owner, to, amount):
            refusal = self.model.transfer_from(spender.address, owner.address, to.address, amount)
            call = (owner.address, to.address, amount)
            self.both("transferFrom", refusal, lambda: token.transferFrom(*call, sender=spender.address))

        @rule(owner=PERSON, to=PERSON, amount=AMOUNTS, nonce=NONCES, late=st.sampled_from([False] * 7 + [True]))
        def authorize(self, owner, to, amount, nonce, late):
            before = env.timestamp + (0 if late else 1)
            terms = (owner.address, to.address, amount, 0, before, nonce)
            values = dict(zip((member.split()[1] for member in TERMS.split(",")), terms, strict=True))
            signature = owner.sign(domain, "ReceiveWithAuthorization", TERMS, **values)
            refusal = self.model.authorized(owner.address, to.address, amount, nonce, not late)
            call = lambda: token.receiveWithAuthorization(*terms, *signature, sender=to.address)  # noqa: E731
            self.both("authorize", refusal, call)

        @rule(owner=PERSON, nonce=NONCES)
        def cancel(self, owner, nonce):
            kind = ("CancelAuthorization", "address authorizer,bytes32 nonce")
            signature = owner.sign(domain, *kind, authorizer=owner.address, nonce=nonce)
            refusal = self.model.cancel(owner.address, nonce)
            self.both("cancel", refusal, lambda: token.cancelAuthorization(owner.address, nonce, *signature))

        @invariant()
        def the_books_agree(self):
            balances = [token.balanceOf(person.address) for person in PEOPLE]
            assert balances == [self.model.balances[person.address] for person in PEOPLE]
            assert sum(balances) == token.totalSupply() == self.model.supply
            for minter in MINTERS:
                assert token.minterAllowance(minter.address) == self.model.minters[minter.address]

    run(Machine, {"mint", "redeem", "transfer", "transferFrom", "approve", "authorize", "cancel"})
