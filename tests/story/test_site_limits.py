"""Load management over real sockets: two cars share a fuse, and the piles keep within it without the node."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.node import NodeProcess, Operator
from conformance.scene import Scene, new_scene, now
from conformance.station import Payload

FUSE = {"l1": 32_000, "l2": 32_000, "l3": 32_000}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeProcess]:
    process = NodeProcess(tmp_path / "node")
    process.start()
    yield process
    process.stop()


class Pile:
    """A scene's station that keeps the profiles it is given: what its car may draw follows from them."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.profiles: dict[int, Payload] = {}
        scene.station.habits["SetChargingProfile"] = self.take

    def take(self, payload: Payload) -> Payload:
        """Keep a profile of EVSE 1."""
        version = self.scene.version
        evse = payload["connectorId"] if version == "1.6" else payload["evseId"]
        profile = payload["csChargingProfiles"] if version == "1.6" else payload["chargingProfile"]
        if evse == 1:
            self.profiles[profile["stackLevel"]] = profile
        return {"status": "Accepted"}

    def amps(self, level: int) -> float | None:
        """The limit at a stack level."""
        profile = self.profiles.get(level)
        if profile is None:
            return None
        schedule: Any = profile["chargingSchedule"]
        return (schedule if isinstance(schedule, dict) else schedule[0])["chargingSchedulePeriod"][0]["limit"]

    async def until(self, level: int, amps: float) -> None:
        """Wait until it holds this limit."""
        async with asyncio.timeout(20):
            while self.amps(level) != amps:
                await asyncio.sleep(0.05)

    async def plug_in(self) -> None:
        """A car comes and charges."""
        if self.scene.version == "1.6":
            start = {"connectorId": 1, "idTag": "CAR", "meterStart": 0, "timestamp": now()}
            assert (await self.scene.station.call("StartTransaction", start))["idTagInfo"]["status"] == "Accepted"
            return
        event = {
            "eventType": "Started",
            "timestamp": now(),
            "triggerReason": "Authorized",
            "seqNo": 0,
            "transactionInfo": {"transactionId": self.scene.station.identity},
            "evse": {"id": 1, "connectorId": 1},
            "idToken": {"idToken": "CAR", "type": "ISO14443"},
        }
        assert (await self.scene.station.call("TransactionEvent", event))["idTokenInfo"]["status"] == "Accepted"


async def pile(node: NodeProcess, operator: Operator, version: str) -> Pile:
    made = Pile(await new_scene(node, operator, version))
    await made.scene.booted()
    return made


async def test_two_cars_share_a_fuse_and_the_piles_keep_within_it_alone(node: NodeProcess) -> None:
    async with node.client() as client:
        operator = Operator(client)
        await operator.put("/api/tokens/CAR", {"limits": {}})
        one, two = await pile(node, operator, "1.6"), await pile(node, operator, "2.0.1")
        outlets = [{"station": each.scene.station.identity, "evse": 1, "fuse": "main"} for each in (one, two)]
        await operator.put("/api/sites/yard", {"fuses": [{"fuse": "main", "limit": FUSE}], "outlets": outlets})

        for each in (one, two):
            await each.until(0, 16)
            await each.until(1, 0)
        assert one.profiles[1].keys() >= {"validTo"}, "what is above the safe share runs out by itself"

        await one.plug_in()
        await one.until(1, 32)
        await two.plug_in()
        await one.until(1, 16)
        await two.until(1, 16)
        assert one.amps(0) == two.amps(0) == 16, "without the node both may still charge at once"

        site = await operator.get("/api/sites/yard")
        assert [outlet["limit_ma"] for outlet in site["now"]["outlets"]] == [16_000, 16_000]
        for each in (one, two):
            await each.scene.station.close()
