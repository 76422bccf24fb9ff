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
RUNS: list[tuple[str, int, list[str]]] = [
    ("kills of node, member and engine", 100, [PYTHON, "-m", "pytest", "-q", "-s", "tests/story/test_kills.py"]),
    (
        "dishonest batches signed by the whole council",
        1000,
        [CONTRACTS_PYTHON, "-m", "pytest", "-q", "-s", "contracts/tests", "-k", "dishonest"],
    ),
    (
        "contracts beside their models",
        1,
        [CONTRACTS_PYTHON, "-m", "pytest", "-q", "contracts/tests/stateful"],
    ),
    ("property tests of the chapters", 1, [PYTHON, "-m", "pytest", "-q", "tests", "--ignore=tests/story"]),
]


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
