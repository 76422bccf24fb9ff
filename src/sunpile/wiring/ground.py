"""What every part of a node stands on."""

from dataclasses import dataclass

from sunpile.basics.ports import Clock
from sunpile.people.board import PowerBoard
from sunpile.people.feed import EventHub
from sunpile.settings import NodeSettings
from sunpile.store.accounts import AccountDatabase
from sunpile.store.chargers import StationStore
from sunpile.store.database import Database
from sunpile.store.sessions import SessionDatabase
from sunpile.store.tariffs import price_with
from sunpile.wiring.clock import ChoreClock, MachineClock, TownClock
from sunpile.wiring.folder import Folder
from sunpile.wiring.serving import shown_host


@dataclass(frozen=True)
class Ground:
    """Settings, folder, clock, database, live feed."""

    settings: NodeSettings
    folder: Folder
    clock: Clock
    chores: Clock
    """For what looks every few seconds: coarser in a simulated day."""
    database: Database
    hub: EventHub
    board: PowerBoard
    stations: StationStore
    sessions: SessionDatabase
    accounts: AccountDatabase

    @classmethod
    def open(cls, settings: NodeSettings, folder: Folder, clock: Clock, database: Database) -> "Ground":
        """The ground over a database that has this release's schema."""
        hub = EventHub()
        return cls(
            settings=settings,
            folder=folder,
            clock=clock,
            chores=clock if settings.clock == "machine" else ChoreClock(clock),
            database=database,
            hub=hub,
            board=PowerBoard(hub),
            stations=StationStore(database),
            sessions=SessionDatabase(database, price_with(settings.currency)),
            accounts=AccountDatabase(database),
        )

    def url(self) -> str:
        """Where people and stations reach the HTTP side."""
        settings = self.settings
        return settings.public_url or f"http://{shown_host(settings.host)}:{settings.http_port}"


async def clock_for(settings: NodeSettings) -> Clock:
    """The clock the settings ask for, running."""
    if settings.clock == "machine":
        return MachineClock()
    host, _, port = settings.clock.removeprefix("town://").rpartition(":")
    clock = TownClock(host, int(port), "node")
    await clock.join()
    return clock


def ocpp_url(settings: NodeSettings) -> str:
    """URL of the piles' door as others reach it, without the identity."""
    host = settings.server_names[0] if settings.server_names else shown_host(settings.host)
    if usual_profile(settings) == 2:
        return f"wss://{host}:{settings.ocpp_tls_port}/ocpp"
    return f"ws://{host}:{settings.ocpp_port}/ocpp"


def usual_profile(settings: NodeSettings) -> int:
    """Security profile of a new station, by the doors there are: with TLS, unless one without it is open."""
    if settings.ocpp_tls_port is not None and not settings.insecure_profiles:
        return 2
    return max(settings.insecure_profiles, default=1)
