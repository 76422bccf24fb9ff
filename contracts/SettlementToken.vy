# pragma version 0.4.3
# @license Apache-2.0
"""
@title SettlementToken: one unit here is one nano of the currency in the bank
@notice ERC-20 with EIP-2612 permits and EIP-3009 authorizations, 9 decimals, so that Wh times
    micro-currency per kWh is a whole number of units. Money comes in when a rail's minter books a bank
    reference, and goes out when a holder burns it and names the payout.

    What must hold; each line has a test of that name:
    ST-1  The sum of all balances is the total supply.
    ST-2  Only a minter mints, and each mint takes as much from its allowance: a stolen minter key is worth
          its remaining allowance and no more.
    ST-3  A bank reference is minted at most once, whoever mints it.
    ST-4  No mint leaves the supply above the last attested reserve. (An attestation below the supply is
          let in: the truth must be tellable; it stops minting, not leaving.)
    ST-5  A balance falls only by its owner's transaction, by an allowance the owner gave, or by the
          owner's signature; admin, minter and attester cannot move, freeze or burn what others hold.
    ST-6  A permit or authorization works once, for this contract on this chain, with a low s and a signer
          that is not the zero address.
    ST-7  receiveWithAuthorization works only for the payee itself, so nobody can run ahead of a contract
          that takes money and books it in one step.
    ST-8  An authorization moves money only strictly between validAfter and validBefore, and never once cancelled.
    ST-9  Redeeming burns the caller's own money; no pause and no role stands between a holder and the exit.

    Who is trusted: the admin (chooses minters and attester), the attester (the reserve figure), each minter
    up to its allowance. Contract wallets cannot sign here (no ERC-1271); they use approve.
@custom:kill Nothing stops the contract. Setting all allowances to zero stops new money; transfers and redeeming go on.
"""

from interfaces import ISettlementToken
import typed_data

implements: ISettlementToken
initializes: typed_data
exports: (typed_data.DOMAIN_SEPARATOR, typed_data.eip712Domain)

