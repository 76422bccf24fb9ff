"""Asking the council: all members at once, and what their answers come to."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sunpile.basics.errors import SunpileError
from sunpile.basics.ids import Address
from sunpile.basics.reading import SignedReading
from sunpile.basics.typed_data import Domain
from sunpile.settlement.council import Attestation, attest, quorum
from sunpile.settlement.late import LateProposal
from sunpile.settlement.member import Refusal
from sunpile.settlement.ports import MemberLine
from sunpile.settlement.proposal import Proposal


@dataclass(frozen=True, slots=True)
class Answers:
    """What the council said to one proposal."""

    attestation: Attestation
    """Valid signatures only."""
    refusals: Mapping[int, str]
    """Why a seat did not sign, or could not be asked."""
    lacking: tuple[SignedReading, ...]
    """Readings that refusing members hold and the proposal lacks; they go through intake like any other."""
    enough: bool
    """There is a quorum."""


async def ask_council(
    lines: Mapping[int, MemberLine], seats: Sequence[Address], proposal: Proposal | LateProposal, domain: Domain
) -> Answers:
    """Ask every seat that has a line; one that fails, lies or is slow counts as not having signed."""
    digest = proposal.batch.digest(domain)
    asked = sorted(lines)
    answers = await asyncio.gather(*(_ask(lines[seat], proposal) for seat in asked))
    by_seat = dict(zip(asked, answers, strict=True))
    signatures = {seat: answer for seat, answer in by_seat.items() if isinstance(answer, bytes)}
    refusals = {seat: answer for seat, answer in by_seat.items() if isinstance(answer, Refusal)}
    attestation = attest(seats, digest, signatures)
    valid = {seat for seat, _ in attestation.signatures}
    reasons = {seat: refusal.reason for seat, refusal in refusals.items()}
    reasons.update(dict.fromkeys(signatures.keys() - valid, "signature: not that of its seat"))
    lacking = tuple(signed for refusal in refusals.values() for signed in refusal.readings)
    return Answers(attestation, reasons, lacking, len(valid) >= quorum(len(seats)))


async def _ask(line: MemberLine, proposal: Proposal | LateProposal) -> bytes | Refusal:
    try:
        return await line.ask(proposal)
    except SunpileError as fault:
        return Refusal(f"unreachable: {fault.detail}")
