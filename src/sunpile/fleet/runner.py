"""Carries runs out: keeps each step, asks stations, hears their notices, goes on after a crash where it stopped."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from sunpile.basics.audit import Audit
from sunpile.basics.errors import Conflict, InputInvalid, NotFound, PileUnreachable, TooMany
from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import SetVariables
from sunpile.chargers.notices import Notice, Progress, ReportPart
from sunpile.fleet import run_words
from sunpile.fleet.budget import HOUR_S, Budget
from sunpile.fleet.catalogue import Operation, command_of, operation_named, refuse_secrets, shown
from sunpile.fleet.run import Run, begin_state, decide, wants_approval
from sunpile.fleet.run_events import (
    Approved,
    Begun,
    Cancelled,
    Connected,
    Effects,
    Event,
    Reported,
    Resumed,
    Retried,
    Tick,
    Told,
)
from sunpile.fleet.run_model import OPEN, Header, Item, Options, Rules
from sunpile.fleet.run_ports import Arguments, Commands, Fleet, RunStore, Selection

log = logging.getLogger(__name__)
ROWS_MAX = 20_000
"""Rows of one station's report that are kept."""
LOOK_S = 5
"""How often those that are waited for are looked for, should nobody tell that they connected [s]."""
NUMBERS = 2**31 - 2**10
_OPTIONS: TypeAdapter[Options] = TypeAdapter(Options)


