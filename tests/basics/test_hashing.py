from hypothesis import given
from hypothesis import strategies as st

from sunpile.basics.hashing import keccak256, leaf_hash, merkle_proof, merkle_root, merkle_verify


def test_keccak_is_the_ethereum_variant() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
def test_every_leaf_proves_its_place_and_no_other(values: list[bytes], data: st.DataObject) -> None:
    leaves = [leaf_hash(index.to_bytes(2, "big") + value) for index, value in enumerate(values)]
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof, root = merkle_proof(leaves, index), merkle_root(leaves)
    assert merkle_verify(root, leaves[index], index, len(leaves), proof)
    assert not merkle_verify(root, leaf_hash(b"other"), index, len(leaves), proof)
    if len(leaves) > 1:
        other = (index + 1) % len(leaves)
        assert not merkle_verify(root, leaves[index], other, len(leaves), proof)
    assert not merkle_verify(root, leaves[index], index, len(leaves), [*proof, root])
