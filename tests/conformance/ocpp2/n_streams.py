"""Periodic event streams (block N of 2.1: N11 to N15)."""

from conformance.ocpp2.l_firmware import alerts
from conformance.ocpp2.n_monitoring import POWER_NAME, set_monitors
from conformance.ocpp2.states import moment, operate, until
from conformance.ocpp16.acts import done, rejected
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

STREAM = "N11, N15; schemas of SetVariableMonitoring, OpenPeriodicEventStream and NotifyPeriodicEventStream"


async def opened(scene: Scene, stream: int = 3, interval: int = 5) -> Payload:
    """The operator sets a monitor with a stream, and the station opens it."""
    params = {"interval": interval, "values": 2}
    wish = {"name": POWER_NAME, "kind": "Periodic", "value_milli": 1_000, "severity": 8, "stream": params}
    seen = await set_monitors(scene, wish)
    monitor = seen["data"]["setMonitoringResult"][0]["id"]
    data = {"id": stream, "variableMonitoringId": monitor, "params": params}
    answer = await scene.station.call("OpenPeriodicEventStream", {"constantStreamData": data})
    assert answer == {"status": "Accepted"}
    return data


async def values(scene: Scene) -> list[tuple[str, str, int | None]]:
    """Values of monitors the operator sees: name, value, monitor; oldest first."""
    rows = await scene.operator.get(f"/api/stations/{scene.station.identity}/events?kind=monitor")
    return [(row["name"], row["value"], row["detail"].get("monitor")) for row in reversed(rows)]


async def told(scene: Scene, stream: int, *numbers: str) -> None:
    """The station sends values of a stream, which nobody acknowledges."""
    rows = [{"t": float(place), "v": number} for place, number in enumerate(numbers)]
    payload = {"id": stream, "pending": 0, "basetime": moment(60), "data": rows}
    await scene.station.tell("NotifyPeriodicEventStream", payload)


@case("TC_N_105_CSMS", "2.1", basis=STREAM)
async def frequent_periodic(scene: Scene) -> None:
    await scene.booted()
    monitor = (await opened(scene))["variableMonitoringId"]
    await told(scene, 3, "7000", "7100")
    wanted = [("EVSE.Power", "7000", monitor), ("EVSE.Power", "7100", monitor)]
    await until(lambda: values(scene), lambda found: found == wanted)
    assert await alerts(scene, "monitor") == []
    # The connection goes on as before; closed, the stream has no name any more.
    assert await scene.station.call("ClosePeriodicEventStream", {"id": 3}) == {}
    await told(scene, 3, "7200")
    await until(lambda: values(scene), lambda found: found == [*wanted, ("Stream.3", "7200", None)])


@case("TC_N_107_CSMS", "2.1", basis="N12, N14; schemas of GetPeriodicEventStream and AdjustPeriodicEventStream")
async def get_streams(scene: Scene) -> None:
    await scene.booted()
    data = [await opened(scene, stream) for stream in (3, 4)]
    answer = {"constantStreamData": data}
    sent, seen = await operate(scene, "get-event-streams", "GetPeriodicEventStream", answer)
    assert sent == {}
    done(seen)
    assert seen["data"] == answer
    sent, seen = await operate(scene, "get-event-streams", "GetPeriodicEventStream", {})
    done(seen)
    assert seen["data"] is None
    for status, check in (("Accepted", done), ("Rejected", rejected)):
        wish = {"stream": 3, "interval_s": 10, "values": 5}
        action = "AdjustPeriodicEventStream"
        sent, seen = await operate(scene, "adjust-event-stream", action, {"status": status}, **wish)
        assert sent == {"id": 3, "params": {"interval": 10, "values": 5}}
        check(seen, status)
