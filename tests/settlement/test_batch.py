"""Rows and digests are byte for byte what the contract makes of them."""

import pytest
from eth_abi.abi import encode
from eth_account.messages import encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.settlement.village import DOMAIN, TARIFF, facts, readings

from sunpile.basics.errors import BatchInvalid
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import PointId
from sunpile.basics.units import Wh
from sunpile.settlement import Rows, build
from sunpile.settlement.batch import LATE, tariff_of, tariff_word

rows = st.lists(st.tuples(st.integers(1, 2**32 - 1), st.integers(1, 2**32 - 1)), max_size=9)


@given(rows, rows)
@settings(max_examples=60, deadline=None)
def test_rows_survive_packing_four_to_a_word(buyers: list, sellers: list) -> None:
    packed = Rows(tuple(buyers), tuple(sellers))
    words = packed.words()
    assert len(words) == (len(buyers) + len(sellers) + 3) // 4
    assert Rows.from_words(words, len(buyers), len(sellers)) == packed


def test_the_first_row_stands_in_the_highest_bits_and_zeros_behind_the_last() -> None:
    words = Rows(((PointId(1), Wh(2)),), ((PointId(3), Wh(4)),)).words()
    assert words == (1 << 224 | 2 << 192 | 3 << 160 | 4 << 128,)


def test_the_hash_of_rows_is_over_counts_and_words() -> None:
    packed = Rows(((PointId(1), Wh(2)),), ((PointId(3), Wh(4)),))
    assert packed.hash() == keccak256(encode(["uint256", "uint256", "uint256"], [1, 1, packed.words()[0]]))


@pytest.mark.parametrize(("words", "buyers", "sellers"), [([], 1, 0), ([1], 1, 1), ([0, 0], 1, 1), ([1], 0, 0)])
def test_words_that_do_not_hold_their_rows_are_refused(words: list[int], buyers: int, sellers: int) -> None:
    with pytest.raises(BatchInvalid, match="rows"):
        Rows.from_words(words, buyers, sellers)


def test_a_row_that_does_not_fit_is_refused() -> None:
    with pytest.raises(BatchInvalid):
        Rows(((PointId(1), Wh(0)),), ()).words()


def test_a_tariff_survives_its_word() -> None:
    assert tariff_of(tariff_word(TARIFF)) == TARIFF


def test_the_digest_is_the_eip712_digest_of_an_independent_library() -> None:
    batch = build(facts(), readings(), 2).batch
    header = batch.header
    kinds = "zone:uint32 interval:uint32 round:uint32 price:uint64"
    kinds += " buyAbove:uint64 buyAt:uint64 sellBelow:uint64 sellAt:uint64 tariff:uint256"
    kinds += " witnessRoot:bytes32 rows:bytes32 previous:bytes32"
    message = {
        "zone": header.zone,
        "interval": header.interval,
        "round": header.round,
        "price": header.price,
        "buyAbove": header.buy_above,
        "buyAt": header.buy_at,
        "sellBelow": header.sell_below,
        "sellAt": header.sell_at,
        "tariff": tariff_word(batch.tariff),
        "witnessRoot": header.witness_root,
        "rows": batch.rows.hash(),
        "previous": batch.previous,
    }
    types = {"Batch": [dict(zip(("name", "type"), kind.split(":"), strict=True)) for kind in kinds.split()]}
    domain = {"name": "sunpile", "version": "1", "chainId": DOMAIN.chain_id, "verifyingContract": DOMAIN.contract}
    signable = encode_typed_data(domain, types, message)
    assert batch.struct_hash() == signable.body
    assert batch.digest(DOMAIN) == keccak256(b"\x19\x01" + signable.header + signable.body)


def test_the_late_type_is_the_contracts() -> None:
    kind = "Late(uint32 zone,uint32 interval,uint32 round,uint256 tariff,bytes32 witnessRoot,bytes32 rows)"
    assert LATE.type_hash == keccak256(kind.encode())
