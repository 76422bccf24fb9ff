"""Block E, use case E16 of OCPP 2.1: transactions with a fixed cost, energy or time."""

import asyncio
import re
from typing import Any

from conformance.ocpp2.i_costs import MICRO, NANO, at_station, cost_of, tariff
from conformance.ocpp2.i_tariffs import details
from conformance.ocpp2.states import Visit, new_token, until
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

BASIS = "E16 transactions with limits; schemas of TransactionEvent (transactionLimit, LimitSet)"


async def limited(scene: Scene, limit: Payload | None, **limits: int) -> Visit:
    """A car that charges for a token with `limits`, of which the station is told `limit` when the driver is let in."""
    await scene.booted()
    visit = Visit(scene, await new_token(scene, limits=limits))
    answer = await visit.authorise()
    assert answer.get("transactionLimit") == limit, answer
    await visit.charge()
    if limit is not None:
        await set_by_station(visit, limit)
    return visit


async def set_by_station(visit: Visit, limit: Payload) -> None:
    """The station tells the limit that now holds; nothing of the answer widens it."""
    answer = await visit.event("LimitSet", info={"transactionLimit": limit})
    for name, value in answer.get("transactionLimit", {}).items():
        assert value <= limit.get(name, value), answer
    await visit.is_active()


async def reach(visit: Visit, trigger: str, reason: str | None, **more: Any) -> Payload:
    """The limit is reached: the station suspends, then ends the transaction, which is as it was wanted to be."""
    await visit.event(trigger, "SuspendedEVSE")
    await visit.is_active()
    answer = await visit.event(trigger, reason=reason, ends=True, **more)
    session = await visit.is_over(reason or "Local")
    assert session["outcome"]["success"], session
    return answer


@case("TC_E_102_CSMS", "2.1", basis=f"{BASIS}; the lower one of both holds")
async def by_both(scene: Scene) -> None:
    visit = await limited(scene, {"maxEnergy": 1000}, wh_day=1000)
    await set_by_station(visit, {"maxEnergy": 100})
    await reach(visit, "EnergyLimitReached", "EnergyLimitReached")
    after = await scene.operator.get(f"/api/tokens/{visit.token}/use")
    assert after["wh_day"] == visit.wh - visit.begin_wh, after


@case("TC_E_106_CSMS", "2.1", basis=f"{BASIS}; EnergyLimitReached")
async def energy_by_the_station(scene: Scene) -> None:
    visit = await limited(scene, None)
    await set_by_station(visit, {"maxEnergy": 100})
    await reach(visit, "EnergyLimitReached", "EnergyLimitReached")


@case("TC_E_107_CSMS", "2.1", basis=f"{BASIS}; TimeLimitReached")
async def time_by_the_station(scene: Scene) -> None:
    visit = await limited(scene, None)
    await set_by_station(visit, {"maxTime": 60})
    await reach(visit, "TimeLimitReached", "TimeLimitReached")


@case("TC_E_108_CSMS", "2.1", basis=f"{BASIS}; CostLimitReached, costDetails")
async def cost_by_the_station(scene: Scene) -> None:
    await at_station(scene, await tariff(scene))
    visit = await limited(scene, None)
    await set_by_station(visit, {"maxCost": 1.5})
    await visit.event("RunningCost", costDetails=details(1.5, visit.wh - visit.begin_wh))
    answer = await reach(visit, "CostLimitReached", None, costDetails=details(2.0, 150))
    assert answer["totalCost"] == 2.0, answer
    found = await cost_of(scene, visit)
    assert (found["nano"], found["final"], found["difference"]) == (2 * NANO, True, ""), found


@case("TC_E_109_CSMS", "2.1", basis=f"{BASIS}; CostLimitReached, CostUpdated, totalCost")
async def cost_by_the_server(scene: Scene) -> None:
    await at_station(scene, await tariff(scene))
    visit = await limited(scene, {"maxCost": 2}, credit=2 * NANO)
    told = asyncio.create_task(scene.station.expect("CostUpdated"))
    await visit.event("MeterValuePeriodic", context="Sample.Periodic")
    request = await told
    assert request.payload == {"transactionId": visit.transaction, "totalCost": 1.5}, request.payload
    await request.answer({})
    answer = await reach(visit, "CostLimitReached", "LocalOutOfCredit")
    assert answer["totalCost"] == 2.0, answer


@case("TC_E_110_CSMS", "2.1", basis=f"{BASIS}; EnergyLimitReached")
async def energy_by_the_server(scene: Scene) -> None:
    visit = await limited(scene, {"maxEnergy": 150}, wh_month=150)
    await reach(visit, "EnergyLimitReached", "EnergyLimitReached")
    again = Visit(scene, visit.token, ago_s=100, wh=visit.wh, begin_wh=visit.wh)
    answer = await again.event("Authorized", token=visit.token)
    assert answer["idTokenInfo"]["status"] == "Accepted", answer
    assert answer["transactionLimit"] == {"maxEnergy": 150 - (visit.wh - visit.begin_wh)}, answer


async def pay(scene: Scene, **choices: str) -> Payload:
    """A driver without an account pays ahead on the page; the remote start that follows."""
    scene.station.habits["NotifyWebPaymentStarted"] = {}
    sticker = await scene.operator.get(f"/api/stations/{scene.station.identity}/sticker?evse=1")
    address = re.sub(r"^https?://[^/]+", "", sticker["address"])
    started = asyncio.create_task(scene.station.expect("RequestStartTransaction"))
    async with scene.node.client() as browser:
        page = await browser.get(address)
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        paying = asyncio.create_task(browser.post(f"/pay/{scene.station.identity}/1", data=form | choices))
        request = await started
        await request.answer({"status": "Accepted"})
        assert (await paying).status_code == 303
    return request.payload


@case("TC_E_111_CSMS", "2.1", basis=f"{BASIS}; TimeLimitReached; a driver who pays ahead for a time")
async def time_by_the_server(scene: Scene) -> None:
    await scene.booted()
    await at_station(scene, await tariff(scene, energy=[{"price": 10 * MICRO}]))
    start = await pay(scene, units="5", minutes="15")
    limit = {"maxCost": 5, "maxTime": 900}
    visit = Visit(scene, start["idToken"]["idToken"], kind=start["idToken"]["type"])
    info = {"remoteStartId": start["remoteStartId"]}
    answer = await visit.event("RemoteStart", token=visit.token, info=info)
    assert answer["idTokenInfo"]["status"] == "Accepted", answer
    assert answer["transactionLimit"] == limit, answer
    visit.accepted = True
    await visit.charge()
    await set_by_station(visit, limit)
    await reach(visit, "TimeLimitReached", "TimeLimitReached")

    async def payment() -> dict[str, Any]:
        payments: list[dict[str, Any]] = await scene.operator.get("/api/payments")
        return next(one for one in payments if one["station"] == scene.station.identity)

    paid = await until(payment, lambda found: found["state"] == "settled")
    assert paid["taken_nano"] == (visit.wh - visit.begin_wh) * 10 * NANO // 1000, paid
