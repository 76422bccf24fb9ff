"""Block I, costs of both versions: the running one and the final one."""

import asyncio
from typing import Any

from conformance.ocpp2.states import Visit, charging, operate, until
from conformance.registry import case
from conformance.scene import Scene

BOTH = ("2.0.1", "2.1")
CURRENCY = "EUR"
MICRO = 10**6
NANO = 10**9


async def tariff(scene: Scene, name: str = "T", **parts: Any) -> str:
    """A tariff of the operator, by default 10 per kWh and 0.50 for a session; its id."""
    if not parts:
        parts = {"energy": [{"price": 10 * MICRO}], "fixed": [{"price": MICRO // 2}]}
    wanted = f"{name}-{scene.station.identity}"
    await scene.operator.put(f"/api/tariffs/{wanted}", {"id": wanted, "currency": CURRENCY} | parts)
    return wanted


async def at_station(scene: Scene, wanted: str) -> None:
    """Let a tariff hold at the scene's station."""
    use = {"scope": "station", "object": scene.station.identity, "tariff": wanted}
    await scene.operator.put("/api/tariff-uses", use)


async def cost_of(scene: Scene, visit: Visit) -> dict[str, Any]:
    """What the operator sees of a session's cost."""
    session = await visit.session()
    found: dict[str, Any] = await scene.operator.get(f"/api/sessions/{session['session']}/cost")
    return found


@case("TC_I_01_CSMS", *BOTH, basis="I02 running cost; schema of CostUpdated")
async def running_cost(scene: Scene) -> None:
    await at_station(scene, await tariff(scene))
    visit = await charging(scene)
    told = asyncio.create_task(scene.station.expect("CostUpdated"))
    await visit.event("MeterValuePeriodic", context="Sample.Periodic")
    request = await told
    assert request.payload == {"transactionId": visit.transaction, "totalCost": 1.0}, request.payload
    await request.answer({})
    found = await until(lambda: cost_of(scene, visit), lambda cost: cost["sent_nano"] is not None)
    assert (found["nano"], found["sent_nano"], found["final"]) == (NANO, NANO, False), found
    sent, seen = await operate(scene, "cost-updated", "CostUpdated", {}, transaction=visit.transaction, nano=2 * NANO)
    assert sent == {"transactionId": visit.transaction, "totalCost": 2}, sent
    assert seen["state"] == "done", seen


@case("TC_I_02_CSMS", *BOTH, basis="I03 final cost; schema of TransactionEventResponse (totalCost)")
async def final_cost(scene: Scene) -> None:
    await at_station(scene, await tariff(scene))
    visit = await charging(scene)
    answer = await visit.unplug()
    assert answer == {"totalCost": 1.5}, answer
    await visit.is_over("EVDisconnected", wh=100)
    found = await cost_of(scene, visit)
    assert (found["nano"], found["final"]) == (3 * NANO // 2, True), found
