"""The reference page of deviations, refusals and remarks says what the program says."""

from pathlib import Path

from sunpile.chargers.leniency import DEVIATIONS
from sunpile.chargers.refusals import CURES, REMARKS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "deviations.md").read_text()


def test_the_page_has_every_deviation_reason_and_remark_and_no_other() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert rows == [
        *(f"| `{one.id}`{' *' if one.always else ''} | {one.en} | {one.seen} |" for one in DEVIATIONS),
        *(f"| `{code}` | {words.en} |" for words_of in (CURES, REMARKS) for code, words in words_of.items()),
    ]
