# pragma version 0.4.3
# pragma evm-version prague
# A small contract for the tests of the chain chapter: it counts, tells the time and refuses.

struct Step:
    by: uint256
    note: bytes32

event Bumped:
    who: indexed(address)
    total: uint256
    at: uint256
    note: Bytes[64]

total: public(uint256)
steps: public(HashMap[address, uint256])
trail: public(bytes32)


@deploy
def __init__(start: uint256):
    self.total = start


@external
def bump(by: uint256 = 1):
    assert by != 0, "bump: zero"
    self._step(by, b"")


@external
def walk(steps: DynArray[Step, 10]):
    for step: Step in steps:
        self._step(step.by, slice(concat(step.note, b""), 0, 32))


@external
@view
def clock() -> (uint256, uint256):
    return block.number, block.timestamp


@external
@view
def pair(by: uint256) -> Step:
    return Step(by=by, note=keccak256("pair"))


@internal
def _step(by: uint256, note: Bytes[64]):
    self.total += by
    self.steps[msg.sender] += by
    self.trail = keccak256(concat(self.trail, convert(msg.sender, bytes32), convert(self.total, bytes32)))
    log Bumped(who=msg.sender, total=self.total, at=block.timestamp, note=note)