def options_of(given: Mapping[str, Any]) -> Options:
    """Options from JSON.

    Raises
    ------
    InputInvalid
        naming what is wrong.
    """
    try:
        return _OPTIONS.validate_json(orjson.dumps(given), strict=True)
    except ValidationError as fault:
        first = fault.errors()[0]
        raise InputInvalid(f"options.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


class Runner:
    """The service behind every operation."""

    def __init__(
        self,
        commands: Commands,
        fleet: Fleet,
        store: RunStore,
        clock: Clock,
        audit: Audit,
        changed: Callable[[str, dict[str, Any]], None] = lambda _kind, _data: None,
        rules: Rules | None = None,
        below: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._commands, self._fleet, self._store, self._clock = commands, fleet, store, clock
        self._audit, self._changed, self._below = audit, changed, below
        self.rules = rules or Rules()
        self._live: dict[str, Run] = {}
        self._budgets: dict[str, Budget] = {}
        self._unsaved: dict[str, dict[str, Item]] = {}
        self._said: dict[str, tuple[int, str]] = {}
        self._ended: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._looked_at = 0
        self._loading: asyncio.Task[None] | None = None

    # -- what staff want ------------------------------------------------------------------------------------------

    async def start(
        self,
        scope: Scope,
        operation: str,
        arguments: Arguments,
        selection: Selection,
        options: Options | None = None,
        key: str | None = None,
    ) -> Header:
        """Begin a run; it goes on by itself. With `key` the same wish again is the same run.

        Raises
        ------
        Forbidden
            without the operation's permission.
        NotFound
            if there is no such operation, or a station is not the tenant's.
        InputInvalid
            if arguments are wrong, or nobody is selected.
        Conflict
            if the key came with another wish.
        """
        await self._ready()
        what = operation_named(operation)
        scope.need(what.permission)
        command = command_of(what, arguments, 1)
        if isinstance(command, SetVariables):
            refuse_secrets(command.values)
        options = options or Options()
        targets = await self._fleet.select(scope, selection)
        if not targets:
            raise InputInvalid("no station is selected")
        if len(targets) > self.rules.stations_max:
            raise TooMany(f"a run is over at most {self.rules.stations_max} stations")
        header = begin_state(self._header(scope, what, arguments, options, len(targets)))
        items = [
            Item(
                target.station,
                target.max_w if what.loads else 0,
                self._below(options.spread_s + 1) if options.spread_s else 0,
                changed_at=header.created_at,
            )
            for target in targets
        ]
        run = Run(header, items, what)
        wish = run_words.body_hash(operation, dict(arguments), asdict(selection), asdict(options))
        made = await self._store.create(run.snapshot(), items, key, wish)
        if made != header.run:
            return (await self._store.load(scope, made))[0]
        after = {"operation": operation, "arguments": shown(dict(arguments)), "stations": len(items)}
        after |= {"station": items[0].station} if len(items) == 1 else {}
        action = "run.start" if header.state == "running" else "run.ask"
        await self._audit.record(scope, action, f"run:{header.run}", None, after, options.note)
        if run.alive:
            self._live[header.run] = run
            self._wake.set()
            await self._mind(run, look=False)
        return run.snapshot()

    def _header(self, scope: Scope, what: Operation, arguments: Arguments, options: Options, total: int) -> Header:
        moments = [value for name in ("retrieve_at", "install_at") if isinstance(value := arguments.get(name), int)]
        return Header(
            secrets.token_hex(8),
            scope.tenant,
            what.name,
            dict(arguments),
            options,
            1 + self._below(NUMBERS),
            scope.signature,
            self._clock.now(),
            total,
            works_from=max(moments, default=0),
            state="draft" if options.draft else "running",
            wants_approval=wants_approval(what, total, self.rules),
        )

    async def ask(
        self,
        scope: Scope,
        station: str,
        operation: str,
        arguments: Arguments,
        seconds: float = 60,
        key: str | None = None,
    ) -> tuple[Header, Item]:
        """Ask one station and wait for what comes of it, at most so long; a longer one goes on and can be looked at.

        Raises
        ------
        TooMany
            if the tenant's budget of this hour is spent.
        """
        await self._ready()
        if not self._budget(scope.tenant).room(self._clock.now(), 0):
            raise TooMany("the commands of this hour are spent; the budget is a setting of the node")
        header = await self.start(scope, operation, arguments, Selection((station,)), key=key)
        run = self._live.get(header.run)
        if run is not None and run.header.state == "running":
            ended = self._ended.setdefault(header.run, asyncio.Event())
            try:
                await asyncio.wait_for(ended.wait(), seconds)
            except TimeoutError:
                log.info("run %s goes on after its asker stopped waiting", header.run)
        header, items = await self._look(scope, header.run)
        return header, items[0]

    async def begin(self, scope: Scope, run: str) -> Header:
        """Carry a draft out."""
        return await self._staff(scope, run, "run.begin", Begun)

    async def approve(self, scope: Scope, run: str) -> Header:
        """Give the second yes.

        Raises
        ------
        Forbidden
            without the permission, or to whoever started it.
        Conflict
            if it waits for none.
        """
        scope.need("approve")
        return await self._staff(scope, run, "run.approve", Approved)

    async def cancel(self, scope: Scope, run: str) -> Header:
        """Ask no further station; those that are at it go on."""
        return await self._staff(scope, run, "run.cancel", Cancelled)

    async def retry(self, scope: Scope, run: str) -> Header:
        """Ask those again that failed, were not reached or not asked."""
        return await self._staff(scope, run, "run.retry", Retried)

    async def _staff(
        self, scope: Scope, run_id: str, action: str, kind: type[Begun | Approved | Cancelled | Retried]
    ) -> Header:
        await self._ready()
        run = self._live.get(run_id)
        if run is None or run.header.tenant != scope.tenant:
            header, items = await self._store.load(scope, run_id)
            run = self._live.get(run_id) or Run(header, items, operation_named(header.operation))
        if kind is not Approved:
            scope.need(run.operation.permission)
        before = run.header.state
        effects = decide(run, kind(self._clock.now(), scope.signature))
        self._live[run_id] = run
        await self._audit.record(scope, action, f"run:{run_id}", {"state": before}, {"state": run.header.state})
        await self._carry_out(run, effects)
        if run.alive:
            self._wake.set()
            await self._mind(run, look=False)
        return run.snapshot()

    # -- looking --------------------------------------------------------------------------------------------------

    async def header(self, scope: Scope, run: str) -> Header:
        """A run of the tenant."""
        live = self._live.get(run)
        if live is not None and live.header.tenant == scope.tenant:
            return live.snapshot()
        return (await self._store.load(scope, run))[0]

    async def _look(self, scope: Scope, run: str) -> tuple[Header, Sequence[Item]]:
        live = self._live.get(run)
        if live is not None and live.header.tenant == scope.tenant:
            return live.snapshot(), list(live.items.values())
        return await self._store.load(scope, run)

    async def headers(self, scope: Scope, limit: int, before: int | None, fleet: bool) -> Sequence[Header]:
        """See `RunStore.headers`."""
        return await self._store.headers(scope, limit, before, fleet)

    async def items(self, scope: Scope, run: str, state: str | None, after: str, limit: int) -> Sequence[Item]:
        """See `RunStore.items`; of a live run as they are now, so that they agree with its header."""
        live = self._live.get(run)
        if live is None or live.header.tenant != scope.tenant:
            return await self._store.items(scope, run, state, after, limit)
        known = [item for item in live.items.values() if item.station > after and state in (None, item.state)]
        return sorted(known, key=lambda item: item.station)[:limit]

    async def item(self, scope: Scope, run: str, station: str) -> Item:
        """One station of a run.

        Raises
        ------
        NotFound
            if the run is not the tenant's, or not about the station.
        """
        _, items = await self._look(scope, run)
        for item in items:
            if item.station == station:
                return item
        raise NotFound(f"run {run} is not about station {station}")

    async def rows(self, scope: Scope, run: str, station: str, limit: int = ROWS_MAX) -> Sequence[dict[str, Any]]:
        """See `RunStore.rows`."""
        return await self._store.rows(scope, run, station, limit)

    # -- what stations do -----------------------------------------------------------------------------------------

    async def told(self, notice: Notice) -> None:
        """A station told something; returns when what it means for a run is durable."""
        if not isinstance(notice, Progress | ReportPart):
            return
        await self._ready()
        now = self._clock.now()
        if isinstance(notice, Progress):
            run = self._whose(notice.station, notice.work, notice.request)
            event = run_words.told(notice, now)
            if run is not None and event is not None:
                await self._act(run, event)
            return
        run = self._whose(notice.station, notice.report, notice.request)
        if run is None:
            return
        item = run.items[notice.station]
        if item.rows < ROWS_MAX:
            part = item.parts if notice.part is None else notice.part
            await self._store.keep_part(run.header.run, notice.station, item.attempt, part, notice.rows)
        await self._act(run, Reported(now, notice.station, notice.part, notice.last, len(notice.rows)))

    def _whose(self, station: str, work: str, request: int | None) -> Run | None:
        """The run that a notice is about, the newest if it carries no number."""
        for run in reversed(self._live.values()):
            item = run.items.get(station)
            if item is None or not item.attempt or run.operation.ends != work:
                continue
            number = run.header.arguments.get("request", run.number(item))
            if request == number or (request is None and (item.state in OPEN or item.state == "timed out")):
                return run
        return None

    async def _give_way(self, newer: Run, station: str) -> None:
        """A station dropped what it was at for the work of `newer`; of firmware it says no word more (L01.FR.24)."""
        for run in list(self._live.values()):
            if run is not newer and run.operation.ends == newer.operation.ends and station in run.flying:
                reason = "a newer request took its place"
                await self._act(run, Told(self._clock.now(), station, "failed", "AcceptedCanceled", reason))

    async def connected(self, station: str) -> None:
        """A station's connection stands: runs that wait for it ask it."""
        await self._ready()
        for run in list(self._live.values()):
            if station in run.waiting:
                await self._act(run, Connected(self._clock.now(), station))
                await self._tick(run)

    # -- the work -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Carry runs out until cancelled."""
        await self._ready()
        while True:
            self._wake.clear()
            with self._clock.work():
                now = self._clock.now()
                look = now >= self._looked_at + LOOK_S
                self._looked_at = now if look else self._looked_at
                for run in list(self._live.values()):
                    await self._mind(run, look)
            if self._live:
                await self._clock.sleep_until(self._clock.now() + 1)
            else:
                await self._wake.wait()

    async def _mind(self, run: Run, look: bool) -> None:
        try:
            if look:
                for station in [known for known in run.waiting if self._commands.connected(StationId(known))]:
                    await self._act(run, Connected(self._clock.now(), station))
            await self._tick(run)
        except Exception:
            # A store that is away for a while must not end all runs; what could not be kept is kept with the next step.
            log.exception("run %s could not go on; it is tried again", run.header.run)

    async def stop(self) -> None:
        """Ask nobody any more; what is under way is resumed at the next start."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ready(self) -> None:
        """Return once what an earlier process left is loaded."""
        if self._loading is None:
            self._loading = asyncio.get_running_loop().create_task(self._load())
        try:
            await asyncio.shield(self._loading)
        except Exception:
            self._loading = None
            raise

    async def _load(self) -> None:
        now = self._clock.now()
        for tenant, at, watts in await self._store.spent(now - HOUR_S):
            self._budget(tenant).take(at, watts)
        for header, items in await self._store.alive():
            run = Run(header, items, operation_named(header.operation))
            self._live[header.run] = run
            await self._carry_out(run, decide(run, Resumed(now)))

    def _budget(self, tenant: str) -> Budget:
        if tenant not in self._budgets:
            self._budgets[tenant] = Budget(self.rules.budget_per_hour, self.rules.ramp_w_per_s)
        return self._budgets[tenant]

    async def _tick(self, run: Run) -> None:
        await self._act(run, Tick(self._clock.now(), self._budget(run.header.tenant)))

    async def _act(self, run: Run, event: Event) -> None:
        await self._carry_out(run, decide(run, event))

    async def _carry_out(self, run: Run, effects: Effects) -> None:
        """Keep what changed, and only then ask."""
        try:
            await self._keep(run, effects.keep)
        except Exception:
            for item in effects.ask:
                back = run.put(item, "queued", self._clock.now(), attempt=item.attempt - 1)
                self._unsaved[run.header.run][item.station] = back
            raise
        for item in effects.ask:
            task = asyncio.get_running_loop().create_task(self._ask_one(run, item))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _keep(self, run: Run, items: Sequence[Item]) -> None:
        # As it is now: while this is being kept, a later step may end the run, which then is not kept yet.
        header, run_id, over = run.snapshot(), run.header.run, not run.alive
        unsaved = self._unsaved.pop(run_id, {}) | {item.station: item for item in items}
        if unsaved or self._said.get(run_id, (0, ""))[1] != header.state:
            try:
                await self._store.save(header, list(unsaved.values()))
            except Exception:
                self._unsaved[run_id] = unsaved | self._unsaved.get(run_id, {})
                raise
            self._tell(header)
        if over and not run.alive and run_id in self._live:
            del self._live[run_id]
            self._said.pop(run_id, None)
        if over and run_id in self._ended:
            self._ended.pop(run_id).set()

    def _tell(self, header: Header) -> None:
        """Tell live pages, at most once a second as long as the run's state stays the same."""
        said = (header.created_at if header.ended_at else self._clock.now(), header.state)
        if self._said.get(header.run) != said:
            self._said[header.run] = said
            self._changed(
                "run",
                {"run": header.run, "tenant": header.tenant, "operation": header.operation, "state": header.state}
                | {"total": header.total, "counts": header.counts, "reason": header.reason},
            )

    async def _ask_one(self, run: Run, item: Item) -> None:
        station, asked = StationId(item.station), False
        try:
            command = command_of(run.operation, run.header.arguments, run.number(item))
            if not self._commands.connected(station):
                raise PileUnreachable(f"station {station} is not connected")
            asked = True
            result = await self._commands.command(station, command)
            event = run_words.answered(station, item.attempt, self._clock.now(), result)
        except Exception as fault:
            if not isinstance(fault, PileUnreachable | Conflict | InputInvalid | TooMany):
                log.exception("station %s could not be asked", station)
            event = run_words.not_answered(station, item.attempt, self._clock.now(), fault, asked)
        try:
            await self._act(run, event)
            if event.status == "AcceptedCanceled":
                await self._give_way(run, item.station)
            await self._tick(run)
        except Exception:
            log.exception("the answer of %s in run %s is kept with the next step", station, run.header.run)


class PlainRunner:
    """Starts runs from plain JSON, for other services: `start(scope, operation, arguments, stations, options)`."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def start(
        self,
        scope: Scope,
        operation: str,
        arguments: Mapping[str, Any],
        stations: Sequence[str],
        options: Mapping[str, Any] | None = None,
    ) -> str:
        """Begin; the run's id. Raises what `Runner.start` does."""
        header = await self._runner.start(
            scope, operation, arguments, Selection(tuple(stations)), options_of(options or {})
        )
        return header.run
