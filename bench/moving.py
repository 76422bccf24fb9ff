"""How long a move takes: a made-up dump of SteVe with 100,000 transactions and 300,000 meter values, to SQLite.

`python bench/moving.py [TRANSACTIONS]` prints one line of JSON; times are of the processor [s].
"""

import json
import mmap
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import create_engine

# The made-up rows are those of the tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.fleet.moving.dumps import dump, row, start, station, stop

from sunpile.fleet.moving.dump import read_dump
from sunpile.fleet.moving.past import PastRules
from sunpile.fleet.moving.steve import TABLES, read_steve
from sunpile.store.every_table import metadata
from sunpile.store.moving import Move, MoveRules

STATIONS, TAGS = 200, 2_000
RULES = MoveRules("default", PastRules("SteVe", 1_790_900_000, 900, "EUR"))


def made_up(transactions: int) -> bytes:
    """A dump."""
    numbers = range(1, transactions + 1)
    return dump(
        {
            "charge_box": [station(f"SP-{one}", one) for one in range(1, STATIONS + 1)],
            "evse": [[one, f"SP-{one}", 1] for one in range(1, STATIONS + 1)],
            "ocpp_tag": [
                row("ocpp_tag", ocpp_tag_pk=one, id_tag=f"TAG{one}", max_active_transaction_count=1)
                for one in range(1, TAGS + 1)
            ],
            "transaction_start": [
                start(one, 1 + one % STATIONS, id_tag=f"TAG{1 + one % TAGS}", start_value=str(one * 10))
                for one in numbers
            ],
            "transaction_stop": [stop(one, stop_value=str(one * 10 + 9_000)) for one in numbers],
            "connector_meter_value": [
                [1 + one % STATIONS, one % transactions + 1, "2026-09-01 08:10:00", "1200"]
                for one in range(3 * transactions)
            ],
        }
    )


def measure(transactions: int) -> dict[str, float | int]:
    """Seconds for reading and for writing."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "steve.sql"
        file.write_bytes(made_up(transactions))
        engine = create_engine(f"sqlite:///{folder}/node.db", paramstyle="named")
        metadata.create_all(engine)
        began, first = time.perf_counter(), time.process_time()
        with file.open("rb") as dumped, mmap.mmap(dumped.fileno(), 0, access=mmap.ACCESS_READ) as data:
            fleet = read_steve(read_dump(data, TABLES))
        read = time.process_time()
        with engine.begin() as connection:
            report = Move(connection, fleet, RULES, lambda what, done, total: None).run()
        done = time.process_time()
        assert report.tallies["records"].moved == transactions
        engine.dispose()
        return {
            "transactions": transactions,
            "dump_bytes": file.stat().st_size,
            "read_s": round(read - first, 2),
            "write_s": round(done - read, 2),
            "wall_s": round(time.perf_counter() - began, 2),
        }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)))
