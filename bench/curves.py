"""A session page with 10 million samples in the store: the time to draw its curve, on SQLite or any SQLAlchemy URL.

Run `python bench/curves.py [url]`; prints a JSON list of {name, value, unit, goal, peer, peer_value}. `SAMPLES` rows
of 1,000 stations, one a minute, are made by the database itself, in the order of time as a node would write them.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Connection, insert, text

from sunpile.basics.scope import NODE
from sunpile.store.database import Database
from sunpile.store.samples import DAY_S, SampleLog, make_days
from sunpile.store.schema import upgrade
from sunpile.store.tables import stations

STATIONS = 1000
SAMPLES = int(os.environ.get("SAMPLES", 10_000_000))
START = 20_000 * DAY_S
STEP_S = 60
LOOKS = 50

_ROWS = """
INSERT INTO samples (station, evse, at, register_wh, power_w, current_ma, voltage_mv, soc_permille)
SELECT 'SP-' || s.n, 1, {start} + t.n * {step}, t.n * 100, 7000 + t.n % 50, 16000, 230000, t.n % 1000
FROM {times} t, {stations} s
"""


def fill(connection: Connection, total: int) -> None:
    """Make the samples."""
    steps = total // STATIONS
    for number in range(STATIONS):
        row = {"station": f"SP-{number}", "password_salt": b"", "password_hash": b"", "max_w": 22_000}
        connection.execute(insert(stations).values(row))
    days = range(START // DAY_S, (START + steps * STEP_S) // DAY_S + 1)
    make_days(connection, days)
    for day in days:
        # A day at a time, as a store grows.
        first = (day * DAY_S - START) // STEP_S
        last = min(steps, first + DAY_S // STEP_S) - 1
        if last < first:
            continue
        if connection.dialect.name == "postgresql":
            times, names = f"generate_series({first}, {last})", f"generate_series(0, {STATIONS - 1})"
            rows = _ROWS.format(start=START, step=STEP_S, times=times, stations=names)
            connection.execute(text(rows.replace(") t,", ") t(n),").replace(") s\n", ") s(n)\n")))
            continue
        series = "(WITH RECURSIVE c(n) AS (SELECT {0} UNION ALL SELECT n + 1 FROM c WHERE n < {1}) SELECT n FROM c)"
        times, names = series.format(first, last), series.format(0, STATIONS - 1)
        connection.execute(text(_ROWS.format(start=START, step=STEP_S, times=times, stations=names)))


async def look(database: Database, hours: int) -> list[float]:
    """Times of drawing curves of `hours`, each of another station [ms]."""
    log, times = SampleLog(database), []
    for number in range(LOOKS):
        since = START + (number * 7919 * STEP_S) % (SAMPLES // STATIONS * STEP_S // 2)
        began = time.perf_counter()
        curve = await log.curve(NODE, f"SP-{number * 17 % STATIONS}", 1, since, since + hours * 3600)
        times.append((time.perf_counter() - began) * 1000)
        assert 0 < len(curve.points) <= 500
    return times


def main() -> None:
    """Fill, look, print."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{Path(folder) / 'node.db'}")
        upgrade(database.engine)
        began = time.perf_counter()
        with database.engine.begin() as connection:
            fill(connection, SAMPLES)
        print(f"{SAMPLES} rows in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        found = []
        for hours in (8, 72):
            times = asyncio.run(look(database, hours))
            name = f"curve of {hours} h among {SAMPLES // 1_000_000} M samples, {database.engine.dialect.name}"
            for what, value in (("median", statistics.median(times)), ("slowest of 50", max(times))):
                found.append(
                    {"name": f"{name}, {what}", "value": round(value, 2), "unit": "ms", "goal": "<= 200"}
                    | {"peer": None, "peer_value": None}
                )
        print(json.dumps(found))
        database.close()


if __name__ == "__main__":
    main()
