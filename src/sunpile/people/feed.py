"""The live feed: one publisher, many pages, each with a bounded queue of its own."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sunpile.basics.errors import TooMany
from sunpile.people.ports import Json, LiveEvent

KEEP_ALIVE_S = 15.0


class _Listener:
    def __init__(self, size: int) -> None:
        self.waiting: deque[LiveEvent] = deque()
        self.size = size
        self.lagged = False
        self.wake = asyncio.Event()

    def put(self, event: LiveEvent) -> None:
        if event.kind == "power":
            # Only the newest power counts: an older snapshot that still waits is worthless.
            self.waiting = deque(item for item in self.waiting if item.kind != "power")
        if len(self.waiting) >= self.size:
            self.waiting.popleft()
            self.lagged = True
        self.waiting.append(event)
        self.wake.set()


class EventHub:
    """Publish from the node's event loop with `publish(kind, data)`; implements the `Events` port."""

    def __init__(self, queue_size: int = 64, listener_limit: int = 256) -> None:
        self._queue_size = queue_size
        self._listener_limit = listener_limit
        self._listeners: set[_Listener] = set()
        self._closed = False

    @property
    def listeners(self) -> int:
        """Pages that listen now."""
        return len(self._listeners)

    def publish(self, kind: str, data: Json) -> None:
        """Hand an event to every page; never waits."""
        event = LiveEvent(kind, data)
        for listener in self._listeners:
            listener.put(event)

    def close(self) -> None:
        """End all streams, so that a server can stop."""
        self._closed = True
        for listener in self._listeners:
            listener.wake.set()

    @asynccontextmanager
    async def subscribe(self) -> AsyncGenerator[AsyncGenerator[LiveEvent | None]]:
        """Events from now on.

        Raises
        ------
        TooMany
            if the limit of listeners is reached.
        """
        if len(self._listeners) >= self._listener_limit:
            raise TooMany("too many live pages are open at this node; the page still works when it is reloaded")
        listener = _Listener(self._queue_size)
        self._listeners.add(listener)
        try:
            yield self._events(listener)
        finally:
            self._listeners.discard(listener)

    async def _events(self, listener: _Listener) -> AsyncGenerator[LiveEvent | None]:
        while not self._closed:
            if listener.lagged:
                listener.lagged = False
                yield LiveEvent("lagged", {})
            elif listener.waiting:
                yield listener.waiting.popleft()
            else:
                listener.wake.clear()
                try:
                    await asyncio.wait_for(listener.wake.wait(), KEEP_ALIVE_S)
                except TimeoutError:
                    yield None
