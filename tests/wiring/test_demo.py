import socket

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
