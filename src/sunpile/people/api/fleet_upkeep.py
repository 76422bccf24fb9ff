"""All routes of upkeep at once."""

from typing import Protocol

from fastapi import APIRouter

from sunpile.basics.ports import Clock
from sunpile.fleet.alarm import Alarm
from sunpile.fleet.campaigns import Campaigns
from sunpile.fleet.configuration import Configuration
from sunpile.fleet.customers import Customers
from sunpile.fleet.files import Files
from sunpile.fleet.maintenance import Maintenance
from sunpile.fleet.reports import Reports
from sunpile.fleet.retention import RetentionDesk
from sunpile.fleet.station_desk import StationDesk
from sunpile.fleet.upkeep_ports import CurveSource, EventSource, FrameSource
from sunpile.people.api import alerts, configuration, files, firmware, frames, reports, stations, upkeep


class UpkeepServices(Protocol):
    """What the routes are over; `store.upkeep.UpkeepOnStore` has all of it."""

    @property
    def desk(self) -> StationDesk: ...
    @property
    def frames(self) -> FrameSource: ...
    @property
    def samples(self) -> CurveSource: ...
    @property
    def history(self) -> EventSource: ...
    @property
    def configuration(self) -> Configuration: ...
    @property
    def alarm(self) -> Alarm: ...
    @property
    def maintenance(self) -> Maintenance: ...
    @property
    def files(self) -> Files: ...
    @property
    def campaigns(self) -> Campaigns: ...
    @property
    def reports(self) -> Reports: ...
    @property
    def customers(self) -> Customers: ...
    @property
    def retention(self) -> RetentionDesk: ...


def routers(served: UpkeepServices, clock: Clock, usual_profile: int = 1) -> list[APIRouter]:
    """Every router, for `create_app(more=...)`; new stations have the usual security profile, if none is said."""
    return [
        stations.router(served.desk, clock, usual_profile),
        frames.router(served.frames),
        configuration.router(served.configuration),
        alerts.router(served.alarm, served.maintenance),
        files.router(served.files),
        firmware.router(served.campaigns, served.files),
        reports.router(served.reports),
        upkeep.router(served.samples, served.history, served.retention, served.customers),
    ]
