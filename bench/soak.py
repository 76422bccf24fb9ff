"""Run the full counts of the reliability tests and write bench/soak.json: command, seed, count, failures."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PYTHON = str(ROOT / ".venv" / "bin" / "python")
CONTRACTS_PYTHON = str(ROOT / ".venv-contracts" / "bin" / "python")
SEED = "1"
STORY = [PYTHON, "-m", "pytest", "-q", "-s"]
CONTRACTS = [CONTRACTS_PYTHON, "-m", "pytest", "-q", "-s"]
RUNS: list[tuple[str, int, list[str]]] = [
    ("kills with the waiting clock: node, member, engine", 100, [*STORY, "tests/story/test_kills.py"]),
    (
        "dishonest batches signed by the whole council",
        1000,
        [*CONTRACTS, "contracts/tests/EnergyMarket/test_dishonest.py"],
    ),
    ("intervals on a foreign chain in real time", 24, [*STORY, "tests/story/test_foreign_chain.py"]),
    ("kills while time runs on", 20, [*STORY, "tests/story/test_running_on.py"]),
    (
        "random batches beside the market's model",
        400,
        [*CONTRACTS, "contracts/tests/EnergyMarket/test_differential.py"],
    ),
    ("sessions delivered in any order, any number of times", 50_000, [*STORY, "tests/sessions/test_delivery.py"]),
    ("clearing and settlement beside their references", 1, [*STORY, "tests/market", "tests/settlement"]),
    ("kills of engine and submitter", 90, [*STORY, "tests/chain"]),
    ("hostile frames through the codecs of three versions", 10_000_000, [PYTHON, "bench/hostile.py", "codec"]),
    ("hostile frames over live sockets beside an honest one", 100_000, [PYTHON, "bench/hostile.py", "sockets"]),
    ("hostile frames at the piles' door", 1, [*STORY, "tests/chargers"]),
    ("contracts beside their models, hostile participants", 1, [*CONTRACTS, "contracts/tests/stateful"]),
]
"""(what, count, command): the most telling first, so that a run that is cut short has shown most."""


def failures_in(output: str, code: int) -> int:
    """Failed tests pytest reports; at least one if it ended badly."""
    found = re.search(r"(\d+) failed", output)
    return int(found.group(1)) if found else int(code != 0)


def main() -> int:
    """Exit code 1 if anything failed."""
    rows: list[dict[str, Any]] = []
    for name, count, command in RUNS:
        print(f"soaking: {name} ...", flush=True)
        started = time.monotonic()
        environment = {**os.environ, "SUNPILE_SOAK": "1", "SUNPILE_SEED": SEED}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        shown = " ".join(part.replace(str(ROOT) + "/", "") for part in command)
        rows.append(
            {
                "name": name,
                "command": f"SUNPILE_SOAK=1 SUNPILE_SEED={SEED} {shown}",
                "seed": int(SEED),
                "count": count,
                "failures": failures_in(done.stdout, done.returncode),
                "wall_s": round(time.monotonic() - started),
            }
        )
        print(done.stdout[-2000:], flush=True)
        (ROOT / "bench" / "soak.json").write_text(json.dumps(rows, indent=1) + "\n")
    return 1 if any(row["failures"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
