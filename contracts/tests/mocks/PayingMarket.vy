# pragma version 0.4.3
"""
@title A market that does what Council asks of one: it reports batches and pays rewards, or calls back, or fails
"""

interface Council:
    def onBatch(epoch: uint256, mask: uint256, amount: uint256): nonpayable
    def claim() -> uint256: nonpayable

paid: public(HashMap[address, uint256])
total: public(uint256)
broken: public(bool)
calls_back: public(bool)


@external
def report(council: address, epoch: uint256, mask: uint256, amount: uint256):
    extcall Council(council).onBatch(epoch, mask, amount)


@external
def set_broken(broken: bool):
    self.broken = broken


@external
def set_calls_back(calls_back: bool):
    self.calls_back = calls_back


# The market itself sits on the council here, so that calling back means something.
@external
def claim_from(council: address) -> uint256:
    return extcall Council(council).claim()


@external
def payReward(to: address, amount: uint256):
    assert not self.broken, "market: broken"
    self.paid[to] += amount
    self.total += amount
    if self.calls_back:
        extcall Council(msg.sender).claim()
