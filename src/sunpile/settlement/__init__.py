"""Chapter 4: readings become a batch, a witness root, signatures, a receipt anyone can check.

A meter's signed reading enters by `intake`. When an interval and its grace are over, `selection` tells which points
are in and which are late (a house as a whole), and `proposal.build` nets, clears and packs them into a `Batch` whose
witness root binds every reading. Each member of the council gets the proposal, recomputes all of it from its own
chain and its own readings, and `member.decide` signs or says why not; a refusal hands over what was missing and the
next round has it. With a quorum the batch goes to `EnergyMarket.settle`, which checks the clearing once more and
moves the money. `bill` says what each point pays, `late` settles what came too late, `receipt` packs one point's
proof and `verify` checks it with nothing but the file and two kinds of call to the chain.

`round.decide` is the loop's mind: wait, propose, submit or void. The cores are pure; what waits
for others (`seat`, `collect`, `reception`) reaches them through `ports`.

Entry: `build(facts, readings, round)`.
"""

from sunpile.settlement.batch import Batch, Header, LateBatch, Rows, market_domain
from sunpile.settlement.bill import Bill, bills, late_bills
from sunpile.settlement.facts import MeteringPoint, ZoneFacts
from sunpile.settlement.late import LateProposal, build_late
from sunpile.settlement.proposal import Proposal, build
from sunpile.settlement.witness import Witness

__all__ = [
    "Batch",
    "Bill",
    "Header",
    "LateBatch",
    "LateProposal",
    "MeteringPoint",
    "Proposal",
    "Rows",
    "Witness",
    "ZoneFacts",
    "bills",
    "build",
    "build_late",
    "late_bills",
    "market_domain",
]
