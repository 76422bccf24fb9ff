"""What people and meters sign: EIP-712 and EIP-3009, bound to one contract on one chain."""

from dataclasses import dataclass

from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address
from sunpile.basics.keys import Key
from sunpile.basics.pile import PILE, connector_number, text32
from sunpile.basics.typed_data import Domain, Struct, word

RECEIVE = Struct(
    "ReceiveWithAuthorization",
    (
        ("from", "address"),
        ("to", "address"),
        ("value", "uint256"),
        ("validAfter", "uint256"),
        ("validBefore", "uint256"),
        ("nonce", "bytes32"),
    ),
)
ORDER = Struct(
    "Order",
    (
        ("point", "uint32"),
        ("buy", "uint16"),
        ("sell", "uint16"),
        ("maxWh", "uint32"),
        ("until", "uint32"),
        ("nonce", "uint64"),
        ("deadline", "uint64"),
    ),
)
VOUCHER = Struct("Voucher", (("channel", "bytes32"), ("cumulative", "uint128")))
NOBODY = Address("0x" + "00" * 20)
FOREVER = (1 << 32) - 1
DEADLINE = (1 << 40) - 1
"""Signatures of a simulated town do not expire [Unix s]."""


@dataclass(frozen=True, slots=True)
class Domains:
    """The contracts a signature may be for."""

    market: Domain
    registry: Domain
    token: Domain
    channels: Domain


def hexed(raw: bytes) -> str:
    """0x text."""
    return "0x" + raw.hex()


def authorisation(domains: Domains, key: Key, to: Address, amount: int, nonce: bytes) -> dict[str, object]:
    """EIP-3009: `to` may take `amount` [nano] from the key's address once."""
    values = {
        "from": key.address,
        "to": to,
        "value": amount,
        "validAfter": 0,
        "validBefore": DEADLINE,
        "nonce": nonce,
    }
    signature = key.sign(RECEIVE.digest(domains.token, values))
    return {"valid_after": 0, "valid_before": DEADLINE, "nonce": hexed(nonce), "signature": hexed(signature)}


def deposit(domains: Domains, key: Key, point: int, amount: int) -> dict[str, object]:
    """Body of a deposit. The nonce begins with the point, so a relayer cannot turn the money elsewhere."""
    nonce = point.to_bytes(4, "big") + keccak256(f"deposit/{key.address}/{point}/{amount}".encode())[4:]
    signed = authorisation(domains, key, domains.market.contract, amount, nonce)
    return {"point": point, "from": key.address, "amount": amount, **signed}


def order(domains: Domains, key: Key, point: int, buy: int, sell: int, max_wh: int, nonce: int) -> dict[str, object]:
    """Body of a standing order, limits per mille of the band."""
    values = {
        "point": point,
        "buy": buy,
        "sell": sell,
        "maxWh": max_wh,
        "until": FOREVER,
        "nonce": nonce,
        "deadline": DEADLINE,
    }
    signature = key.sign(ORDER.digest(domains.market, values))
    return {
        "point": point,
        "buy": buy,
        "sell": sell,
        "max_wh": max_wh,
        "until": FOREVER,
        "nonce": nonce,
        "deadline": DEADLINE,
        "signature": hexed(signature),
    }


def plate(domains: Domains, key: Key, point: int, place: str, connector: str, model: str, price: int) -> str:
    """The owner's signature over a pile's EVSE."""
    values = {
        "point": point,
        "place": text32(place),
        "connector": connector_number(connector),
        "model": text32(model),
        "price": price,
        "nonce": 1,
        "deadline": DEADLINE,
    }
    return hexed(key.sign(PILE.digest(domains.registry, values)))


def channel(domains: Domains, payer: Key, signer: Address, payee: Address, deposited: int) -> dict[str, object]:
    """Body that opens a payment channel; its id is the nonce of the authorisation."""
    salt = keccak256(f"channel/{payer.address}/{signer}".encode())
    contract = domains.channels.contract
    name = keccak256(
        word("uint256", domains.channels.chain_id)
        + b"".join(word("address", a) for a in (contract, payer.address, payee, signer, NOBODY))
        + salt
    )
    signed = authorisation(domains, payer, contract, deposited, name)
    return {"payer": payer.address, "signer": signer, "deposit": deposited, "salt": hexed(salt), **signed}


def voucher(domains: Domains, key: Key, channel_id: bytes, cumulative: int) -> str:
    """Signature over everything paid so far in a channel [nano]."""
    return hexed(key.sign(VOUCHER.digest(domains.channels, {"channel": channel_id, "cumulative": cumulative})))
