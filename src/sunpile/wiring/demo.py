"""The demo: a town, its clock, a node and four members, for one day; then the page stays."""

import asyncio
import contextlib
import json
import socket
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sunpile.basics.errors import Unreachable
from sunpile.chain.rpc import Rpc
from sunpile.people.cli.commands import DemoResult, DemoWish, Progress
from sunpile.settings import NodeSettings
from sunpile.store.chain import Events
from sunpile.store.database import Database
from sunpile.store.settlement import SettlementStore
from sunpile.town.scenario import Scenario
from sunpile.town.town import Progress as TownProgress
from sunpile.town.town import Town, TownReport
from sunpile.wiring import init
from sunpile.wiring.clock import StillClock
from sunpile.wiring.folder import Folder
from sunpile.wiring.market_reader import MarketReader
from sunpile.wiring.node_client import node_info
from sunpile.wiring.reconcile import Reconciler
from sunpile.wiring.serving import listen
from sunpile.wiring.summary import Day, dump
from sunpile.wiring.supervisor import Supervisor

SEATS = 4
START_SECONDS = 300.0


@dataclass(frozen=True)
class DemoPlan:
    """What to play and where to put it."""

    scenario: Scenario
    folder: Path | None = None
    """Where everything is kept; None = a fresh temporary folder."""
    port: int = 0
    """Port of the page; 0 = any free one."""
    exit: bool = True
    """End after the day instead of serving on."""
    json_file: Path | None = None
    dump: Path | None = None
    settings: dict[str, object] = field(default_factory=dict[str, object])
    """Further settings of the node."""

    @classmethod
    def of(cls, wish: DemoWish) -> "DemoPlan":
        """The plan a command line asks for."""
        return cls(
            scenario=Scenario(
                seed=wish.seed,
                intervals=wish.intervals,
                houses=wish.houses,
                piles=wish.piles,
                batteries=wish.batteries,
            ),
            folder=wish.folder,
            port=wish.port,
            exit=wish.exit,
            json_file=wish.json_file,
            dump=wish.dump,
            settings={"database": wish.database} if wish.database else {},
        )


@dataclass
class Stage:
    """A demo under way: what tests and the command line look at."""

    town: Town
    folder: Folder
    settings: NodeSettings
    supervisor: Supervisor
    page: str
    """URL of the live page."""
    started: float
    report: TownReport | None = None

    async def play(self, on_progress: Callable[[TownProgress], None]) -> TownReport:
        """Let the town join and live its day.

        Raises
        ------
        Unreachable
            if the node or a member cannot be kept running.
        """
        ocpp = f"ws://127.0.0.1:{self.settings.ocpp_port}/ocpp"
        token = self.folder.admin_token()
        day = asyncio.create_task(self.town.run(self.page, ocpp, self.settings.members, token, on_progress))
        broken = asyncio.create_task(self.supervisor.given_up.wait())
        try:
            await asyncio.wait({day, broken}, return_when=asyncio.FIRST_COMPLETED)
            if not day.done():
                self.supervisor.check()
            self.report = await day
        finally:
            broken.cancel()
            # A town that lives on while its sockets are closed under it would never end.
            day.cancel()
            await asyncio.gather(day, return_exceptions=True)
        return self.report

    async def books(self) -> dict[str, Any]:
        """Figures of the day, and how many differences reconciliation finds."""
        async with self.opened() as (store, _reader, reconciler):
            zone = reconciler.zone
            figures = (await Day.read(store, zone)).figures()
            differences = await reconciler.differences()
            points = len(await store.points(zone))
        return {
            **figures,
            "intervals": self.town.scenario.intervals,
            "points": points,
            "reconcile_differences": len(differences),
            "differences": [f"{d.what}: store {d.store}, chain {d.chain}" for d in differences[:20]],
            "currency": self.settings.currency,
            "seed": self.town.scenario.seed,
            "page": self.page,
        }

    async def dump(self, folder: Path) -> None:
        """Write the open books."""
        async with self.opened() as (store, reader, reconciler):
            await dump(folder, store, reader, reconciler.zone)

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncGenerator[tuple[SettlementStore, MarketReader, Reconciler], None]:
        """The node's store, read beside it, and its chain through its own door."""
        async with open_books(self.settings, self.folder, f"{self.page}/rpc") as found:
            yield found


