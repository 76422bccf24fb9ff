"""`make conformance`: play every case and write docs/conformance.md."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "conformance.md"
HEAD = """# Conformance

Every CSMS case of the Open Charge Alliance's lists, played against a real node over real sockets by a virtual station
that shares no code with it and checks every frame of the node by the OCA's own schemas; a request of the node that the
script did not wait for fails the case. Rerun: `make conformance`.

*Basis* says what a script was made from: `part 6` means the steps and validations of the OCA's test text; where only
the title is public, it names the use case, requirements or message schemas the script checks.

"""


def main() -> int:
    """Play, write, and fail if a case failed."""
    sys.path.insert(0, str(ROOT / "tests"))
    from conformance import ocpp2, ocpp16  # noqa: F401
    from conformance.registry import SCRIPTS, cases

    results = _play()
    counts: Counter[tuple[str, str]] = Counter()
    rows: list[str] = []
    for case in cases():
        result = results.get(f"test_case[{case.version}-{case.id}]", "not run")
        script = SCRIPTS.get((case.version, case.id))
        counts[case.version, result] += 1
        rows.append(f"| {case.version} | {case.id} | {case.title} | {result} | {script.basis if script else '-'} |")
    versions = sorted({case.version for case in cases()})
    summary = ["| version | passed | cases |", "|---|---|---|"]
    summary += [
        f"| {version} | {counts[version, 'passed']} | {sum(counts[key] for key in counts if key[0] == version)} |"
        for version in versions
    ]
    table = ["| version | id | title | result | basis |", "|---|---|---|---|---|", *rows]
    PAGE.write_text(HEAD + "\n".join(summary) + "\n\n" + "\n".join(table) + "\n")
    print("\n".join(summary))
    return 0 if all(result == "passed" for _, result in counts) else 1


def _play() -> dict[str, str]:
    log = ROOT / ".setup" / "conformance.xml"
    command = [sys.executable, "-m", "pytest", "tests/conformance", "-q", f"--junitxml={log}"]
    subprocess.run(command, cwd=ROOT, check=False)
    found: dict[str, str] = {}
    for test in ElementTree.parse(log).iter("testcase"):
        # Whatever is told of a test beside its output is no success: failure, error, skipped.
        found[test.attrib["name"]] = next((told.tag for told in test if not told.tag.startswith("system-")), "passed")
    return found


if __name__ == "__main__":
    sys.exit(main())
