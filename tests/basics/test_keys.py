import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from sunpile.basics.errors import InputInvalid, ReadingInvalid
from sunpile.basics.ids import Address, PointId
from sunpile.basics.keys import HALF_ORDER, Key, recover
from sunpile.basics.reading import Reading, SignedReading
from sunpile.basics.typed_data import Domain
from sunpile.basics.units import Wh

DOMAIN = Domain("sunpile", 31337, Address("0x" + "11" * 20))
ORDER = 2 * HALF_ORDER + 1


def test_a_signature_recovers_its_signer() -> None:
    key = Key.from_seed("meter")
    digest = bytes(range(32))
    assert recover(digest, key.sign(digest)) == key.address == Account.from_key(key.secret).address.lower()


def test_a_malleable_or_malformed_signature_is_refused() -> None:
    key, digest = Key.from_seed("meter"), bytes(32)
    good = key.sign(digest)
    high = (ORDER - int.from_bytes(good[32:64], "big")).to_bytes(32, "big")
    for bad in (good[:32] + high + bytes([55 - good[64]]), good[:64], good[:64] + b"\x00", bytes(65)):
        with pytest.raises(InputInvalid):
            recover(digest, bad)


def test_the_text_of_a_key_does_not_show_it() -> None:
    key = Key.new()
    assert key.secret.hex() not in repr(key)


def test_a_reading_digest_is_what_a_wallet_would_sign() -> None:
    reading = Reading(PointId(7), 1_900_000, Wh(-1234), bytes([9] * 32))
    message = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Reading": [
                {"name": "point", "type": "uint32"},
                {"name": "interval", "type": "uint32"},
                {"name": "wh", "type": "int64"},
                {"name": "salt", "type": "bytes32"},
            ],
        },
        "primaryType": "Reading",
        "domain": {"name": "sunpile", "version": "1", "chainId": 31337, "verifyingContract": DOMAIN.contract},
        "message": {"point": 7, "interval": 1_900_000, "wh": -1234, "salt": reading.salt},
    }
    key = Key.from_seed("meter")
    wallet = Account.sign_message(encode_typed_data(full_message=message), key.secret)
    assert wallet.signature == key.sign(reading.digest(DOMAIN))
    assert reading.sign(DOMAIN, key).signer(DOMAIN) == key.address


def test_a_reading_signed_for_another_contract_names_another_signer() -> None:
    signed = Reading(PointId(1), 1, Wh(1), bytes(32)).sign(DOMAIN, Key.from_seed("meter"))
    elsewhere = Domain("sunpile", 31337, Address("0x" + "22" * 20))
    assert signed.signer(elsewhere) != Key.from_seed("meter").address
    with pytest.raises(ReadingInvalid, match="point 1"):
        SignedReading(signed.reading, b"short").signer(DOMAIN)
