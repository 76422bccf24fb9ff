"""Block P, vendors' own messages and data."""

from conformance.ocpp2.states import charging, shows
from conformance.registry import case
from conformance.scene import Scene, now

BOTH = ("2.0.1", "2.1")
CUSTOM = {"vendorId": "org.example", "mood": {"of": ["the", "station"], "level": 3}}


@case("TC_P_02_CSMS", *BOTH, basis="part 6")
async def unknown_vendor(scene: Scene) -> None:
    await scene.booted()
    asked = {"vendorId": "org.example", "messageId": "HowAreYou", "data": "well"}
    answer = await scene.station.call("DataTransfer", asked)
    assert answer["status"] in ("UnknownVendorId", "UnknownMessageId", "Rejected"), answer


@case("TC_P_03_CSMS", *BOTH, basis="part 6")
async def custom_data(scene: Scene) -> None:
    visit = await charging(scene)
    status = {"timestamp": now(), "connectorStatus": "Occupied", "evseId": 2, "connectorId": 1, "customData": CUSTOM}
    assert await scene.station.call("StatusNotification", status) == {}
    await shows(scene, 2, "Occupied")
    await visit.event("MeterValuePeriodic", context="Sample.Periodic", info={"customData": CUSTOM}, customData=CUSTOM)
    await visit.is_active(wh=visit.wh - visit.begin_wh)
    await visit.unplug(customData=CUSTOM)
    await visit.is_over("EVDisconnected")
