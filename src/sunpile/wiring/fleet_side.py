"""What an operator does with many stations: joined here, beside the piles' door."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from sunpile.basics.audit import Audit
from sunpile.basics.ids import EvseId, StationId
from sunpile.chargers.events import Booted, StationEvent
from sunpile.chargers.leniency import DEVIATIONS
from sunpile.control.car_talk import CarTalk
from sunpile.control.ports import Energy
from sunpile.control.profile_book import ProfileBook
from sunpile.control.service import SiteControl
from sunpile.fleet.alarm import Announce
from sunpile.fleet.event_streams import EventStreams
from sunpile.fleet.overview import OverviewDesk
from sunpile.fleet.run_model import Rules
from sunpile.fleet.runner import PlainRunner, Runner
from sunpile.people.api import fleet_upkeep, operations, overview, sites
from sunpile.store.installed_profiles import InstalledProfileStore
from sunpile.store.overview import OverviewStore
from sunpile.store.runs import RunDatabase
from sunpile.store.sites import SiteStore
from sunpile.store.upkeep import Neighbours, UpkeepOnStore
from sunpile.wiring.ears import Ears
from sunpile.wiring.ground import Ground, ocpp_url, usual_profile
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
        known = state.evses.get(EvseId(evse))
        if known is None or known.ocpp_transaction is None:
            return None
        return known.ocpp_transaction, known.transaction_at or state.last_seen or 0


@dataclass
class FleetSide:
    """Runs, upkeep, sites."""

    ground: Ground
    runner: Runner
    upkeep: UpkeepOnStore
    sites: SiteStore
    control: SiteControl
    profiles: ProfileBook
    audit: Audit
    overview: OverviewDesk

    @classmethod
    def open(
        cls,
        ground: Ground,
        commands: PileCommands,
        ears: Ears,
        audit: Audit,
        energy: Energy,
        secret: bytes,
        announce: Announce,
        announced: Callable[[str, Mapping[str, Any]], None],
    ) -> "FleetSide":
        """Join the parts; they hear stations through `ears`, and `announced` hears all that live pages do."""

        def changed(kind: str, data: Mapping[str, Any]) -> None:
            ground.hub.publish(kind, data)
            announced(kind, data)

        database, clock = ground.database, ground.chores
        store = RunDatabase(database)
        settings = ground.settings
        rules = Rules(approve_above=settings.approve_above, approve_dangerous_above=settings.approve_dangerous_above)
        runner = Runner(commands, store, store, clock, audit, changed, rules)
        upkeep = UpkeepOnStore.open(
            Neighbours(
                database=database,
                clock=clock,
                live=commands,
                runs=PlainRunner(runner),
                audit=audit,
                changed=changed,
                folder=ground.folder.path,
                secret=secret,
                base_url=ground.url,
                forget_frames=ground.stations.forget,
                announce=announce,
                deviations=frozenset(deviation.id for deviation in DEVIATIONS),
            )
        )
        site_book, running = SiteStore(database), Running(commands)
        control = SiteControl(site_book, commands, energy, clock, changed)
        installed = InstalledProfileStore(database)
        profiles = ProfileBook(installed, commands, running, clock)

        async def came(event: StationEvent) -> None:
            if isinstance(event, Booted):
                await runner.connected(event.station)

        cars = CarTalk(control, commands, running, installed, clock)
        streams = EventStreams()
        ears.answer += [cars.asked, profiles.asked, streams.asked]
        ears.on_transaction.append(cars.transaction)
        ears.told += [runner.told, streams.before(upkeep.upkeep.told), cars.told]
        ears.hear += [control.heard, upkeep.upkeep.heard, came]
        commands.commanded += [profiles.commanded, upkeep.upkeep.answered, streams.commanded, cars.commanded]
        first_look = OverviewDesk(OverviewStore(database), commands, clock, settings.time_zone)
        return cls(ground, runner, upkeep, site_book, control, profiles, audit, first_look)

    def routers(self) -> list[APIRouter]:
        """Their routes."""
        return [
            operations.router(self.runner),
            overview.router(self.overview, ocpp_url(self.ground.settings)),
            *fleet_upkeep.routers(self.upkeep, self.ground.clock, usual_profile(self.ground.settings)),
            sites.router(self.sites, self.control, self.audit),
            sites.composite_router(self.profiles, self.audit),
        ]

    def jobs(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs until the node stops."""
        return {"runs": self.runner.run(), "sites": self.control.run(), "upkeep": self.upkeep.upkeep.run()}

    async def stop(self) -> None:
        """End runs where they are, and write what waits."""
        await self.runner.stop()
        await self.upkeep.samples.flush()
