# pragma version 0.4.3
"""
@title A token that makes a call of its choice in the middle of each transfer
"""

balanceOf: public(HashMap[address, uint256])
tried: public(bool)
succeeded: public(bool)
target: address
data: Bytes[1024]


@external
def call_back(target: address, data: Bytes[1024]):
    self.target = target
    self.data = data


@external
def receiveWithAuthorization(
    owner: address, to: address, amount: uint256, a: uint256, b: uint256, nonce: bytes32, v: uint8, r: bytes32, s: bytes32
):
    self.balanceOf[to] += amount


@external
def transfer(to: address, amount: uint256) -> bool:
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[to] += amount
    if self.target != empty(address):
        self.tried = True
        if raw_call(self.target, self.data, revert_on_failure=False):
            self.succeeded = True
    return True