PERMIT_TYPE: constant(bytes32) = keccak256(
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
)
TRANSFER_TYPE: constant(bytes32) = keccak256(
    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
RECEIVE_TYPE: constant(bytes32) = keccak256(
    "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
CANCEL_TYPE: constant(bytes32) = keccak256("CancelAuthorization(address authorizer,bytes32 nonce)")

decimals: public(constant(uint8)) = 9
name: public(immutable(String[32]))
symbol: public(immutable(String[16]))

totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
# EIP-2612: the nonce of the owner's next permit.
nonces: public(HashMap[address, uint256])
# EIP-3009: authorizer -> nonce -> used or cancelled.
authorizationState: public(HashMap[address, HashMap[bytes32, bool]])

admin: public(address)
pendingAdmin: public(address)
attester: public(address)
attestedReserve: public(uint256)
# Unix seconds of the last attestation.
attestedAt: public(uint256)
# Minter -> what it may still mint.
minterAllowance: public(HashMap[address, uint256])
# Bank reference -> already minted.
referenceMinted: public(HashMap[bytes32, bool])


@deploy
def __init__(name_: String[32], symbol_: String[16], admin_: address):
    """
    @param name_ The token's name, also the name of its EIP-712 domain
    @param symbol_ The token's symbol
    @param admin_ Who chooses the minters and the attester
    """
    assert admin_ != empty(address), "admin: zero address"
    typed_data.__init__(name_)
    name = name_
    symbol = symbol_
    self.admin = admin_
    log ISettlementToken.AdminChanged(admin=admin_)


# ---------------------------------------------------------------- ERC-20


@external
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Send `amount` of the caller's money to `to`
    """
    self._move(msg.sender, to, amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    """
    @notice Send `amount` of `owner`'s money to `to`, out of the allowance the owner gave the caller
    """
    allowed: uint256 = self.allowance[owner][msg.sender]
    # The largest number is an allowance without end, as everywhere.
    if allowed != max_value(uint256):
        assert amount <= allowed, "allowance: too small"
        self._allow(owner, msg.sender, unsafe_sub(allowed, amount))
    self._move(owner, to, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Let `spender` take up to `amount` of the caller's money
    """
    self._allow(msg.sender, spender, amount)
    return True


# ------------------------------------------------- signatures: EIP-2612, EIP-3009


@external
def permit(owner: address, spender: address, amount: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32):
    """
    @notice Set an allowance by the owner's signature (EIP-2612)
    """
    assert block.timestamp <= deadline, "permit: expired"
    nonce: uint256 = self.nonces[owner]
    self.nonces[owner] = unsafe_add(nonce, 1)
    typed_data._check(
        owner, keccak256(abi_encode(PERMIT_TYPE, owner, spender, amount, nonce, deadline)), v, r, s
    )
    self._allow(owner, spender, amount)


@external
def transferWithAuthorization(
    owner: address,
    to: address,
    amount: uint256,
    valid_after: uint256,
    valid_before: uint256,
    nonce: bytes32,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    """
    @notice Send money by its owner's signature; anyone may bring it (EIP-3009)
    @dev A contract that books what it gets must use receiveWithAuthorization
    """
    self._authorize(TRANSFER_TYPE, owner, to, amount, valid_after, valid_before, nonce, v, r, s)


@external
def receiveWithAuthorization(
    owner: address,
    to: address,
    amount: uint256,
    valid_after: uint256,
    valid_before: uint256,
    nonce: bytes32,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    """
    @notice Take money by its owner's signature; only `to` may call (EIP-3009)
    """
    assert msg.sender == to, "authorization: caller is not the payee"
    self._authorize(RECEIVE_TYPE, owner, to, amount, valid_after, valid_before, nonce, v, r, s)


@external
def cancelAuthorization(authorizer: address, nonce: bytes32, v: uint8, r: bytes32, s: bytes32):
    """
    @notice Make an unused authorization void by its author's signature (EIP-3009)
    """
    assert not self.authorizationState[authorizer][nonce], "authorization: used"
    typed_data._check(authorizer, keccak256(abi_encode(CANCEL_TYPE, authorizer, nonce)), v, r, s)
    self.authorizationState[authorizer][nonce] = True
    log ISettlementToken.AuthorizationCanceled(authorizer=authorizer, nonce=nonce)


# ---------------------------------------------------------- money in and out


@external
def mint(to: address, amount: uint256, reference: bytes32):
    """
    @notice Book money that arrived in the bank; minters only
    @param reference The hash of the bank's reference; each is minted once
    """
    allowed: uint256 = self.minterAllowance[msg.sender]
    assert allowed != 0, "mint: not a minter"
    assert amount <= allowed, "mint: above the minter's allowance"
    assert not self.referenceMinted[reference], "mint: reference already minted"
    supply: uint256 = self.totalSupply + amount
    assert supply <= self.attestedReserve, "mint: above the attested reserve"
    assert to != empty(address) and to != self, "mint: no such receiver"
    self.minterAllowance[msg.sender] = unsafe_sub(allowed, amount)
    self.referenceMinted[reference] = True
    self.totalSupply = supply
    # No balance is above the supply, which the line above proved to fit.
    self.balanceOf[to] = unsafe_add(self.balanceOf[to], amount)
    log ISettlementToken.Transfer(sender=empty(address), to=to, amount=amount)
    log ISettlementToken.Minted(minter=msg.sender, to=to, reference=reference, amount=amount)


@external
def redeem(amount: uint256, payout_id: bytes32):
    """
    @notice Burn the caller's money, to be paid out in the bank
    @param payout_id The id under which the rail pays; it is only logged
    """
    balance: uint256 = self.balanceOf[msg.sender]
    assert amount <= balance, "redeem: above the balance"
    self.balanceOf[msg.sender] = unsafe_sub(balance, amount)
    self.totalSupply = unsafe_sub(self.totalSupply, amount)
    log ISettlementToken.Transfer(sender=msg.sender, to=empty(address), amount=amount)
    log ISettlementToken.Redeemed(owner=msg.sender, payout_id=payout_id, amount=amount)


@external
def attestReserve(amount: uint256):
    """
    @notice Say how much money the bank holds for this token; attester only
    """
    assert msg.sender == self.attester, "attest: not the attester"
    self.attestedReserve = amount
    self.attestedAt = block.timestamp
    log ISettlementToken.ReserveAttested(amount=amount)


# ------------------------------------------------------------------- roles


@external
def setMinter(minter: address, amount: uint256):
    """
    @notice Set what `minter` may still mint (0 ends the role); admin only
    """
    self._only_admin()
    self.minterAllowance[minter] = amount
    log ISettlementToken.MinterSet(minter=minter, amount=amount)


@external
def setAttester(attester: address):
    """
    @notice Choose who attests the reserve; admin only
    """
    self._only_admin()
    self.attester = attester
    log ISettlementToken.AttesterSet(attester=attester)


@external
def transferAdmin(to: address):
    """
    @notice Offer the admin role to `to`, who must accept; admin only
    """
    self._only_admin()
    self.pendingAdmin = to
    log ISettlementToken.AdminOffered(to=to)


@external
def acceptAdmin():
    """
    @notice Take the admin role that was offered
    """
    assert msg.sender == self.pendingAdmin, "admin: not offered to the caller"
    self.pendingAdmin = empty(address)
    self.admin = msg.sender
    log ISettlementToken.AdminChanged(admin=msg.sender)


# ---------------------------------------------------------------- internal


@internal
@view
def _only_admin():
    assert msg.sender == self.admin, "admin: not the admin"


@internal
def _move(owner: address, to: address, amount: uint256):
    # Money sent to nobody or to the token itself would be lost.
    assert to != empty(address) and to != self, "transfer: no such receiver"
    balance: uint256 = self.balanceOf[owner]
    assert amount <= balance, "transfer: above the balance"
    self.balanceOf[owner] = unsafe_sub(balance, amount)
    # Two balances are together at most the supply.
    self.balanceOf[to] = unsafe_add(self.balanceOf[to], amount)
    log ISettlementToken.Transfer(sender=owner, to=to, amount=amount)


@internal
def _allow(owner: address, spender: address, amount: uint256):
    self.allowance[owner][spender] = amount
    log ISettlementToken.Approval(owner=owner, spender=spender, amount=amount)


@internal
def _authorize(
    kind: bytes32,
    owner: address,
    to: address,
    amount: uint256,
    valid_after: uint256,
    valid_before: uint256,
    nonce: bytes32,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    assert block.timestamp > valid_after, "authorization: not yet valid"
    assert block.timestamp < valid_before, "authorization: expired"
    assert not self.authorizationState[owner][nonce], "authorization: used"
    typed_data._check(
        owner, keccak256(abi_encode(kind, owner, to, amount, valid_after, valid_before, nonce)), v, r, s
    )
    self.authorizationState[owner][nonce] = True
    log ISettlementToken.AuthorizationUsed(authorizer=owner, nonce=nonce)
    self._move(owner, to, amount)
