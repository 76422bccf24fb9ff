"""Measure everything and write bench/results.json; print it as a table.

Each bench is a script that prints a JSON list of `{name, value, unit, goal, peer, peer_value}`; `goal` is exactly
`>= N` or `<= N`. They run one after another, so that each has the machine to itself.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PYTHON = str(ROOT / ".venv" / "bin" / "python")
CONTRACTS_PYTHON = str(ROOT / ".venv-contracts" / "bin" / "python")
BENCHES: list[tuple[str, list[str]]] = [
    ("clearing", [PYTHON, "bench/clearing.py"]),
    ("settle gas", [CONTRACTS_PYTHON, "bench/settle_gas.py"]),
    ("OCPP", [PYTHON, "bench/ocpp.py"]),
    ("a fleet, and attackers", [PYTHON, "bench/fleet.py"]),
    ("curves", [PYTHON, "bench/curves.py"]),
    ("demo day", [PYTHON, "bench/demo_day.py"]),
]


def holds(row: dict[str, Any]) -> bool:
    """True if the value meets its goal."""
    sign, number = row["goal"].split()
    return row["value"] >= float(number) if sign == ">=" else row["value"] <= float(number)


def table(rows: list[dict[str, Any]]) -> str:
    """The results for people."""
    lines = [f"{'':4} {'figure':46} {'value':>14} {'unit':12} {'goal':>12}  peer"]
    for row in rows:
        peer = f"{row['peer']}: {row['peer_value']:,}" if row.get("peer") else ""
        verdict, value = ("ok" if holds(row) else "MISS"), f"{row['value']:,}"
        lines.append(f"{verdict:4} {row['name']:46} {value:>14} {row['unit']:12} {row['goal']:>12}  {peer}")
    return "\n".join(lines)


def main() -> int:
    """Exit code 1 if a bench could not run or a goal is missed."""
    rows: list[dict[str, Any]] = []
    broken = 0
    for name, command in BENCHES:
        print(f"measuring {name} ...", flush=True)
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            broken += 1
            print(f"{name}: the bench failed with exit code {done.returncode}", flush=True)
            continue
        rows += json.loads(done.stdout)
    (ROOT / "bench" / "results.json").write_text(json.dumps(rows, indent=1) + "\n")
    print(table(rows))
    return 1 if broken or not all(holds(row) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
