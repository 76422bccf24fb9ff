"""The core of a run: what follows from each event. No clock, socket, store or chance inside.

A station is asked only after that is kept (`sent`), and never again for what it answered: a further attempt takes a
retry by staff, or a crash before the answer of something that may be asked twice. Whoever waits for approval asks
nobody. At most `in_flight` stations are at it at once and at most `per_second` are asked in a second; the tenant's
budget and ramp hold over all its runs.
"""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sunpile.basics.errors import Conflict, Forbidden
from sunpile.basics.scope import same_person
from sunpile.fleet.catalogue import Operation, as_asked
from sunpile.fleet.run_events import (
    Answered,
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
from sunpile.fleet.run_model import AGAIN, FAILED, FLYING, OPEN, Header, Item, ItemState, Options, Rules, RunState

DAY_S = 86_400
FINISH_S = {"firmware": DAY_S, "publish": DAY_S, "log": 7_200}
REPORT_S = 900
ENOUGH = 10
"""So many must have ended before a share of failures says something."""
LOST = "the node stopped before the answer was kept; look at the station, then retry"


class Run:
    """A run with its items, and what is needed to find the next one fast."""

    def __init__(self, header: Header, items: Sequence[Item], operation: Operation) -> None:
        self.header = header
        self.operation = as_asked(operation, header.arguments)
        self.items = {item.station: item for item in items}
        self.counts: Counter[ItemState] = Counter(item.state for item in items)
        self.flying = {item.station for item in items if item.state in FLYING}
        self.waiting = {item.station for item in items if item.state == "waiting"}
        self.queue = [(item.offset_s, item.station) for item in items if item.state == "queued"]
        heapq.heapify(self.queue)
        self.second: tuple[int, int] = (0, 0)
        self.looked_at = 0
        self.changed: dict[str, Item] = {}

    @property
    def options(self) -> Options:
        """How it goes about it."""
        return self.header.options

    @property
    def alive(self) -> bool:
        """Something can still happen by itself."""
        return self.header.state in ("waiting for approval", "running") or bool(self.flying)

    def number(self, item: Item) -> int:
        """Number of the request of an item's present attempt."""
        return self.header.number + item.attempt

    def snapshot(self) -> Header:
        """The header with the counts of now."""
        return replace(self.header, counts=dict(self.counts))

    def put(self, item: Item, state: ItemState, at: int, **changes: Any) -> Item:
        """Change an item, and everything that is reckoned from it."""
        now = replace(item, state=state, changed_at=at, **changes)
        self.counts[item.state] -= 1
        self.counts[state] += 1
        self.counts += Counter()  # drops what is 0
        self.items[item.station] = self.changed[item.station] = now
        for group, inside in ((self.flying, state in FLYING), (self.waiting, state == "waiting")):
            (group.add if inside else group.discard)(item.station)
        if state == "queued":
            heapq.heappush(self.queue, (now.offset_s, item.station))
        return now

    def turn(self, state: RunState, at: int, reason: str = "", **changes: Any) -> None:
        """Change the run's own state."""
        ended = at if state in ("done", "stopped", "cancelled") else None
        self.header = replace(self.header, state=state, reason=reason, ended_at=ended, **changes)


def wants_approval(operation: Operation, stations: int, rules: Rules) -> bool:
    """True if a second person must agree."""
    limits = [rules.approve_above]
    if operation.weight == "dangerous":
        limits.append(rules.approve_dangerous_above)
    return any(limit is not None and stations > limit for limit in limits)


def begin_state(header: Header) -> Header:
    """The header of a new run, or of a draft that begins: it runs, or waits for the second yes."""
    if header.options.draft and header.state == "draft":
        return header
    if header.wants_approval and not header.approver:
        return replace(header, state="waiting for approval", reason="a second person must approve it")
    return replace(header, state="running", reason="")


def decide(run: Run, event: Event) -> Effects:
    """Change `run` by `event`; what to keep and whom to ask.

    Raises
    ------
    Conflict
        if the run's state does not allow what staff want.
    Forbidden
        if the second yes comes from whoever gave the first.
    """
    run.changed = {}
    ask: list[Item] = []
    match event:
        case Tick():
            _expire(run, event.at)
            ask = _hand_out(run, event)
        case Answered():
            _answered(run, event)
        case Told():
            _told(run, event)
        case Reported():
            _reported(run, event)
        case Connected():
            if event.station in run.waiting and run.header.state == "running":
                run.put(run.items[event.station], "queued", event.at)
        case Resumed():
            _resume(run, event.at)
        case Begun() | Approved() | Cancelled() | Retried():
            _staff(run, event)
    _stop_or_end(run, event.at)
    return Effects(tuple(run.changed.values()), tuple(ask))


def _staff(run: Run, event: Begun | Approved | Cancelled | Retried) -> None:
    state = run.header.state
    match event:
        case Begun() if state == "draft":
            run.header = begin_state(replace(run.header, state="running", created_at=event.at))
        case Approved() if state == "waiting for approval":
            if same_person(event.actor, run.header.actor):
                raise Forbidden("the second yes must come from somebody else than who started the run")
            if event.at >= run.header.created_at + run.options.approval_s:
                raise Conflict("the time to approve this run is over")
            run.turn("running", event.at, approver=event.actor)
        case Cancelled() if state in ("draft", "waiting for approval", "running"):
            _cancel_rest(run, event.at, f"cancelled by {event.actor}")
            run.turn("cancelled", event.at, f"cancelled by {event.actor}")
        case Retried() if state in ("running", "done", "stopped") or (state == "cancelled" and run.header.begun_at):
            again = [item for item in run.items.values() if item.state in AGAIN]
            if not again:
                raise Conflict("there is nothing to retry")
            for item in again:
                run.put(item, "queued", event.at, answered_at=None, status="", reason="", data=None, rows=0, parts=0,
                        offset_s=0)  # fmt: skip
            run.turn("running", event.at, begun_at=event.at)
        case _:
            raise Conflict(f"a run that is {state} cannot be {type(event).__name__.lower()}")


def _expire(run: Run, at: int) -> None:
    header, options = run.header, run.options
    if header.state == "waiting for approval" and at >= header.created_at + options.approval_s:
        _cancel_rest(run, at, "nobody approved it in time")
        run.turn("cancelled", at, "nobody approved it in time")
    if header.begun_at is not None and at >= header.begun_at + options.deadline_s:
        for station in sorted(run.waiting):
            run.put(run.items[station], "unreachable", at, reason="it did not connect in time")
    if not run.operation.ends or run.looked_at == at:
        return
    run.looked_at = at
    limit = options.finish_s or FINISH_S.get(run.operation.ends, REPORT_S)
    for station in sorted(run.flying):
        item = run.items[station]
        if item.state != "sent" and at >= max(item.answered_at or item.changed_at, header.works_from) + limit:
            run.put(item, "timed out", at, reason="it did not say in time how it ended")


def _hand_out(run: Run, tick: Tick) -> list[Item]:
    asked: list[Item] = []
    if run.header.state != "running":
        return asked
    if run.header.begun_at is None:
        run.header = replace(run.header, begun_at=tick.at)
    begun = run.header.begun_at or 0
    second, used = run.second if run.second[0] == tick.at else (tick.at, 0)
    while run.queue and used < run.options.per_second and len(run.flying) < run.options.in_flight:
        offset, station = run.queue[0]
        item = run.items[station]
        if item.state != "queued" or item.offset_s != offset:
            heapq.heappop(run.queue)  # it has changed since it was queued
            continue
        if begun + offset > tick.at or not tick.budget.room(tick.at, item.max_w):
            break
        heapq.heappop(run.queue)
        tick.budget.take(tick.at, item.max_w)
        used += 1
        asked.append(run.put(item, "sent", tick.at, attempt=item.attempt + 1, sent_at=tick.at))
    run.second = (second, used)
    return asked


def _answered(run: Run, event: Answered) -> None:
    item = run.items[event.station]
    if item.attempt != event.attempt or item.state not in FLYING or item.answered_at is not None:
        return
    words: dict[str, Any] = {"status": event.status, "reason": event.reason, "data": event.data}
    if event.state == "unreachable":
        waits = run.options.offline == "wait" and run.header.state == "running"
        run.put(item, "waiting" if waits else "unreachable", event.at, **words)
    elif event.state == "accepted" and item.state == "in progress":
        # How far it is came before its answer did.
        run.put(item, "in progress", event.at, answered_at=event.at, data=event.data)
    elif event.state == "accepted":
        state: ItemState = "accepted" if run.operation.ends else "done"
        run.put(item, state, event.at, answered_at=event.at, **words)
    else:
        run.put(item, event.state, event.at, answered_at=event.at, **words)


def _told(run: Run, event: Told) -> None:
    item = run.items[event.station]
    # What came too late to be waited for is still the truth.
    if item.state in FLYING or item.state == "timed out":
        run.put(item, event.state, event.at, status=event.status, reason=event.reason)


def _reported(run: Run, event: Reported) -> None:
    item = run.items[event.station]
    part = item.parts if event.part is None else event.part
    if (item.state not in FLYING and item.state != "timed out") or part < item.parts:
        return
    missing = item.reason if item.state in FLYING else ""
    missing = missing or ("a part is missing" if part > item.parts else "")
    run.put(
        item,
        "done" if event.last else "in progress",
        event.at,
        parts=part + 1,
        rows=item.rows + event.rows,
        reason=missing,
    )


def _resume(run: Run, at: int) -> None:
    for station in sorted(run.flying):
        item = run.items[station]
        if item.state != "sent":
            continue
        if run.operation.again and run.header.state == "running":
            run.put(item, "queued", at)
        else:
            run.put(item, "timed out", at, reason=LOST)


def _cancel_rest(run: Run, at: int, reason: str) -> None:
    for item in list(run.items.values()):
        if item.state in ("queued", "waiting"):
            run.put(item, "cancelled", at, reason=reason)


def _stop_or_end(run: Run, at: int) -> None:
    if run.header.state != "running":
        return
    failed = sum(run.counts[state] for state in FAILED)
    ended = failed + run.counts["done"]
    number, share = run.options.stop_failed, run.options.stop_permille
    many = number is not None and failed >= number
    large = share is not None and ended >= min(ENOUGH, run.header.total) and failed * 1000 >= share * ended
    if (many or large) and (run.counts["queued"] or run.counts["waiting"]):
        why = f"stopped: {failed} of {ended} stations failed"
        _cancel_rest(run, at, why)
        run.turn("stopped", at, why)
    elif not any(run.counts[state] for state in OPEN):
        run.turn("done", at)
