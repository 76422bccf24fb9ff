"""Block G, availability: statuses, taking into and out of service, faults of a connector."""

from typing import Any

from conformance.ocpp2.states import Visit, charging, connector, event_row, notify_event, operate, shows, until
from conformance.registry import case
from conformance.scene import Scene

BOTH = ("2.0.1", "2.1")
STATES = ("Occupied", "Reserved", "Unavailable", "Faulted", "Available")


@case("TC_G_01_CSMS", *BOTH, basis="G01; schemas of StatusNotification and NotifyEvent (AvailabilityState)")
async def statuses(scene: Scene) -> None:
    await scene.booted()
    for status in STATES:
        await scene.status(1, status)
        await shows(scene, 1, status)
        await notify_event(scene, event_row("Connector", "AvailabilityState", status, 2))
        await shows(scene, 2, status)


async def change(
    scene: Scene, operative: bool, status: str = "Accepted", evse: int | None = None, connector: int | None = None
) -> None:
    """Have the operator change the availability of a station, an EVSE or a connector, and check what is sent."""
    where: dict[str, Any] = {"operative": operative}
    wanted: dict[str, Any] = {"operationalStatus": "Operative" if operative else "Inoperative"}
    if evse is not None:
        where["evse"], wanted["evse"] = evse, {"id": evse}
    if connector is not None:
        where["connector"], wanted["evse"] = connector, {"id": evse, "connectorId": connector}
    sent, seen = await operate(scene, "change-availability", "ChangeAvailability", {"status": status}, **where)
    assert sent == wanted, sent
    assert (seen["state"], seen["status"]) == ("done", status), seen


async def tell(scene: Scene, status: str, *evses: int) -> None:
    """Tell the connectors' state, which the operator then sees."""
    for evse in evses:
        await connector(scene, evse, status)
    for evse in evses:
        await shows(scene, evse, status)


async def out_of_service(scene: Scene, evse: int | None, connector: int | None = None) -> None:
    """Unavailable."""
    await scene.booted()
    await change(scene, False, evse=evse, connector=connector)
    await tell(scene, "Unavailable", *((evse,) if evse else (1, 2)))
    if evse:
        await shows(scene, 2, "Available")


async def back_in_service(scene: Scene, evse: int | None, connector: int | None = None) -> None:
    """Unavailable, and Available again."""
    await out_of_service(scene, evse, connector)
    await change(scene, True, evse=evse, connector=connector)
    await tell(scene, "Available", *((evse,) if evse else (1, 2)))


@case("TC_G_03_CSMS", *BOTH, basis="part 6")
async def evse_off(scene: Scene) -> None:
    await out_of_service(scene, 1)


@case("TC_G_04_CSMS", *BOTH, basis="part 6")
async def evse_on(scene: Scene) -> None:
    await back_in_service(scene, 1)


@case("TC_G_05_CSMS", *BOTH, basis="part 6")
async def station_off(scene: Scene) -> None:
    await out_of_service(scene, None)


@case("TC_G_06_CSMS", *BOTH, basis="part 6")
async def station_on(scene: Scene) -> None:
    await back_in_service(scene, None)


@case("TC_G_07_CSMS", *BOTH, basis="part 6")
async def connector_off(scene: Scene) -> None:
    await out_of_service(scene, 1, 1)


@case("TC_G_08_CSMS", *BOTH, basis="part 6")
async def connector_on(scene: Scene) -> None:
    await back_in_service(scene, 1, 1)


async def finished(visit: Visit) -> None:
    """The charge under way goes on to its end, although its EVSE is to go out of service."""
    await visit.is_active()
    await visit.unplug()
    await visit.is_over("EVDisconnected")


@case("TC_G_11_CSMS", *BOTH, basis="part 6")
async def evse_off_later(scene: Scene) -> None:
    visit = await charging(scene)
    await change(scene, False, "Scheduled", evse=1)
    await finished(visit)
    await tell(scene, "Unavailable", 1)


@case("TC_G_14_CSMS", *BOTH, basis="part 6")
async def station_off_later(scene: Scene) -> None:
    visit = await charging(scene)
    await change(scene, False, "Scheduled")
    await tell(scene, "Unavailable", 2)
    await finished(visit)
    await tell(scene, "Unavailable", 1)


@case("TC_G_17_CSMS", *BOTH, basis="part 6")
async def connector_off_later(scene: Scene) -> None:
    visit = await charging(scene)
    await change(scene, False, "Scheduled", evse=1, connector=1)
    await finished(visit)
    await tell(scene, "Unavailable", 1)


@case("TC_G_20_CSMS", *BOTH, basis="part 6")
async def lock_failure(scene: Scene) -> None:
    await scene.booted()
    await notify_event(scene, event_row("ConnectorPlugRetentionLock", "Problem", "true", 1))
    name = "ConnectorPlugRetentionLock@1.1.Problem"
    events = await scene.operator.get(f"/api/stations/{scene.station.identity}/events")
    assert [(event["name"], event["value"]) for event in events if event["kind"] == "monitor"] == [(name, "true")]

    async def alerts() -> list[tuple[str, str]]:
        found = await scene.operator.get(f"/api/alerts?station={scene.station.identity}")
        return [(one["subject"], one["state"]) for one in found]

    await until(alerts, lambda found: (name, "open") in found)
