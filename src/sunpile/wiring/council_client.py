"""How a node asks the members of the council: HTTP, one line each, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx2
import orjson

from sunpile.basics.errors import InputInvalid, Unreachable
from sunpile.basics.ids import Address
from sunpile.basics.typed_data import Domain
from sunpile.settlement.archive import Kept, kept_to_json
from sunpile.settlement.collect import Answers, ask_council
from sunpile.settlement.late import LateProposal
from sunpile.settlement.member import Refusal
from sunpile.settlement.proposal import Proposal
from sunpile.settlement.wire import (
    REASON_MAX,
    Json,
    as_map,
    hex_field,
    late_to_json,
    proposal_to_json,
    refusal_from_json,
)

ANSWER_SECONDS = 20.0
HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class HttpLine:
    """`settlement.ports.MemberLine` over HTTP. A proposal is turned to JSON once for all members."""

    url: str
    client: httpx2.AsyncClient
    bodies: dict[int, bytes]
    """The proposal under way by its `id`."""

    async def ask(self, proposal: Proposal | LateProposal) -> bytes | Refusal:
        """See `MemberLine.ask`."""
        try:
            reply = await self.client.post(f"{self.url}/proposals", content=self.bodies[id(proposal)], headers=HEADERS)
            body = as_map(orjson.loads(reply.content), "answer")
            return _answer(reply.status_code, body)
        except (httpx2.HTTPError, orjson.JSONDecodeError, InputInvalid) as fault:
            raise Unreachable(f"{self.url}: {type(fault).__name__}") from fault


def _answer(status: int, body: Json) -> bytes | Refusal:
    if status == 200:
        return hex_field(body, "signature", 65)
    if "refusal" in body:
        return refusal_from_json(body)
    return Refusal(str(body.get("detail") or status)[:REASON_MAX])


class CouncilClient:
    """Members by their URLs, which stand in the order of the seats."""

    def __init__(self, urls: Sequence[str], domain: Domain, seconds: float = ANSWER_SECONDS) -> None:
        self._client = httpx2.AsyncClient(timeout=seconds, trust_env=False)
        self._bodies: dict[int, bytes] = {}
        self._domain = domain
        self._lines: Mapping[int, HttpLine] = {
            seat: HttpLine(url, self._client, self._bodies) for seat, url in enumerate(urls)
        }

    async def ask(self, proposal: Proposal | LateProposal, seats: Sequence[Address]) -> Answers:
        """Signatures over the proposal, or reasons."""
        late = isinstance(proposal, LateProposal)
        self._bodies[id(proposal)] = orjson.dumps(late_to_json(proposal) if late else proposal_to_json(proposal))
        try:
            return await ask_council(self._lines, seats, proposal, self._domain)
        finally:
            del self._bodies[id(proposal)]

    async def teach(self, seat: int, kept: Kept) -> None:
        """Hand a member a settled batch it does not have."""
        line = self._lines[seat]
        try:
            await self._client.post(f"{line.url}/batches", content=orjson.dumps(kept_to_json(kept)), headers=HEADERS)
        except httpx2.HTTPError as fault:
            raise Unreachable(f"{line.url}: {type(fault).__name__}") from fault

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()
