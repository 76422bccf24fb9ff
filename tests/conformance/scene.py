"""What a case plays in: a station, the operator, and the ways into the states the OCA's cases start from."""

import asyncio
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from conformance.node import NodeProcess, Operator
from conformance.station import Payload, VirtualStation

_numbers = itertools.count(1)


def now() -> str:
    """The time as stations write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@dataclass
class Scene:
    """One case under way."""

    version: str
    node: NodeProcess
    operator: Operator
    station: VirtualStation

    # -- the operator ---------------------------------------------------------------------------------------------

    def ask(self, operation: str, **arguments: Any) -> "asyncio.Task[Any]":
        """Start an operation on the station; await the task for its result."""
        path = f"/api/stations/{self.station.identity}/operations/{operation}"
        return asyncio.create_task(self.operator.post(path, {"arguments": arguments}))

    # -- reusable states ------------------------------------------------------------------------------------------

    async def booted(self, reason: str = "PowerUp") -> Payload:
        """Connected, accepted, each connector Available, and the settings the server makes after a boot answered."""
        await self.station.connect()
        answer = await self.station.call("BootNotification", boot_payload(self.version, reason))
        assert answer["status"] == "Accepted"
        for evse in (1, 2):
            await self.status(evse, "Available")
        return answer

    async def status(self, evse: int, status: str, error: str = "NoError") -> None:
        """Send a StatusNotification of a connector."""
        if self.version == "1.6":
            payload = {"connectorId": evse, "errorCode": error, "status": status, "timestamp": now()}
        else:
            payload = {"timestamp": now(), "connectorStatus": status, "evseId": evse, "connectorId": 1}
        assert await self.station.call("StatusNotification", payload) == {}


def boot_payload(version: str, reason: str = "PowerUp") -> Payload:
    """A BootNotification."""
    if version == "1.6":
        return {"chargePointVendor": "Virtual", "chargePointModel": "Station", "chargePointSerialNumber": "V-1"}
    station = {"vendorName": "Virtual", "model": "Station", "serialNumber": "V-1", "firmwareVersion": "1.0"}
    return {"reason": reason, "chargingStation": station}


def settled(version: str) -> dict[str, Any]:
    """Habits of a station that takes what the server sends by itself: settings after a boot, costs on the way."""
    if version == "1.6":
        return {"ChangeConfiguration": {"status": "Accepted"}}

    def set_variables(payload: Payload) -> Payload:
        results = [
            {"attributeStatus": "Accepted", "component": row["component"], "variable": row["variable"]}
            for row in payload["setVariableData"]
        ]
        return {"setVariableResult": results}

    return {"SetVariables": set_variables, "CostUpdated": {}}


async def new_scene(node: NodeProcess, operator: Operator, version: str) -> Scene:
    """A scene with a station of its own, registered by the operator."""
    identity = f"CASE-{next(_numbers):05d}"
    wish = {"station": identity, "max_w": 22_000, "evses": [1, 2], "security_profile": 1}
    card = await operator.post("/api/stations", wish)
    station = VirtualStation(node.url, identity, card["password"], version)
    station.habits |= settled(version)
    return Scene(version, node, operator, station)
