"""Block I, tariffs of OCPP 2.1: given to stations and drivers, changed, taken away; a station's own reckoning."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from conformance.ocpp2.i_costs import CURRENCY, MICRO, NANO, at_station, cost_of, tariff
from conformance.ocpp2.states import Visit, authorize, charging, moment, new_token, refused
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

NIGHT = {"from_minute": 22 * 60, "until_minute": 6 * 60}
NIGHT_SAID = {"startTimeOfDay": "22:00", "endTimeOfDay": "06:00"}
CONDITIONAL = [{"price": MICRO // 10, "when": NIGHT}, {"price": MICRO // 2}]
CONDITIONAL_SAID = {"prices": [{"priceKwh": 0.1, "conditions": NIGHT_SAID}, {"priceKwh": 0.5}]}
PLAIN = [{"price": MICRO // 2}]
THREE = [{"price": MICRO // 5, "when": {"max_wh": 1000}}, {"price": MICRO // 4, "when": {"max_wh": 5000}}, *PLAIN]


async def asked(scene: Scene, wish: Awaitable[Any], action: str, answer: Payload) -> tuple[Payload, dict[str, Any]]:
    """What the server sends for a wish of the operator, and what the operator then sees."""
    task = asyncio.ensure_future(wish)
    request = await scene.station.expect(action)
    await request.answer(answer)
    return request.payload, await task


def install(scene: Scene, wanted: str, evse: int = 0) -> Awaitable[Any]:
    """The operator's wish to give the station a tariff."""
    body = {"evse": evse, "tariff": wanted}
    return scene.operator.post(f"/api/stations/{scene.station.identity}/tariffs", body)


def change(scene: Scene, visit: Visit, wanted: str) -> Awaitable[Any]:
    """The operator's wish to change the tariff of a transaction."""
    body = {"station": scene.station.identity, "transaction": visit.transaction, "tariff": wanted}
    return scene.operator.post("/api/tariff-changes", body)


async def knows(scene: Scene, **variables: str) -> None:
    """Let the operator read the station's device model, which says that of its TariffCostCtrlr."""
    rows = [
        {
            "component": {"name": "TariffCostCtrlr"},
            "variable": {"name": name},
            "variableAttribute": [{"value": value, "mutability": "ReadOnly"}],
        }
        for name, value in variables.items()
    ]
    reading = scene.ask("get-report", base="FullInventory")
    request = await scene.station.expect("GetBaseReport")
    await request.answer({"status": "Accepted"})
    number = request.payload["requestId"]
    report = {"requestId": number, "generatedAt": moment(), "seqNo": 0, "tbc": False, "reportData": rows}
    assert await scene.station.call("NotifyReport", report) == {}
    assert (await reading)["state"] == "done"


async def nothing_sent(scene: Scene, wish: Awaitable[Any], action: str) -> None:
    """The operator's wish is refused with the reason, and the station hears nothing of it."""
    refusal = await refused(wish)
    assert refusal.status == 400, refusal
    assert action not in [name for name, _ in scene.station.heard]


# -- default tariffs ----------------------------------------------------------------------------------------------


@case("TC_I_101_CSMS", "2.1", basis="I07 default tariff; schema of SetDefaultTariff (startTimeOfDay, endTimeOfDay)")
async def by_time_of_day(scene: Scene) -> None:
    await scene.booted()
    wanted = await tariff(scene, energy=CONDITIONAL)
    sent, seen = await asked(scene, install(scene, wanted, 1), "SetDefaultTariff", {"status": "Accepted"})
    assert sent["evseId"] == 1, sent
    assert (sent["tariff"]["tariffId"], sent["tariff"]["currency"]) == (wanted, CURRENCY), sent
    assert sent["tariff"]["energy"] == CONDITIONAL_SAID, sent
    assert {text["language"] for text in sent["tariff"]["description"]} >= {"en"}, sent
    assert (seen["status"], seen["accepted"]) == ("Accepted", True), seen


@case("TC_I_102_CSMS", "2.1", basis="I07 default tariff; TariffCostCtrlr.MaxElements; TooManyElements")
async def too_many_elements(scene: Scene) -> None:
    await scene.booted()
    many, few = await tariff(scene, "MANY", energy=THREE), await tariff(scene, "FEW", energy=CONDITIONAL)
    sent, seen = await asked(scene, install(scene, many), "SetDefaultTariff", {"status": "TooManyElements"})
    assert len(sent["tariff"]["energy"]["prices"]) == 3, sent
    assert (seen["status"], seen["accepted"]) == ("TooManyElements", False), seen
    scene.station.heard.clear()
    await knows(scene, MaxElements="2", ConditionsSupported="true")
    await nothing_sent(scene, install(scene, many), "SetDefaultTariff")
    sent, seen = await asked(scene, install(scene, few), "SetDefaultTariff", {"status": "Accepted"})
    assert (len(sent["tariff"]["energy"]["prices"]), sent["evseId"]) == (2, 0), sent
    assert seen["accepted"], seen


