"""Keccak-256 and Merkle trees.

A leaf is `keccak(0x00 || data)`, a node `keccak(0x01 || left || right)`: a node can never pass for a leaf. An odd
node is carried up unchanged. Leaves are sorted by the caller, so that absence is provable by two neighbours.
"""

from collections.abc import Sequence

from eth_hash.auto import keccak as _keccak

EMPTY_ROOT = bytes(32)


def keccak256(data: bytes) -> bytes:
    """Keccak-256 of `data`, 32 bytes (the Ethereum variant, not SHA3)."""
    return _keccak(data)


def leaf_hash(data: bytes) -> bytes:
    """Hash of a Merkle leaf."""
    return _keccak(b"\x00" + data)


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner Merkle node."""
    return _keccak(b"\x01" + left + right)


def merkle_layers(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All layers of the tree over hashed `leaves`, bottom first."""
    layers = [list(leaves)]
    while len(layers[-1]) > 1:
        below = layers[-1]
        layer = [node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        if len(below) % 2:
            layer.append(below[-1])
        layers.append(layer)
    return layers


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Root over hashed `leaves`; 32 zero bytes for none."""
    return merkle_layers(leaves)[-1][0] if leaves else EMPTY_ROOT


def merkle_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Siblings from leaf `index` up to the root; a carried node has none and is left out."""
    proof: list[bytes] = []
    for layer in merkle_layers(leaves)[:-1]:
        sibling = index ^ 1
        if sibling < len(layer):
            proof.append(layer[sibling])
        index //= 2
    return proof


def merkle_verify(root: bytes, leaf: bytes, index: int, count: int, proof: Sequence[bytes]) -> bool:
    """True if hashed `leaf` stands at `index` among `count` leaves under `root`."""
    if not 0 <= index < count:
        return False
    node, steps = leaf, iter(proof)
    while count > 1:
        sibling = index ^ 1
        if sibling < count:
            other = next(steps, None)
            if other is None:
                return False
            node = node_hash(node, other) if index % 2 == 0 else node_hash(other, node)
        index, count = index // 2, (count + 1) // 2
    return node == root and next(steps, None) is None
