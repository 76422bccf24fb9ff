"""How a node asks the members of the council: one HTTP request each, side by side."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx2
import orjson

from sunpile.basics.errors import InputInvalid
from sunpile.basics.ids import Address
from sunpile.basics.keys import recover
from sunpile.basics.reading import SignedReading
from sunpile.settlement.late import LateProposal
from sunpile.settlement.proposal import Proposal
from sunpile.settlement.wire import Json, as_map, hex_field, late_to_json, proposal_to_json, reading_from_json

log = logging.getLogger("sunpile.council")
ANSWER_SECONDS = 20.0


@dataclass
class Answers:
    """What the council said to one proposal."""

    signatures: dict[int, bytes] = field(default_factory=dict[int, bytes])
    """Valid ones by seat."""
    refusals: dict[int, str] = field(default_factory=dict[int, str])
    """Reasons by seat; also of those who did not answer."""
    readings: list[SignedReading] = field(default_factory=list[SignedReading])
    """Readings that refusing members hold and the proposal lacks."""


class CouncilClient:
    """Asks members by their URLs, which stand in the order of the seats."""

    def __init__(self, urls: Sequence[str], seconds: float = ANSWER_SECONDS) -> None:
        self._urls = list(urls)
        self._client = httpx2.AsyncClient(timeout=seconds, trust_env=False)

    async def ask(self, proposal: Proposal, seats: Sequence[Address], digest: bytes) -> Answers:
        """Signatures over `digest`, or reasons."""
        return await self._ask(proposal_to_json(proposal), seats, digest)

    async def ask_late(self, proposal: LateProposal, seats: Sequence[Address], digest: bytes) -> Answers:
        """The same for a late batch."""
        return await self._ask(late_to_json(proposal), seats, digest)

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    async def _ask(self, body: Json, seats: Sequence[Address], digest: bytes) -> Answers:
        content = orjson.dumps(body)
        answers = Answers()
        urls = self._urls[: len(seats)]
        await asyncio.gather(
            *(self._one(answers, seat, url, content, seats[seat], digest) for seat, url in enumerate(urls))
        )
        return answers

    async def _one(self, answers: Answers, seat: int, url: str, content: bytes, owner: Address, digest: bytes) -> None:
        try:
            reply = await self._client.post(
                f"{url}/proposals", content=content, headers={"Content-Type": "application/json"}
            )
            body = as_map(orjson.loads(reply.content), "answer")
        except (httpx2.HTTPError, orjson.JSONDecodeError, InputInvalid) as fault:
            answers.refusals[seat] = f"no answer: {type(fault).__name__}"
            return
        try:
            if reply.status_code == 200:
                signature = hex_field(body, "signature", 65)
                if recover(digest, signature) != owner:
                    raise InputInvalid("the signature is not the seat's")
                answers.signatures[seat] = signature
            else:
                answers.refusals[seat] = str(body.get("refusal") or body.get("detail") or reply.status_code)[:300]
                answers.readings += [reading_from_json(item) for item in body.get("readings") or []]
        except InputInvalid as fault:
            answers.refusals[seat] = f"bad answer: {fault.detail}"
            log.warning("member of seat %d: %s", seat, fault.detail)
