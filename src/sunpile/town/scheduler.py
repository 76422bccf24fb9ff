"""What happens when: a heap of actions in virtual time, the same order for the same seed."""

import asyncio
import heapq
import itertools
from collections import defaultdict
from collections.abc import Awaitable, Callable
from enum import IntEnum

Action = Callable[[int], Awaitable[None]]
"""Gets the virtual time it was due [Unix s]."""


class Phase(IntEnum):
    """Who goes first among actions of one second: piles, then meters that push, then people."""

    PILE = 0
    METER = 1
    PERSON = 2
    TOWN = 3


class Scheduler:
    """Actions of one second and phase run side by side; those of one key one after the other."""

    def __init__(self, now: int, waits: bool) -> None:
        self.now = now
        """Virtual time [Unix s]."""
        self.waits = waits
        """True if time stands still until every action has ended."""
        self._heap: list[tuple[int, Phase, str, int, Action]] = []
        self._order = itertools.count()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._running: set[asyncio.Task[None]] = set()
        self._failed: BaseException | None = None

    def at(self, when: int, phase: Phase, key: str, action: Action) -> None:
        """Run `action` at `when`, or now if that has passed."""
        heapq.heappush(self._heap, (max(when, self.now), phase, key, next(self._order), action))

    def soon(self, phase: Phase, key: str, action: Action) -> None:
        """Run `action` in this second, after what runs now."""
        self.at(self.now, phase, key, action)

    def next(self) -> int | None:
        """When the next action is due [Unix s]."""
        return self._heap[0][0] if self._heap else None

    async def run_due(self) -> bool:
        """Run what is due; return whether anything was. With a waiting clock it returns when all of it has ended."""
        if self._failed:
            raise self._failed
        ran = False
        while self._heap and self._heap[0][0] <= self.now:
            ran = True
            moment = self._heap[0][:2]
            groups: dict[str, list[tuple[int, Action]]] = {}
            while self._heap and self._heap[0][:2] == moment:
                when, _, key, _, action = heapq.heappop(self._heap)
                groups.setdefault(key, []).append((when, action))
            tasks = [asyncio.create_task(self._in_turn(key, actions)) for key, actions in groups.items()]
            if self.waits:
                await asyncio.gather(*tasks)
            else:
                self._follow(tasks)
                await asyncio.sleep(0)
        return ran

    async def _in_turn(self, key: str, actions: list[tuple[int, Action]]) -> None:
        async with self._locks[key]:
            for when, action in actions:
                await action(when)

    def _follow(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() and self._failed is None:
            self._failed = task.exception()

    async def drain(self, patience: float) -> None:
        """Give actions still running (time that does not wait) `patience` real seconds, then drop them."""
        if self._running:
            await asyncio.wait(self._running, timeout=patience)
        for task in self._running:
            task.cancel()
