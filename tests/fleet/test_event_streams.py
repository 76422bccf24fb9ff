"""Values of event streams get the names of their variables."""

from sunpile.basics.ids import StationId
from sunpile.chargers.commands import CommandResult, Monitor, SetMonitors, VariableName
from sunpile.chargers.notices import MonitorEvent, Notice, Question, Told
from sunpile.fleet.event_streams import STREAMS_MAX, EventStreams

S0 = StationId("S0")


async def test_a_value_is_named_by_the_monitor_of_its_stream_until_it_is_closed() -> None:
    streams, heard = EventStreams(), list[Notice]()

    async def tells(notice: Notice) -> None:
        heard.append(notice)

    told = streams.before(tells)
    row = {"status": "Accepted", "id": 7, "component": {"name": "EVSE"}, "variable": {"name": "Power"}}
    command = SetMonitors([Monitor(VariableName("Power", "EVSE"), "Periodic", 1000, 8)])
    await streams.commanded(S0, command, CommandResult("Accepted", True, "", {"setMonitoringResult": [row]}))
    data = {"id": 3, "variableMonitoringId": 7, "params": {}}
    assert await streams.asked(Question(S0, "OpenPeriodicEventStream", {"constantStreamData": data})) == {
        "status": "Accepted"
    }
    value = MonitorEvent(S0, 0, 100, "Stream", "11", "", "", monitor=3)
    await told(value)
    await told(Told(S0, "ClosePeriodicEventStream", {"id": 3}))
    await told(value)
    names = [(one.component, one.variable, one.monitor) for one in heard if isinstance(one, MonitorEvent)]
    assert names == [("EVSE", "Power", 7), ("Stream", "3", None)]


async def test_a_station_opens_no_end_of_streams() -> None:
    streams = EventStreams()
    answers = [
        await streams.asked(
            Question(S0, "OpenPeriodicEventStream", {"constantStreamData": {"id": n, "variableMonitoringId": 1}})
        )
        for n in range(STREAMS_MAX + 1)
    ]
    assert [answer["status"] for answer in answers if answer is not None].count("Accepted") == STREAMS_MAX
