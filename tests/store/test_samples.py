"""Curves: kept off the piles' path, drawn with few points, forgotten by the day."""

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, insert, inspect, select, text
from tests.fleet.upkeep_fakes import ALICE, BOB, NOON

from sunpile.basics.errors import NotFound
from sunpile.fleet.cards import StationCard
from sunpile.fleet.curves import SampleRow
from sunpile.store.backup import backup, restore
from sunpile.store.database import Database, open_engine
from sunpile.store.samples import DAY_S, SampleLog, make_days
from sunpile.store.schema import upgrade
from sunpile.store.station_cards import StationCards
from sunpile.store.upkeep_tables import samples


def row(at: int, power: int | None = 7000, evse: int = 1, station: str = "SP-1") -> SampleRow:
    return SampleRow(station, evse, at, (at - NOON) // 10, power, 16_000, 230_000, 500)


@pytest.fixture
async def log(database: Database) -> SampleLog:
    await StationCards(database).add(ALICE, StationCard("SP-1", max_w=1), [1, 2], NOON)
    return SampleLog(database)


async def test_a_curve_holds_every_sample_while_they_are_few(log: SampleLog) -> None:
    log.keep([row(NOON + 60, 7000), row(NOON, 6000), row(NOON + 60, 7000), row(NOON, 1, evse=2)])
    await log.flush()
    curve = await log.curve(ALICE, "SP-1", 1, NOON, NOON + 100)
    assert [(point.at, point.power_w) for point in curve.points] == [(NOON, 6000), (NOON + 60, 7000)]
    assert curve.width_s == 1


async def test_a_long_curve_has_at_most_500_points_with_mean_and_peak(log: SampleLog) -> None:
    log.keep([row(NOON + second, 100 + second % 20) for second in range(5000)])
    await log.flush()
    curve = await log.curve(ALICE, "SP-1", 1, NOON, NOON + 5000)
    assert (len(curve.points), curve.width_s) == (500, 10)
    assert (curve.points[0].power_w, curve.points[0].power_max_w) == (104, 109)
    assert curve.points[-1].register_wh == 499


async def test_absent_values_stay_absent(log: SampleLog) -> None:
    log.keep([SampleRow("SP-1", 1, NOON, None, None, None, None, 400)])
    await log.flush()
    (point,) = (await log.curve(ALICE, "SP-1", 1, NOON, NOON + 1)).points
    assert (point.power_w, point.voltage_mv, point.register_wh, point.soc_permille) == (None, None, None, 400)


async def test_another_tenant_sees_no_curve(log: SampleLog) -> None:
    with pytest.raises(NotFound):
        await log.curve(BOB, "SP-1", 1, NOON, NOON + 1)


async def test_whole_days_are_forgotten(log: SampleLog, database: Database) -> None:
    midnight = NOON // DAY_S * DAY_S
    log.keep([row(midnight + days * DAY_S, evse=evse) for days in (0, 1, 2) for evse in (1, 2)])
    await log.flush()
    assert await log.forget(midnight + 2 * DAY_S) > 0
    assert database.read_now(lambda connection: connection.scalar(select(func.count()).select_from(samples))) == 2
    log.keep([row(midnight)])
    await log.flush()
    assert len((await log.curve(ALICE, "SP-1", 1, midnight, midnight + 1)).points) == 1


async def test_on_postgres_each_day_is_a_partition_also_after_a_migration_and_a_restore(
    log: SampleLog, database: Database, tmp_path: Path
) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no partitions")
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE IF EXISTS parted"))
        connection.execute(text("CREATE DATABASE parted"))
    target = create_engine(database.engine.url.set(database="parted"))
    source = open_engine(f"sqlite:///{tmp_path / 'source.db'}")
    upgrade(source)
    with source.begin() as connection:
        connection.execute(insert(samples), [row(NOON)._asdict(), row(NOON + DAY_S)._asdict()])
    backup(source, tmp_path / "rows.zip")
    restore(target, tmp_path / "rows.zip")
    assert {f"samples_{NOON // DAY_S}", f"samples_{NOON // DAY_S + 1}"} <= set(inspect(target).get_table_names())
    target.dispose()
    source.dispose()


async def test_a_curve_is_drawn_fast_however_much_is_kept(log: SampleLog, database: Database) -> None:
    stations = 1000 if os.environ.get("SUNPILE_SOAK") else 20
    with database.engine.begin() as connection:
        make_days(connection, {NOON // DAY_S, NOON // DAY_S + 1})
        for number in range(stations):
            rows = [row(NOON + 8 * step, station=f"SP-{number}")._asdict() for step in range(2000)]
            connection.execute(insert(samples), rows)
    began = time.perf_counter()
    curve = await log.curve(ALICE, "SP-1", 1, NOON, NOON + 16_000)
    assert len(curve.points) == 500
    assert time.perf_counter() - began < 0.2
