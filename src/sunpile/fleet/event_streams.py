"""Periodic event streams of OCPP 2.1 (N11 to N15): opened by stations, and given the names of what they carry.

A stream's messages carry a number and values alone; which variable is meant was said when its monitor was set. What
is known is lost with the process: a station opens its streams again after its next start, and values that come before
are kept without a name.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

from sunpile.basics.ids import StationId
from sunpile.chargers.commands import Command, CommandResult, SetMonitors
from sunpile.chargers.notices import Answer, MonitorEvent, Notice, Question, Told

STREAMS_MAX = 200
"""Of one station."""
IsTold = Callable[[Notice], Awaitable[None]]


class EventStreams:
    """Which streams stations have open."""

    def __init__(self) -> None:
        self._monitors: dict[tuple[StationId, int], tuple[str, str]] = {}
        self._open: dict[StationId, dict[int, int]] = {}

    async def commanded(self, station: StationId, command: Command, result: CommandResult) -> None:
        """Learn which variable a monitor watches from the answer that names both."""
        if isinstance(command, SetMonitors):
            for row in cast("list[dict[str, Any]]", (result.data or {}).get("setMonitoringResult", [])):
                if row.get("status") == "Accepted" and "id" in row:
                    self._monitors[station, row["id"]] = (row["component"]["name"], row["variable"]["name"])

    async def asked(self, question: Question) -> Answer | None:
        """OpenPeriodicEventStream."""
        if question.action != "OpenPeriodicEventStream":
            return None
        data = question.payload["constantStreamData"]
        known = self._open.setdefault(question.station, {})
        if data["id"] not in known and len(known) >= STREAMS_MAX:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "TooMany"}}
        known[data["id"]] = data["variableMonitoringId"]
        return {"status": "Accepted"}

    def named(self, notice: Notice) -> Notice:
        """A stream's value with the name of its variable and the number of its monitor."""
        if not isinstance(notice, MonitorEvent) or notice.trigger != "Stream":
            return notice
        monitor = self._open.get(notice.station, {}).get(notice.monitor or 0)
        component, variable = self._monitors.get((notice.station, monitor or 0), ("Stream", str(notice.monitor)))
        return replace(notice, component=component, variable=variable, monitor=monitor)

    def before(self, tells: IsTold) -> IsTold:
        """`tells`, with streams' values named."""

        async def told(notice: Notice) -> None:
            if isinstance(notice, Told) and notice.action == "ClosePeriodicEventStream":
                self._open.get(notice.station, {}).pop(notice.payload["id"], None)
            await tells(self.named(notice))

        return told
