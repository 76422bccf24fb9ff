"""SettlementToken in plain Python: what each call should do, or why it should be refused."""

from collections import defaultdict


class TokenModel:
    """Each method is one call; it returns the reason of a refusal, or None after doing it."""

    def __init__(self) -> None:
        self.balances: defaultdict[str, int] = defaultdict(int)
        self.allowances: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.minters: defaultdict[str, int] = defaultdict(int)
        self.references: set[bytes] = set()
        self.used: set[tuple[str, bytes]] = set()
        self.reserve = 0
        self.minted = 0
        self.redeemed = 0

    @property
    def supply(self) -> int:
        """What is in circulation."""
        return self.minted - self.redeemed

    def mint(self, minter: str, to: str, amount: int, reference: bytes) -> str | None:
        if self.minters[minter] == 0:
            return "mint: not a minter"
        if amount > self.minters[minter]:
            return "mint: above the minter's allowance"
        if reference in self.references:
            return "mint: reference already minted"
        if self.supply + amount > self.reserve:
            return "mint: above the attested reserve"
        self.minters[minter] -= amount
        self.references.add(reference)
        self.minted += amount
        self.balances[to] += amount
        return None

    def redeem(self, owner: str, amount: int) -> str | None:
        if amount > self.balances[owner]:
            return "redeem: above the balance"
        self.balances[owner] -= amount
        self.redeemed += amount
        return None

    def transfer(self, owner: str, to: str, amount: int) -> str | None:
        if amount > self.balances[owner]:
            return "transfer: above the balance"
        self.balances[owner] -= amount
        self.balances[to] += amount
        return None

    def transfer_from(self, spender: str, owner: str, to: str, amount: int) -> str | None:
        if amount > self.allowances[owner, spender]:
            return "allowance: too small"
        refusal = self.transfer(owner, to, amount)
        if refusal is None:
            self.allowances[owner, spender] -= amount
        return refusal

    def authorized(self, owner: str, to: str, amount: int, nonce: bytes, in_time: bool) -> str | None:
        if not in_time:
            return "authorization: expired"
        if (owner, nonce) in self.used:
            return "authorization: used"
        refusal = self.transfer(owner, to, amount)
        if refusal is None:
            self.used.add((owner, nonce))
        return refusal

    def cancel(self, owner: str, nonce: bytes) -> str | None:
        if (owner, nonce) in self.used:
            return "authorization: used"
        self.used.add((owner, nonce))
        return None
