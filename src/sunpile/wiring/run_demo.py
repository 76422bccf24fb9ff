"""`sunpile demo`."""

import logging
from collections.abc import Callable

from sunpile.people.cli.commands import DemoResult, DemoWish, Progress
from sunpile.wiring.demo import DemoPlan, play
from sunpile.wiring.running import start_loop, stop_event


def demo(wish: DemoWish, progress: Progress, shown: Callable[[DemoResult], None]) -> DemoResult:
    """Play a town's day, show its result, and serve on unless told to exit."""
    return start_loop(_demo(DemoPlan.of(wish), progress, shown), logging.WARNING)


async def _demo(plan: DemoPlan, progress: Progress, shown: Callable[[DemoResult], None]) -> DemoResult:
    return await play(plan, progress, shown, stop_event())
