"""The demo's day, from the virtual morning to the last reconciliation, measured as a user runs it."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Run one whole day and print its figures."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "day.json"
        command = [sys.executable, "-m", "sunpile", "demo", "--exit", "--seed", "1", "--json", str(out)]
        subprocess.run([*command, "--folder", f"{folder}/demo"], cwd=ROOT, check=True, stdout=sys.stderr)
        day = json.loads(out.read_text())
    rows = [
        ("day of 96 intervals, 40 piles, 40 houses, 4 batteries", day["wall_s"], "s", "<= 120"),
        (
            "gas per point and interval, demo day (about 44 rows a batch)",
            day["gas_per_point_interval"],
            "gas",
            "<= 10000",
        ),
        ("demo day: bills worse than the grid", day["worse_off"], "bills", "<= 0"),
        ("demo day: reconciliation differences", day["reconcile_differences"], "differences", "<= 0"),
    ]
    print(
        json.dumps(
            [
                {"name": name, "value": value, "unit": unit, "goal": goal, "peer": None, "peer_value": None}
                for name, value, unit, goal in rows
            ]
        )
    )


if __name__ == "__main__":
    main()
