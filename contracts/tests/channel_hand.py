"""A hand that signs for drivers and opens their channels."""

from dataclasses import dataclass
from typing import Any

from eth_abi import encode
from eth_utils import keccak
from roles import Role, domain_of, role

FOREVER = 2**40
NOBODY = "0x" + "00" * 20
UNIT = 10**9


@dataclass(frozen=True)
class Terms:
    """A channel's descriptor as people."""

    payer: Role
    payee: Role
    signer: Role | None
    operator: Role | None
    salt: bytes

    def tuple(self) -> tuple:
        """The descriptor as the contract takes it."""
        people = (self.payer, self.payee, self.signer, self.operator)
        return (*(person.address if person else NOBODY for person in people), self.salt)


class Hand:
    """Signs for payers and signers; knows the contract and the token."""

    def __init__(self, channels: Any, token: Any, chain_id: int = 1) -> None:
        self.channels = channels
        self.token = token
        self.chain_id = chain_id

    def id(self, terms: Terms) -> bytes:
        """The channel's id, computed here."""
        kinds = ["uint256", "address", "address", "address", "address", "address", "bytes32"]
        return keccak(encode(kinds, [self.chain_id, self.channels.address, *terms.tuple()]))

    def voucher(self, terms: Terms, cumulative: int, by: Role | None = None) -> tuple:
        """(v, r, s) of a voucher."""
        domain = domain_of(self.channels, "sunpile channels", self.chain_id)
        values = {"channel": self.id(terms), "cumulative": cumulative}
        return (by or terms.signer or terms.payer).sign(
            domain, "Voucher", "bytes32 channel,uint128 cumulative", **values
        )

    def receive(self, payer: Role, amount: int, nonce: bytes, after: int = 0, before: int = FOREVER) -> tuple:
        """(validAfter, validBefore, v, r, s) of the payer's EIP-3009 authorization to the contract."""
        kind = "address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce"
        values = {
            "from": payer.address,
            "to": self.channels.address,
            "value": amount,
            "validAfter": after,
            "validBefore": before,
            "nonce": nonce,
        }
        domain = domain_of(self.token, "Sunpile unit", self.chain_id)
        return after, before, *payer.sign(domain, "ReceiveWithAuthorization", kind, **values)

    def close_request(self, terms: Terms, deposit: int, by: Role | None = None) -> tuple:
        """(v, r, s) of the payer's request to close."""
        domain = domain_of(self.channels, "sunpile channels", self.chain_id)
        values = {"channel": self.id(terms), "deposit": deposit}
        return (by or terms.payer).sign(domain, "CloseRequest", "bytes32 channel,uint96 deposit", **values)

    def open(self, terms: Terms, deposit: int, relayer: str = "relayer") -> bytes:
        """Open the channel; anyone carries it."""
        proof = self.receive(terms.payer, deposit, self.id(terms))
        return self.channels.openWithAuthorization(terms.tuple(), deposit, *proof, sender=role(relayer).address)

    def top_up(self, terms: Terms, amount: int, salt: bytes = b"t" * 32) -> None:
        """Top the channel up; anyone carries it."""
        proof = self.receive(terms.payer, amount, keccak(self.id(terms) + salt))
        self.channels.topUpWithAuthorization(terms.tuple(), amount, salt, *proof, sender=role("relayer").address)

    def settle(self, terms: Terms, cumulative: int, relayer: str = "relayer") -> None:
        """Bring a voucher; anyone does."""
        voucher = self.voucher(terms, cumulative)
        self.channels.settle(terms.tuple(), cumulative, *voucher, sender=role(relayer).address)

    def close(self, terms: Terms, capture: int, cumulative: int | None = None, by: str = "payee") -> None:
        """Close cooperatively."""
        cumulative = capture if cumulative is None else cumulative
        voucher = self.voucher(terms, cumulative)
        self.channels.close(terms.tuple(), capture, cumulative, *voucher, sender=role(by).address)

    def row(self, terms: Terms, cumulative: int) -> tuple:
        """A row of a hub's claim."""
        v, r, s = self.voucher(terms, cumulative)
        vs = (int.from_bytes(s, "big") | (v - 27) << 255).to_bytes(32, "big")
        signer = terms.signer.address if terms.signer else NOBODY
        return terms.payer.address, signer, terms.salt, cumulative, r, vs
