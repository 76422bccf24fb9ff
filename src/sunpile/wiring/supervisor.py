"""Child processes of a demo: started, restarted when they die, ended together.

Each child writes to a log of its own and dies with its parent (PR_SET_PDEATHSIG on Linux), so that a killed demo leaves
nothing behind.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sunpile.basics.errors import Unreachable

PR_SET_PDEATHSIG = 1
RESTART_DELAY = 0.2


def die_with_parent() -> Callable[[], None] | None:
    """What asks Linux, in the child, to kill it when its parent dies; elsewhere nothing.

    It is loaded before the fork: a lock that another thread held then stays held in the child for ever.
    """
    if sys.platform != "linux":
        return None
    control = ctypes.CDLL(None, use_errno=True).prctl

    def ask() -> None:
        control(PR_SET_PDEATHSIG, signal.SIGKILL)

    return ask


@dataclass
class Child:
    """One supervised process."""

    name: str
    command: list[str]
    log: Path
    environment: dict[str, str]
    restarts: int = 0
    """Times it was started again after an unexpected end."""
    process: asyncio.subprocess.Process | None = None
    watcher: asyncio.Task[None] | None = None
    stopping: bool = False

    def tail(self) -> str:
        """The last line of its log that says something."""
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        return lines[-1] if lines else "no output"


@dataclass
class Supervisor:
    """Starts children and keeps them running."""

    folder: Path
    """Where the logs go."""
    max_restarts: int = 5
    """A child that ends more often than this in a row is given up, with its last words."""
    children: dict[str, Child] = field(default_factory=dict[str, Child])
    given_up: asyncio.Event = field(default_factory=asyncio.Event)
    on_restart: Callable[[Child], None] | None = None

    async def start(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> Child:
        """Start `command` as `name` and restart it whenever it ends by itself."""
        child = Child(name, command, self.folder / f"{name}.log", {**os.environ, **(environment or {})})
        self.children[name] = child
        await self._spawn(child)
        child.watcher = asyncio.create_task(self._watch(child))
        return child

    async def kill(self, name: str) -> None:
        """SIGKILL a child: it will be restarted (tests of durability)."""
        process = self.children[name].process
        if process and process.returncode is None:
            process.kill()

    async def hold(self, name: str) -> None:
        """SIGKILL a child and leave it down until `release` (tests of absence)."""
        child = self.children[name]
        child.stopping = True
        await self.kill(name)
        if child.watcher:
            await child.watcher

    async def release(self, name: str) -> None:
        """Start a held child again."""
        child = self.children[name]
        child.stopping = False
        await self._spawn(child)
        child.watcher = asyncio.create_task(self._watch(child))

    async def stop(self) -> None:
        """End every child: SIGTERM, then SIGKILL after five seconds."""
        for child in reversed(list(self.children.values())):
            child.stopping = True
            if child.process and child.process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.process.terminate()
        for child in self.children.values():
            if child.watcher:
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(asyncio.shield(child.watcher), 5)
                if child.process and child.process.returncode is None:
                    child.process.kill()
                    await child.process.wait()
                child.watcher.cancel()

    def check(self) -> None:
        """Raise if a child was given up.

        Raises
        ------
        Unreachable
            naming the child and its last words.
        """
        for child in self.children.values():
            if self.given_up.is_set() and child.restarts > self.max_restarts:
                raise Unreachable(f"{child.name} ended {child.restarts} times; it last said: {child.tail()}")

    async def _spawn(self, child: Child) -> None:
        with child.log.open("ab") as log:
            child.process = await asyncio.create_subprocess_exec(
                *child.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env=child.environment,
                preexec_fn=die_with_parent(),
            )

    async def _watch(self, child: Child) -> None:
        while not child.stopping:
            assert child.process
            code = await child.process.wait()
            if child.stopping:
                return
            child.restarts += 0 if code == -signal.SIGKILL else 1
            if child.restarts > self.max_restarts:
                self.given_up.set()
                return
            if self.on_restart:
                self.on_restart(child)
            await asyncio.sleep(RESTART_DELAY)
            await self._spawn(child)
