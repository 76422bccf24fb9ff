# pragma version 0.4.3
# @license Apache-2.0
"""
@title EIP-712 typed data: what a signature in sunpile is bound to
@notice A module, not a contract: SettlementToken and Channels put it inside themselves.
    A signature holds for one contract on one chain. If the chain's id changes (a fork), the
    separator changes with it. Of the two forms every ECDSA signature has, only the low-s one is taken,
    so that nobody can turn a signature into another one. `ecrecover` answers "zero address" for nonsense;
    the zero address therefore never counts as a signer.
"""

# Half the order of secp256k1, rounded down (0x7fff...20a0): a larger s is the twin of a smaller one.
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168
DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
VERSION: constant(String[1]) = "1"

NAME: immutable(String[32])
CHAIN: immutable(uint256)
SEPARATOR: immutable(bytes32)


@deploy
def __init__(name: String[32]):
    """
    @param name The EIP-712 domain name
    """
    NAME = name
    CHAIN = chain.id
    SEPARATOR = keccak256(abi_encode(DOMAIN_TYPE, keccak256(name), keccak256(VERSION), chain.id, self))


@external
@view
def DOMAIN_SEPARATOR() -> bytes32:
    """
    @notice The EIP-712 domain separator of this contract on this chain
    """
    return self._separator()


@external
@view
def eip712Domain() -> (bytes1, String[32], String[1], uint256, address, bytes32, DynArray[uint256, 1]):
    """
    @notice The domain's fields for wallets (EIP-5267)
    """
    return 0x0f, NAME, VERSION, chain.id, self, empty(bytes32), []


@internal
@view
def _separator() -> bytes32:
    if chain.id == CHAIN:
        return SEPARATOR
    return keccak256(abi_encode(DOMAIN_TYPE, keccak256(NAME), keccak256(VERSION), chain.id, self))


@internal
@view
def _digest(struct_hash: bytes32) -> bytes32:
    return keccak256(concat(b"\x19\x01", self._separator(), struct_hash))


@internal
@view
def _check(signer: address, struct_hash: bytes32, v: uint8, r: bytes32, s: bytes32):
    """
    Reverts unless `signer` signed `struct_hash` for this contract on this chain.
    """
    assert convert(s, uint256) <= HALF_ORDER, "signature: high s"
    assert signer != empty(address), "signature: no signer"
    assert ecrecover(self._digest(struct_hash), v, r, s) == signer, "signature: wrong signer"
