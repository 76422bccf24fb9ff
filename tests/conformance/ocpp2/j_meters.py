"""Block J, meter values: aligned with the clock, sampled in a transaction, signed."""

from conformance.ocpp2.states import charging, event_row, evse_now, meter_value, moment, new_visit, notify_event
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

BOTH = ("2.0.1", "2.1")
CLOCK, PERIODIC = "Sample.Clock", "Sample.Periodic"
SPACING_S = 60


async def clock_values(scene: Scene, round_number: int, *evses: int) -> None:
    """Tell meter values aligned with the clock, in both ways a station may; the operator sees the registers."""
    at = moment(SPACING_S * (3 - round_number))
    for evse in evses:
        wh = 5_000 * (evse + 1) + 100 * round_number
        values = [meter_value(wh, CLOCK, at)]
        assert await scene.station.call("MeterValues", {"evseId": evse, "meterValue": values}) == {}
        if evse:
            assert (await evse_now(scene, evse))["register_wh"] == wh
    row = event_row("FiscalMetering", "EnergyImportRegister", "5000", timestamp=at, trigger="Periodic")
    await notify_event(scene, row)


@case("TC_J_01_CSMS", *BOTH, basis="part 6")
async def clock_without_transaction(scene: Scene) -> None:
    await scene.booted()
    for round_number in (1, 2, 3):
        await clock_values(scene, round_number, 0, 1, 2)
    listed = await scene.operator.get(f"/api/staff/sessions?station={scene.station.identity}")
    assert listed["sessions"] == []


@case("TC_J_02_CSMS", *BOTH, basis="part 6")
async def clock_with_transaction(scene: Scene) -> None:
    visit = await charging(scene)
    for round_number in (1, 2, 3):
        await clock_values(scene, round_number, 0, 2)
        visit.ago_s -= SPACING_S - 10
        await visit.event("MeterValueClock", context=CLOCK)
        await visit.is_active(wh=visit.wh - visit.begin_wh)
    assert (await evse_now(scene, 1))["register_wh"] == visit.wh


async def ended_with(scene: Scene, context: str, proof: bool = False) -> None:
    """End a transaction whose meter values all come with its end: some of `context`, and the last one."""
    visit = await charging(scene)
    values: list[Payload] = []
    for _ in range(3):
        visit.move_on()
        values.append(visit.sample(context, proof))
    told = {round(float(value["sampledValue"][0]["value"])) for value in values}
    await visit.stop_charging()
    await visit.unplug(values=values, context="Transaction.End", proof=proof)
    doubts = ["signed but not verified"] if proof else []
    session = await visit.is_over("EVDisconnected", signed=proof, end_wh=visit.wh, doubts=doubts)
    detail = await scene.operator.get(f"/api/sessions/{session['session']}/detail")
    registers = {row["wh"] for row in detail["registers"] if row["held"] is None}
    assert registers == {visit.begin_wh, *told, visit.wh}, detail["registers"]
    assert len(detail["signed_values"]) == (len(told) + 1 if proof else 0), detail["signed_values"]


@case("TC_J_03_CSMS", *BOTH, basis="part 6")
async def clock_at_the_end(scene: Scene) -> None:
    await ended_with(scene, CLOCK)


@case("TC_J_04_CSMS", *BOTH, basis="part 6")
async def clock_signed(scene: Scene) -> None:
    await ended_with(scene, CLOCK, proof=True)


@case("TC_J_07_CSMS", *BOTH, basis="part 6")
async def sampled_at_the_start(scene: Scene) -> None:
    await scene.booted()
    visit = await new_visit(scene)
    await visit.plug_in()
    assert visit.told[0]["meterValue"][0]["sampledValue"][0]["context"] == "Transaction.Begin"
    await visit.is_active(start_wh=visit.begin_wh, evse=1)


@case("TC_J_08_CSMS", *BOTH, basis="part 6")
async def sampled_when_the_evse_is_known(scene: Scene) -> None:
    await scene.booted()
    visit = await new_visit(scene)
    await visit.authorise()
    await visit.is_active(start_wh=None)
    await visit.plug_in()
    assert visit.told[1]["meterValue"][0]["sampledValue"][0]["context"] == "Transaction.Begin"
    await visit.charge()
    await visit.is_active(start_wh=visit.begin_wh, evse=1)


@case("TC_J_09_CSMS", *BOTH, basis="part 6")
async def sampled_on_the_way(scene: Scene) -> None:
    visit = await charging(scene)
    for _ in range(3):
        await visit.event("MeterValuePeriodic", context=PERIODIC)
        await visit.is_active(wh=visit.wh - visit.begin_wh)
    assert visit.wh > visit.begin_wh


@case("TC_J_10_CSMS", *BOTH, basis="part 6")
async def sampled_at_the_end(scene: Scene) -> None:
    await ended_with(scene, PERIODIC)


@case("TC_J_11_CSMS", *BOTH, basis="part 6")
async def sampled_signed(scene: Scene) -> None:
    await ended_with(scene, PERIODIC, proof=True)
