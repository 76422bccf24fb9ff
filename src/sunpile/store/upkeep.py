"""Upkeep on the store: joins its services to their tables and the folder. Called by wiring, and by tests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sunpile.basics.audit import Audit
from sunpile.basics.ports import Clock
from sunpile.fleet.alarm import Alarm, Announce, Source
from sunpile.fleet.alerts import DAY_S, Finding
from sunpile.fleet.campaigns import Campaigns
from sunpile.fleet.configuration import Configuration
from sunpile.fleet.customers import Customers
from sunpile.fleet.files import FileLimits, Files
from sunpile.fleet.maintenance import Maintenance
from sunpile.fleet.reports import Extra, Reports
from sunpile.fleet.retention import RetentionDesk
from sunpile.fleet.station_desk import StationDesk
from sunpile.fleet.upkeep import Forget, Parts, Upkeep
from sunpile.fleet.upkeep_ports import Changed, LiveStations, Runs
from sunpile.store.alerts import AlertStore
from sunpile.store.certificates import CertificateDatabase
from sunpile.store.customers import CustomerStore
from sunpile.store.database import Database
from sunpile.store.device_model import DeviceModelStore
from sunpile.store.file_disk import FileDisk
from sunpile.store.firmware import CampaignStore
from sunpile.store.frame_log import FrameLog
from sunpile.store.report_schedules import ScheduleStore
from sunpile.store.retention import RetentionStore
from sunpile.store.samples import SampleLog
from sunpile.store.station_cards import StationCards
from sunpile.store.station_history import History
from sunpile.store.stored_files import FileStore

SOON_DAYS = 120
"""Certificates that end later are not looked at; rules say what is soon."""


@dataclass(frozen=True)
class Neighbours:
    """Who upkeep works with."""

    database: Database
    clock: Clock
    live: LiveStations
    runs: Runs
    audit: Audit
    changed: Changed
    folder: Path
    """Where files lie: `folder / "files"`."""
    secret: bytes
    """Signs one-time addresses; 32 random bytes that outlive the process."""
    base_url: Callable[[], str]
    """How stations reach the HTTP side, as https://host:port."""
    forget_frames: Forget
    """`StationStore.forget`."""
    announce: Announce | None = None
    """Tells webhooks: tenant, event, data."""
    sources: Mapping[str, Source] | None = None
    """More to look at for alerts, by kind."""
    reports: Mapping[str, Extra] | None = None
    """More reports, by name."""
    deviations: frozenset[str] = frozenset()
    """Names a leniency profile may hold."""
    limits: FileLimits | None = None
    period_s: int = 15
    """How often it looks [s]."""
    approve_above: int = 1
    """A campaign over more stations wants a second person."""


def expiring(certificates: CertificateDatabase, history: History) -> Source:
    """Stations' newest certificates that end soon, for alerts."""

    async def source(now: int) -> Sequence[Finding]:
        found: list[Finding] = []
        ending = await certificates.newest(None, now + SOON_DAYS * DAY_S)
        places = await history.places(sorted({one.station for one in ending if one.station}))
        for one in ending:
            place = places.get(one.station)
            if place is not None:
                days = max(0, (one.not_after - now) // DAY_S)
                words = f"{one.use} ends in {days} days"
                found.append(Finding(place[0], one.station, "certificate", one.use, days, words, place[1], place[2]))
        return found

    return source


@dataclass(frozen=True)
class UpkeepOnStore:
    """All of upkeep."""

    upkeep: Upkeep
    desk: StationDesk
    frames: FrameLog
    samples: SampleLog
    history: History
    configuration: Configuration
    alarm: Alarm
    maintenance: Maintenance
    files: Files
    campaigns: Campaigns
    reports: Reports
    customers: Customers
    retention: RetentionDesk

    @classmethod
    def open(cls, near: Neighbours) -> "UpkeepOnStore":
        """Join the parts."""
        database, clock, audit, runs = near.database, near.clock, near.audit, near.runs
        samples, history, alerts = SampleLog(database), History(database), AlertStore(database)
        book, disk, customer_book = FileStore(database), FileDisk(near.folder / "files"), CustomerStore(database)
        files = Files(book, disk, runs, audit, clock, near.secret, near.base_url, near.changed, near.limits)
        configuration = Configuration(DeviceModelStore(database), runs, audit, clock)
        alarm = Alarm(alerts, audit, clock, near.changed, near.announce)
        campaigns = Campaigns(
            CampaignStore(database), files, near.live, runs, audit, clock, near.changed, near.approve_above
        )
        maintenance = Maintenance(alerts, runs, audit, clock, near.changed)
        reports = Reports(history, alerts, ScheduleStore(database), files, audit, clock, near.reports)
        customers = Customers(customer_book, near.live, audit, clock)
        retention = RetentionDesk(RetentionStore(database), audit)
        forget: dict[str, Forget] = {
            "frames": near.forget_frames,
            "samples": samples.forget,
            "history": history.forget,
            "files": files.forget,
            "alerts": alerts.forget,
            "customers": customer_book.forget,
        }
        sources = {"certificate": expiring(CertificateDatabase(database), history)} | dict(near.sources or {})
        parts = Parts(
            near.live, history, samples, configuration, alarm, campaigns, maintenance, reports, customers, forget,
            sources,
        )  # fmt: skip
        upkeep = Upkeep(parts, clock, retention.get, near.period_s)
        desk = StationDesk(StationCards(database), near.live, audit, near.changed, alerts, near.deviations)
        return cls(
            upkeep, desk, FrameLog(database), samples, history, configuration, alarm, maintenance, files, campaigns,
            reports, customers, retention,
        )  # fmt: skip
