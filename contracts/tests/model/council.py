"""Council's rewards in plain Python."""


class CouncilModel:
    """Nano owed to each seat, and what is carried."""

    LANE = 2**64 - 1

    def __init__(self, seats: int) -> None:
        self.owed = [0] * seats
        self.carry = 0
        self.received = 0
        self.claimed = 0

    def on_batch(self, mask: int, amount: int) -> None:
        """Credit a batch."""
        self.received += amount
        self.carry += amount
        signers = [seat for seat in range(len(self.owed)) if mask >> seat & 1]
        share = self.carry // len(signers) if signers else 0
        for seat in signers:
            credit = min(share, self.LANE - self.owed[seat])
            self.owed[seat] += credit
            self.carry -= credit

    def claim(self, seat: int) -> int:
        """Draw what a seat is owed."""
        amount, self.owed[seat] = self.owed[seat], 0
        self.claimed += amount
        return amount
