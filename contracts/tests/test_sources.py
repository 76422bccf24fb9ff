"""Rules for every Vyper source: contract, module, interface or mock."""

import io
import re
import tokenize
from pathlib import Path

import build
import pytest

TESTS = build.CONTRACTS / "tests"
SOURCES = sorted([*build.CONTRACTS.rglob("*.vy"), *build.CONTRACTS.rglob("*.vyi")])
NAMES = [str(path.relative_to(build.CONTRACTS)) for path in SOURCES]


def statements(text: str) -> list[list[str]]:
    """The tokens of each logical line."""
    lines: list[list[str]] = [[]]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
            lines.append([])
        elif token.type not in (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.STRING):
            lines[-1].append(token.string)
    return lines


def test_the_sources_are_found():
    assert {"SettlementToken.vy", "Council.vy", "Channels.vy", "typed_data.vy", "market/settling.vy"} <= set(NAMES)


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_a_source_is_ascii(path: Path):
    """Source maps count bytes, and no letter may look like another one."""
    path.read_text(encoding="ascii")


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_no_bitwise_or_in_a_ternary(path: Path):
    """Vyper 0.4.3 is not to be trusted with `a | b if c else d`: write the statement out."""
    for tokens in statements(path.read_text()):
        ternary = "if" in tokens[1:] and "else" in tokens[1:]
        assert not (ternary and "|" in tokens), " ".join(tokens)


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_a_source_names_its_compiler(path: Path):
    assert path.read_text().startswith("# pragma version 0.4.3\n")


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_a_source_is_short_enough_to_read(path: Path):
    assert len(path.read_text().splitlines()) <= 600


@pytest.mark.parametrize("path", build.deployables(), ids=lambda path: path.stem)
def test_every_invariant_has_a_test_of_its_name(path: Path):
    """`ST-4` in a contract's docstring means a test called test_st_4_..."""
    invariants = re.findall(r"^    ([A-Z]{2})-(\d+) ", path.read_text(), re.MULTILINE)
    assert invariants, f"{path.stem} numbers no invariants"
    tests = "\n".join(file.read_text() for file in TESTS.rglob("test_*.py"))
    missing = [f"{kind}-{number}" for kind, number in invariants if f"def test_{kind.lower()}_{number}_" not in tests]
    assert not missing