@contextlib.asynccontextmanager
async def open_books(
    settings: NodeSettings, folder: Folder, rpc_url: str
) -> AsyncGenerator[tuple[SettlementStore, MarketReader, Reconciler], None]:
    """A node's store and chain, to read and compare."""
    deployment = folder.deployment()
    contracts = deployment.contracts()
    database = Database(folder.database_url(settings.database))
    rpc = Rpc(rpc_url)
    try:
        store = SettlementStore(database)
        reader = MarketReader(rpc, contracts, deployment.chain_id)
        zone = init.zone_of(deployment)
        reconciler = Reconciler(zone, deployment.tree, store, Events(database), contracts, rpc, reader)
        yield store, reader, reconciler
    finally:
        await rpc.close()
        database.close()


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on just now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [int(sock.getsockname()[1]) for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()


async def _nothing(_folder: Folder) -> None:
    pass


@contextlib.asynccontextmanager
async def staged(
    plan: DemoPlan,
    say: Callable[[str], None] = lambda _text: None,
    prepared: Callable[[Folder], Awaitable[None]] = _nothing,
) -> AsyncGenerator[Stage, None]:
    """A town with its clock, and a node and members that run and wait for it.

    `prepared` is called when the keys are made and nothing is deployed yet: on a foreign chain they need coin.
    """
    started = time.monotonic()
    # Looked at first: the node finds out much later, and whoever holds the port might even answer in its place.
    listen("127.0.0.1", plan.port, "the page").close()
    with contextlib.ExitStack() as stack:
        path = plan.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sunpile-")))
        say("laying out the town")
        town = await asyncio.to_thread(Town, plan.scenario)
        clock_port = await town.open()
        folder, settings = _make(plan, path, clock_port)
        await prepared(folder)
        await init.deploy(settings, folder, StillClock(plan.scenario.begin), say)
        supervisor = Supervisor(path)
        page = f"http://127.0.0.1:{settings.http_port}"
        try:
            say("starting the node and the council")
            await _start_all(supervisor, folder, page)
            yield Stage(town, folder, settings, supervisor, page, started)
        finally:
            await town.close()
            await supervisor.stop()


def _make(plan: DemoPlan, path: Path, clock_port: int) -> tuple[Folder, NodeSettings]:
    http, ocpp, *members = free_ports(2 + SEATS)
    scenario = plan.scenario
    settings: dict[str, object] = {
        "http_port": plan.port or http,
        "ocpp_port": ocpp,
        "clock": f"town://127.0.0.1:{clock_port}" if scenario.wait else "machine",
        "interval_length": scenario.length,
        "grace": min(60, scenario.length),
        "genesis_time": scenario.begin,
        "retail_cap": scenario.retail_cap,
        "sample_interval": min(scenario.sample_s, scenario.length),
        "live_poll": min(300, scenario.length),
        "open_town": True,
        "sandbox": True,
        "insecure_profiles": [1],
        "time_zone": "Europe/Amsterdam",
        **plan.settings,
    }
    new = init.NewNode(path, settings, members, f"http://127.0.0.1:{settings['http_port']}", quick_keys=True)
    folder = init.make_folder(new)
    return folder, NodeSettings.load(path)


async def _start_all(supervisor: Supervisor, folder: Folder, page: str) -> None:
    program = [sys.executable, "-m", "sunpile"]
    await supervisor.start("node", [*program, "node", "--folder", str(folder.path)])
    for seat in range(SEATS):
        await supervisor.start(f"member-{seat}", [*program, "member", "--folder", str(folder.member(seat))])
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(Unreachable):
            await node_info(page)
            return
        supervisor.check()
        if time.monotonic() > deadline:
            raise Unreachable(f"the node did not start; it last said: {supervisor.children['node'].tail()}")
        await asyncio.sleep(0.1)


async def play(
    plan: DemoPlan, progress: Progress, shown: Callable[[DemoResult], None], stop: asyncio.Event
) -> DemoResult:
    """The whole demo: stage it, play the day, show its figures, serve on until `stop`."""
    async with staged(plan, progress.say) as stage:
        progress.say(f"the page is at {stage.page}")

        def moved(at: TownProgress) -> None:
            progress.step(at.intervals, at.of, at.stage)

        day = asyncio.create_task(stage.play(moved))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({day, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not day.done():
            day.cancel()
            await asyncio.gather(day, return_exceptions=True)
            raise KeyboardInterrupt
        await day
        summary = await stage.books()
        summary["wall_s"] = round(time.monotonic() - stage.started, 1)
        result = DemoResult(summary, _whole(summary))
        if plan.dump:
            await stage.dump(plan.dump)
        if plan.json_file:
            plan.json_file.write_text(json.dumps(summary, indent=1) + "\n")
        shown(result)
        if not plan.exit:
            progress.say("serving on; Ctrl-C ends it")
            await stopping
        stopping.cancel()
        return result


def _whole(summary: dict[str, Any]) -> bool:
    settled = summary["intervals_settled"] == summary["intervals"]
    return settled and not summary["reconcile_differences"] and not summary["worse_off"]
