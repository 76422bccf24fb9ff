"""Run every check, one line each, then the tests: what `make test` calls.

Lint, types and chapter order run first (seconds); the contracts' tests run beside the package's on the second core.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
CONTRACTS_PYTHON = ROOT / ".venv-contracts" / "bin" / "python"

LINT = {
    "style": [BIN / "ruff", "check", "-q", "."],
    "format": [BIN / "ruff", "format", "-q", "--check", "."],
    "types": [BIN / "pyright", "--warnings", "src"],
    "chapter order": [BIN / "lint-imports", "--no-cache"],
}
CONTRACTS = [CONTRACTS_PYTHON, "-m", "pytest", "contracts/tests", "-q"]
PACKAGE = [BIN / "python", "-m", "pytest", "tests", "-q"]


def lint() -> int:
    """Number of checks that failed."""
    failures = 0
    for name, command in LINT.items():
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {name}", flush=True)
        if done.returncode:
            failures += 1
            print(done.stdout + done.stderr, flush=True)
    return failures


def main() -> int:
    """Exit code: 0 if all passed."""
    started = time.monotonic()
    failures = lint()
    if "lint" not in sys.argv[1:]:
        log = ROOT / ".setup" / "contracts-tests.log"
        with log.open("w") as sink:
            contracts = subprocess.Popen(CONTRACTS, cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT, env=os.environ)
            package = subprocess.run(PACKAGE, cwd=ROOT, env=os.environ)
            failures += package.returncode != 0
            failures += contracts.wait() != 0
        print("\ncontracts:\n" + log.read_text()[-6000:], flush=True)
    print(f"{'all passed' if not failures else f'{failures} failed'} in {time.monotonic() - started:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
