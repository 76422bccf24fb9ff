import asyncio
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT

import pytest

from sunpile.basics.errors import PortBusy
from sunpile.town.scenario import Scenario
from sunpile.wiring.demo import DemoPlan, staged


async def test_a_demo_says_at_once_that_its_port_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        plan = DemoPlan(Scenario(houses=1, piles=1, batteries=0, intervals=1), port=other.getsockname()[1])
        with pytest.raises(PortBusy, match="for the page is taken"):
            async with staged(plan):
                raise AssertionError("it must not start")


async def test_a_demo_that_is_stopped_in_the_middle_of_its_day_ends() -> None:
    command = [sys.executable, "-m", "sunpile", "demo", "--exit", "--port", "0"]
    size = ["--houses", "4", "--piles", "4", "--batteries", "0", "--intervals", "400"]
    process = await asyncio.create_subprocess_exec(*command, *size, stdout=PIPE, stderr=STDOUT)
    assert process.stdout is not None
    said = b""
    while b"the page is at" not in said:
        line = await asyncio.wait_for(process.stdout.readline(), 120)
        assert line, said
        said += line
    await asyncio.sleep(5)
    process.send_signal(signal.SIGTERM)
    rest = await asyncio.wait_for(process.communicate(), 60)
    assert b"Traceback" not in said + rest[0]
