"""Who acts in the tests: people named by what they do, each with a key that follows from the name."""

from dataclasses import dataclass
from functools import cache

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak

HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

NAMES = (
    "admin",
    "attester",
    "minter",
    "deployer",
    "holder",
    "spender",
    "payer",
    "payee",
    "session_signer",
    "hub_operator",
    "seat_0",
    "seat_1",
    "seat_2",
    "seat_3",
    "zone_operator",
    "certifier",
    "utility",
    "point_owner",
    "relayer",
    "stranger",
)


@dataclass(frozen=True)
class Role:
    """A person of the tests."""

    name: str
    address: str
    key: bytes

    def sign(self, domain: dict, struct: str, members: str, /, **values) -> tuple[int, bytes, bytes]:
        """(v, r, s) over EIP-712 typed data; `members` as in "address owner,uint256 value"."""
        return sign_with(self.key, domain, struct, members, **values)


@cache
def role(name: str) -> Role:
    """The person called `name`."""
    key = keccak(text="sunpile test role " + name)
    return Role(name, Account.from_key(key).address, key)


def sign_with(key: bytes, domain: dict, struct: str, members: str, /, **values) -> tuple[int, bytes, bytes]:
    """(v, r, s) by `key` over EIP-712 typed data, computed by eth-account and not by us."""
    fields = [dict(zip(("type", "name"), member.split(), strict=True)) for member in members.split(",")]
    message = encode_typed_data(domain, {struct: fields}, values)
    signed = Account.sign_message(message, key)
    return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")


def twin(signature: tuple[int, bytes, bytes]) -> tuple[int, bytes, bytes]:
    """The high-s form of a signature, which signs the same words."""
    v, r, s = signature
    return 55 - v, r, (ORDER - int.from_bytes(s, "big")).to_bytes(32, "big")


def domain_of(contract, name: str, chain_id: int = 1) -> dict:
    """The EIP-712 domain of a contract."""
    return {"name": name, "version": "1", "chainId": chain_id, "verifyingContract": contract.address}