@case("TC_I_105_CSMS", "2.1", basis="I07 default tariff; TariffCostCtrlr.ConditionsSupported; ConditionNotSupported")
async def no_conditions(scene: Scene) -> None:
    await scene.booted()
    conditional, plain = await tariff(scene, "IF", energy=CONDITIONAL), await tariff(scene, "PLAIN", energy=PLAIN)
    answer = {"status": "ConditionNotSupported"}
    _, seen = await asked(scene, install(scene, conditional), "SetDefaultTariff", answer)
    assert (seen["status"], seen["accepted"]) == ("ConditionNotSupported", False), seen
    scene.station.heard.clear()
    await knows(scene, MaxElements="9", ConditionsSupported="false")
    await nothing_sent(scene, install(scene, conditional), "SetDefaultTariff")
    sent, seen = await asked(scene, install(scene, plain), "SetDefaultTariff", {"status": "Accepted"})
    assert sent["tariff"]["energy"] == {"prices": [{"priceKwh": 0.5}]}, sent
    assert seen["accepted"], seen


@case("TC_I_106_CSMS", "2.1", basis="I07 default tariff; schema of SetDefaultTariff; statuses of its answer; currency")
async def validations(scene: Scene) -> None:
    await scene.booted()
    wanted = await tariff(scene)
    for status in ("Rejected", "DuplicateTariffId"):
        _, seen = await asked(scene, install(scene, wanted), "SetDefaultTariff", {"status": status})
        assert (seen["status"], seen["accepted"]) == (status, False), seen
    wrong: tuple[dict[str, Any], ...] = (
        {"currency": "Euro"},
        {"energy": [{"price": -1}]},
        {"energy": [{"price": 1, "when": {"from_minute": 1440}}]},
        {"energy": [{"price": 1, "when": {"days": [7]}}]},
        {"fixed": [{"price": 1, "when": {"min_wh": 5}}]},
        {"id": "another"},
    )
    for values in wrong:
        body = {"id": wanted, "currency": CURRENCY, "energy": PLAIN} | values
        refusal = await refused(scene.operator.put(f"/api/tariffs/{wanted}", body))
        assert refusal.status == 400, (values, refusal)
    scene.station.heard.clear()
    await knows(scene, Currency="CHF")
    await nothing_sent(scene, install(scene, wanted), "SetDefaultTariff")
    assert (await refused(install(scene, "no-such-tariff"))).status == 404


@case("TC_I_109_CSMS", "2.1", basis="I08 driver tariff; schema of AuthorizeResponse (tariff)")
async def of_the_driver(scene: Scene) -> None:
    await scene.booted()
    token, blocked = await new_token(scene), await new_token(scene, status="blocked")
    wanted = await tariff(scene, energy=PLAIN)
    for shown in (token, blocked):
        await scene.operator.put("/api/tariff-uses", {"scope": "token", "object": shown, "tariff": wanted})
    answer = await authorize(scene, token)
    assert answer["tariff"]["tariffId"] == wanted, answer
    assert (answer["tariff"]["currency"], answer["tariff"]["energy"]) == (CURRENCY, {"prices": [{"priceKwh": 0.5}]})
    assert "tariff" not in await authorize(scene, blocked, "Blocked")
    visit = Visit(scene, token)
    await visit.charge()
    await visit.unplug()
    assert (await cost_of(scene, visit))["tariff"] == wanted


@case("TC_I_110_CSMS", "2.1", basis="I09, I10 default tariffs read and cleared; schemas of GetTariffs and ClearTariffs")
async def cleared(scene: Scene) -> None:
    await scene.booted()
    wanted = await tariff(scene)
    path = f"/api/stations/{scene.station.identity}/tariffs"
    await asked(scene, install(scene, wanted), "SetDefaultTariff", {"status": "Accepted"})
    has = {"tariffAssignments": [{"tariffId": wanted, "tariffKind": "DefaultTariff", "evseIds": [1, 2]}]}
    sent, seen = await asked(scene, scene.operator.get(path), "GetTariffs", {"status": "Accepted"} | has)
    assert sent == {"evseId": 0}, sent
    assert seen["data"] == has, seen
    answer = {"clearTariffsResult": [{"tariffId": wanted, "status": "Accepted"}]}
    wish = scene.operator.delete(f"{path}?tariff={wanted}")
    sent, seen = await asked(scene, wish, "ClearTariffs", answer)
    assert sent == {"tariffIds": [wanted]}, sent
    assert seen["accepted"], seen
    gone = {"clearTariffsResult": [{"status": "NoTariff"}]}
    sent, seen = await asked(scene, scene.operator.delete(f"{path}?evse=1"), "ClearTariffs", gone)
    assert sent == {"evseId": 1}, sent
    assert not seen["accepted"], seen


