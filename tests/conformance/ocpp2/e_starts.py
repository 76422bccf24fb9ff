"""Block E, starts: a transaction begins at whichever point the station was set to."""

from conformance.ocpp2.states import Visit, authorize, connector, new_token, new_visit
from conformance.registry import case
from conformance.scene import Scene

BOTH = ("2.0.1", "2.1")


async def parked(scene: Scene) -> Visit:
    """A booted station whose driver has been let in and has plugged in; no transaction yet."""
    await scene.booted()
    visit = await new_visit(scene)
    await authorize(scene, visit.token)
    await connector(scene, 1, "Occupied")
    visit.plugged = visit.accepted = True
    return visit


async def accepted_start(visit: Visit, trigger: str, state: str | None = None, **more: object) -> None:
    """Tell the start with the token, which must be accepted."""
    answer = await visit.event(trigger, state, token=visit.token, **more)  # type: ignore[arg-type]
    assert answer["idTokenInfo"]["status"] == "Accepted", answer


@case("TC_E_01_CSMS", *BOTH, basis="part 6")
async def power_path_closed(scene: Scene) -> None:
    visit = await parked(scene)
    await accepted_start(visit, "ChargingStateChanged", "SuspendedEVSE")
    await visit.event("ChargingStateChanged", "Charging")
    await visit.is_active(evse=1, id_token=visit.token, authorised="Accepted", start_wh=visit.begin_wh)


@case("TC_E_02_CSMS", *BOTH, basis="part 6")
async def energy_transfer(scene: Scene) -> None:
    visit = await parked(scene)
    await accepted_start(visit, "ChargingStateChanged", "Charging")
    await visit.is_active(evse=1, id_token=visit.token, authorised="Accepted", start_wh=visit.begin_wh)


@case("TC_E_03_CSMS", *BOTH, basis="part 6")
async def cable_first(scene: Scene) -> None:
    await scene.booted()
    visit = await new_visit(scene)
    await visit.plug_in()
    await visit.is_active(authorised=None)
    await visit.authorise()
    await visit.charge()
    await visit.is_active(evse=1, authorised="Accepted", id_token=visit.token)
    await visit.unplug()
    await visit.is_over("EVDisconnected")


@case("TC_E_04_CSMS", *BOTH, basis="part 6")
async def authorisation_first(scene: Scene) -> None:
    await scene.booted()
    visit = await new_visit(scene)
    await visit.authorise()
    await visit.is_active(authorised="Accepted", id_token=visit.token)
    await visit.charge()
    await visit.is_active(evse=1, authorised="Accepted", id_token=visit.token)
    await visit.unplug()
    await visit.is_over("EVDisconnected")


@case("TC_E_09_CSMS", *BOTH, basis="part 6")
async def car_connected(scene: Scene) -> None:
    await scene.booted()
    visit = await new_visit(scene)
    assert "idTokenInfo" not in await visit.plug_in()
    await visit.is_active(evse=1, id_token=None, start_wh=visit.begin_wh)


@case("TC_E_10_CSMS", *BOTH, basis="part 6")
async def authorised(scene: Scene) -> None:
    await scene.booted()
    visit = await new_visit(scene)
    await visit.authorise()
    await visit.is_active(id_token=visit.token, authorised="Accepted", token_kind="ISO14443")


@case("TC_E_11_CSMS", *BOTH, basis="part 6")
async def data_signed(scene: Scene) -> None:
    visit = await parked(scene)
    visit.wh = visit.begin_wh = 0
    await accepted_start(visit, "SignedDataReceived", context="Transaction.Begin", proof=True)
    await visit.event("ChargingStateChanged", "Charging")
    session = await visit.is_active(evse=1, signed=True, start_wh=0)
    detail = await scene.operator.get(f"/api/sessions/{session['session']}/detail")
    assert len(detail["signed_values"]) == 1, detail["signed_values"]


@case("TC_E_12_CSMS", *BOTH, basis="part 6")
async def bay_occupied(scene: Scene) -> None:
    await scene.booted()
    visit = await new_visit(scene)
    await visit.event("EVDetected")
    await visit.is_active(id_token=None)
    await visit.charge()
    await visit.is_active(evse=1, authorised="Accepted")
    await visit.unplug()
    await visit.is_over("EVDisconnected")


@case("TC_E_38_CSMS", *BOTH, basis="part 6")
async def car_not_ready(scene: Scene) -> None:
    await scene.booted()
    visit = await new_visit(scene)
    await visit.authorise()
    await visit.plug_in()
    await visit.event("ChargingStateChanged", "SuspendedEV")
    await visit.is_active(evse=1, authorised="Accepted", wh=0)


@case("TC_E_53_CSMS", *BOTH, basis="part 6")
async def numbered_from_zero(scene: Scene) -> None:
    await scene.booted()
    token, ended = await new_token(scene), 10_000
    for turn in range(2):
        visit = Visit(scene, token, ago_s=200 - turn * 100, wh=ended, begin_wh=ended)
        await visit.charge()
        assert visit.told[0]["seqNo"] == 0
        await visit.unplug()
        ended = visit.wh
        await visit.is_over("EVDisconnected", first_seq=0)
