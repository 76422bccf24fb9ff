"""What an operator does with many stations: joined here, beside the piles' door."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from sunpile.basics.ids import StationId
from sunpile.control.ports import Energy
from sunpile.control.profile_book import ProfileBook
from sunpile.control.service import SiteControl
from sunpile.fleet.configuration import Configuration
from sunpile.fleet.runner import PlainRunner, Runner
from sunpile.fleet.station_desk import StationDesk
from sunpile.people.api import configuration, frames, operations, sites, stations
from sunpile.store.audit import AuditDatabase
from sunpile.store.device_model import DeviceModelStore
from sunpile.store.frame_log import FrameLog
from sunpile.store.installed_profiles import InstalledProfileStore
from sunpile.store.runs import RunDatabase
from sunpile.store.sites import SiteStore
from sunpile.store.station_cards import StationCards
from sunpile.wiring.ears import Ears
from sunpile.wiring.ground import Ground
from sunpile.wiring.piles import PileCommands


@dataclass(frozen=True)
class Running:
    """What runs at an EVSE, by the door's own state."""

    commands: PileCommands

    def running(self, station: StationId, evse: int) -> tuple[str, int] | None:
        """See `control.profile_book.Transactions`."""
        state = self.commands.state(station)
        if state is None:
            return None
        found = [transaction for transaction, where in state.transactions.items() if where == evse]
        return (found[0], state.last_seen or 0) if found else None


@dataclass
class FleetSide:
    """Runs, records, configuration, sites."""

    ground: Ground
    runner: Runner
    desk: StationDesk
    configuration: Configuration
    control: SiteControl
    profiles: ProfileBook
    audit: AuditDatabase

    @classmethod
    def open(cls, ground: Ground, commands: PileCommands, ears: Ears, energy: Energy) -> "FleetSide":
        """Join the parts; they hear stations through `ears`."""

        def changed(kind: str, data: Mapping[str, Any]) -> None:
            ground.hub.publish(kind, dict(data))

        audit = AuditDatabase(ground.database, ground.clock, changed)
        store = RunDatabase(ground.database)
        runner = Runner(commands, store, store, ground.clock, audit, changed)
        desk = StationDesk(StationCards(ground.database), commands, audit, changed)
        settings = Configuration(DeviceModelStore(ground.database), PlainRunner(runner), audit, ground.clock)
        control = SiteControl(SiteStore(ground.database), commands, energy, ground.clock, changed)
        kept = InstalledProfileStore(ground.database)
        profiles = ProfileBook(kept, commands, Running(commands), ground.clock)
        ears.told += [runner.told, settings.told]
        ears.hear.append(control.heard)
        commands.commanded += [profiles.commanded, settings.answered]
        return cls(ground, runner, desk, settings, control, profiles, audit)

    def routers(self) -> list[APIRouter]:
        """Their routes."""
        ground = self.ground
        return [
            operations.router(self.runner),
            stations.router(self.desk, ground.clock),
            configuration.router(self.configuration),
            frames.router(FrameLog(ground.database)),
            sites.router(SiteStore(ground.database), self.control, self.audit),
            sites.composite_router(self.profiles),
        ]

    def jobs(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs until the node stops."""
        return {"runs": self.runner.run(), "sites": self.control.run()}