# -- the tariff of a transaction ----------------------------------------------------------------------------------

CHANGE = "ChangeTransactionTariff"
BASIS = "I11 transaction tariff; schema of ChangeTransactionTariff"


@case("TC_I_113_CSMS", "2.1", basis=f"{BASIS}; TariffCostCtrlr.MaxElements; TooManyElements")
async def change_with_too_many(scene: Scene) -> None:
    visit = await charging(scene)
    many, few = await tariff(scene, "MANY", energy=THREE), await tariff(scene, "FEW", energy=CONDITIONAL)
    _, seen = await asked(scene, change(scene, visit, many), CHANGE, {"status": "TooManyElements"})
    assert (seen["status"], seen["accepted"]) == ("TooManyElements", False), seen
    scene.station.heard.clear()
    await knows(scene, MaxElements="2", ConditionsSupported="true")
    await nothing_sent(scene, change(scene, visit, many), CHANGE)
    sent, seen = await asked(scene, change(scene, visit, few), CHANGE, {"status": "Accepted"})
    assert (sent["transactionId"], sent["tariff"]["tariffId"]) == (visit.transaction, few), sent
    assert seen["accepted"], seen


@case("TC_I_114_CSMS", "2.1", basis=f"{BASIS}; TariffCostCtrlr.ConditionsSupported; ConditionNotSupported")
async def change_without_conditions(scene: Scene) -> None:
    visit = await charging(scene)
    wanted = await tariff(scene, energy=CONDITIONAL)
    _, seen = await asked(scene, change(scene, visit, wanted), CHANGE, {"status": "ConditionNotSupported"})
    assert (seen["status"], seen["accepted"]) == ("ConditionNotSupported", False), seen
    scene.station.heard.clear()
    await knows(scene, ConditionsSupported="false")
    await nothing_sent(scene, change(scene, visit, wanted), CHANGE)


@case("TC_I_115_CSMS", "2.1", basis=f"{BASIS}; TariffCostCtrlr.ConditionsSupported; TariffChanged of the transaction")
async def change_with_conditions(scene: Scene) -> None:
    visit = await charging(scene)
    await knows(scene, ConditionsSupported="true")
    wanted = await tariff(scene, energy=CONDITIONAL)
    sent, seen = await asked(scene, change(scene, visit, wanted), CHANGE, {"status": "Accepted"})
    assert sent["tariff"]["energy"] == CONDITIONAL_SAID, sent
    assert sent["transactionId"] == visit.transaction, sent
    assert seen["accepted"], seen
    await visit.event("TariffChanged", info={"tariffId": wanted})
    await visit.is_active()
    _, seen = await asked(scene, change(scene, visit, wanted), CHANGE, {"status": "NoCurrencyChange"})
    assert (seen["status"], seen["accepted"]) == ("NoCurrencyChange", False), seen


def details(total: float, wh: int, kind: str = "NormalCost") -> Payload:
    """A station's reckoning."""
    cost = {"currency": CURRENCY, "typeOfCost": kind, "total": {"exclTax": total, "inclTax": total}}
    return {"totalCost": cost, "totalUsage": {"energy": wh, "chargingTime": 60, "idleTime": 0}}


@case("TC_I_122_CSMS", "2.1", basis="I12 cost details; schema of TransactionEventRequest (costDetails, tariffId)")
async def own_reckoning(scene: Scene) -> None:
    await scene.booted()
    wanted = await tariff(scene)
    await at_station(scene, wanted)
    for evse, total, differs in ((1, 1.5, False), (2, 9.0, True)):
        visit = Visit(scene, await new_token(scene), evse)
        await visit.charge()
        await visit.event("RunningCost", info={"tariffId": wanted}, costDetails=details(1.0, 50))
        await visit.event("ChargingStateChanged", "EVConnected")
        known = visit.wh - visit.begin_wh
        assert known == 100
        answer = await visit.unplug(costDetails=details(total, known), info={"tariffId": wanted})
        assert answer["totalCost"] == 1.5, answer
        found = await cost_of(scene, visit)
        assert (found["nano"], found["final"]) == (3 * NANO // 2, True), found
        assert bool(found["difference"]) == differs, found
