"""SIGKILL of the whole process, anvil and all, at random moments: nothing acknowledged is lost, nothing is doubled."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import create_engine
from tests.chain.ground import StillClock, deployed_by, engine_in

from sunpile.basics.keys import Key
from sunpile.chain.engine.anvil import AnvilEngine
from sunpile.chain.submitter import Submitter
from sunpile.store.chain import Submissions
from sunpile.store.database import Database
from sunpile.store.tables import metadata

ROOT = Path(__file__).resolve().parents[2]
KEY = Key.from_seed("killed")
SCRIPT = """
import asyncio, pathlib, sys
from sunpile.chain.submitter import Submitter
from sunpile.store.chain import Submissions
from sunpile.store.database import Database
from tests.chain.ground import StillClock, deployed_by, engine_in
from tests.chain.test_kill import KEY

async def main(folder, number):
    engine = engine_in(pathlib.Path(folder) / "chain", StillClock(), snapshot_lines=30)
    await engine.start()
    submitter = Submitter(engine, KEY, Submissions(Database(f"sqlite:///{folder}/node.db")))
    counter = await deployed_by(submitter)
    target, data = counter.address("Counter"), counter.encode("Counter", "bump", 1)
    print("ready", flush=True)
    while True:
        batch = [submitter.submit(f"count {number + at}", target, data) for at in range(3)]
        await asyncio.gather(*batch)
        number += 3
        print(number, flush=True)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def run_and_kill(folder: Path, number: int, after: float) -> int:
    """Go on from `number`, kill `after` seconds of work; the number that was acknowledged last."""
    places = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, "-c", SCRIPT, str(folder), str(number)]
    process = subprocess.Popen(command, env=places, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return int(([str(number), *process.stdout.read().split()])[-1])


async def reopened(folder: Path) -> AnvilEngine:
    engine = engine_in(folder / "chain", StillClock())
    await engine.start()
    return engine


async def test_a_killed_node_loses_and_doubles_nothing(tmp_path: Path) -> None:
    store = create_engine(f"sqlite:///{tmp_path / 'node.db'}")
    metadata.create_all(store)
    store.dispose()
    moments, number = random.Random(3), 0
    for _ in range(30 if os.environ.get("SUNPILE_SOAK") else 2):
        number = run_and_kill(tmp_path, number, moments.uniform(0.05, 0.4))
    engine, database = await reopened(tmp_path), Database(f"sqlite:///{tmp_path / 'node.db'}")
    submitter = Submitter(engine, KEY, Submissions(database))
    await submitter.drain()
    counter = await deployed_by(submitter)
    begun = await Submissions(database).find([f"count {at}" for at in range(number + 3)])
    assert {f"count {at}" for at in range(number)} <= {item.content_id for item in begun}
    assert await counter.call(engine.rpc, "Counter", "total") == len(begun)
    await engine.stop()
    database.close()
