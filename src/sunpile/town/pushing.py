"""Meters that sign: at each interval's end their readings go to the node and to every council member, in one batch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2

from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import PointId
from sunpile.basics.keys import Key
from sunpile.basics.reading import Reading
from sunpile.basics.typed_data import Domain
from sunpile.basics.units import Wh
from sunpile.town.api import NodeApi
from sunpile.town.energy import Meter
from sunpile.town.signing import hexed

KEPT_BATCHES = 96
"""Batches kept for a member that does not answer; after that the oldest is dropped."""


@dataclass
class SigningMeter:
    """A meter with a key of its own."""

    point: int
    key: Key
    meter: Meter
    last: tuple[int, int] = (0, 0)
    """Registers at the begin of the interval: whole Wh imported and exported."""


class PushingMeters:
    """All signing meters of the town and whom they tell."""

    def __init__(
        self, meters: list[SigningMeter], seed: int, domain: Domain, node: NodeApi, members: list[str]
    ) -> None:
        self._meters, self._seed, self._domain, self._node = meters, seed, domain, node
        self._client = httpx2.AsyncClient(timeout=10.0, trust_env=False)
        self._waiting: dict[str, list[dict[str, Any]]] = {url: [] for url in members}
        self.pushed = 0
        """Readings the node has answered."""
        self.answers: dict[str, int] = {}
        """How often the node answered what."""
        self.tamper: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = list
        """Tests put a dishonest meter here."""

    def mark(self, when: int) -> None:
        """Remember the registers at the begin of the first interval."""
        for signing in self._meters:
            signing.last = signing.meter.read(when)

    async def push(self, when: int, interval: int) -> None:
        """Sign and send what each meter counted in `interval`, which ends at `when`."""
        await self.send(self.sign(when, interval))

    def sign(self, when: int, interval: int) -> list[dict[str, Any]]:
        """What each meter counted in `interval`, which ends at `when`."""
        return self.tamper([self._sign(signing, when, interval) for signing in self._meters])

    async def send(self, batch: list[dict[str, Any]]) -> None:
        """Tell members and node, and again until the node answers."""
        if not batch:
            return
        await self._tell_members(batch)
        answer = await self._node.post("/api/readings", {"readings": batch})
        for result in answer["results"]:
            self.answers[result["status"]] = self.answers.get(result["status"], 0) + 1
        self.pushed += len(batch)

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    def _sign(self, signing: SigningMeter, when: int, interval: int) -> dict[str, Any]:
        now = signing.meter.read(when)
        wh = (now[0] - signing.last[0]) - (now[1] - signing.last[1])
        signing.last = now
        # A salt that a rerun draws again, so that a repeated reading is a duplicate and not a second one.
        salt = keccak256(b"salt" + signing.key.secret + interval.to_bytes(8, "big"))
        signed = Reading(PointId(signing.point), interval, Wh(wh), salt).sign(self._domain, signing.key)
        return {
            "point": signing.point,
            "interval": interval,
            "wh": wh,
            "salt": hexed(salt),
            "signature": hexed(signed.signature),
        }

    async def _tell_members(self, batch: list[dict[str, Any]]) -> None:
        """A member that is away gets it with the next batch; nobody waits for one member."""
        for url, waiting in self._waiting.items():
            waiting[:] = (waiting + batch)[-KEPT_BATCHES * len(batch) :]
            try:
                answer = await self._client.post(f"{url}/readings", json={"readings": waiting})
            except httpx2.TransportError:
                continue
            if answer.status_code < 500:
                waiting.clear()
