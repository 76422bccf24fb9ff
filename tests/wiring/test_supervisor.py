import asyncio
import sys
from pathlib import Path

import pytest

from sunpile.basics.errors import Unreachable
from sunpile.wiring.supervisor import Supervisor


async def until(condition: object, seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.02)


async def test_a_killed_child_is_started_again_and_all_end_together(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    child = await supervisor.start("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"])
    assert child.process
    first = child.process.pid
    await supervisor.kill("sleeper")
    await until(lambda: child.process and child.process.pid != first)
    supervisor.check()
    await supervisor.stop()
    assert child.process.returncode is not None


async def test_a_child_that_keeps_failing_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, max_restarts=1)
    await supervisor.start("broken", [sys.executable, "-c", "raise SystemExit('the port is busy')"])
    await asyncio.wait_for(supervisor.given_up.wait(), 10)
    with pytest.raises(Unreachable, match="broken .* the port is busy"):
        supervisor.check()
    await supervisor.stop()
