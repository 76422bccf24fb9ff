"""The reader of mysqldump: what it reads equals what a general SQL parser reads; what is broken is named by line."""

import re
from typing import Any

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp
from tests.fleet.moving.dumps import HEAD, NEW, TAIL, Cell, dump, small, table

from sunpile.basics.errors import InputInvalid
from sunpile.fleet.moving.dump import VALUE_MAX, read_dump

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)
CELLS = st.one_of(
    st.none(), st.integers(-(2**63), 2**63), TEXTS, st.sampled_from(["';--", "\\", "a'',(b", "NULL", "%_"])
)


def by_sqlglot(text: str) -> list[list[str | None]]:
    """The rows of all INSERT statements, as sqlglot reads them."""
    found: list[list[str | None]] = []
    for statement in sqlglot.parse(text, dialect="mysql"):
        if not isinstance(statement, exp.Insert):
            continue
        for one in statement.expression.expressions:
            found.append([_plain(value) for value in one.expressions])
    return found


def _plain(value: Any) -> str | None:
    if isinstance(value, exp.Null):
        return None
    return "-" + value.this.name if isinstance(value, exp.Neg) else value.name


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5))
def test_rows_equal_those_of_a_general_parser(rows: list[tuple[Cell, ...]]) -> None:
    text = table("ocpp_tag", ("a", "b", "c"), rows, at_once=2)
    found = [list(row.values()) for row in read_dump(text.encode(), ["ocpp_tag"]).rows["ocpp_tag"]]
    assert found == [[None if cell is None else str(cell) for cell in row] for row in rows]
    # sqlglot leaves \0, \Z and \% as they stand; all else must be the same.
    if not re.search(r"\\[0Z%_]", text):
        assert found == by_sqlglot(text)


def test_numbers_binaries_and_introducers_are_read() -> None:
    text = "CREATE TABLE `t` (\n  `a` int,\n  `b` blob\n);\n"
    text += "INSERT INTO `t` VALUES (-1.50,0x41FF),(2e3,_binary 'x'),(0,'');\n"
    found = [tuple(row.values()) for row in read_dump(text.encode(), ["t"]).rows["t"]]
    assert found == [("-1.50", b"A\xff"), ("2e3", "x"), ("0", "")]


@pytest.mark.parametrize(
    "line",
    [
        "INSERT INTO `t` (`b`, `a`) VALUES ('1','2');\n",
        "INSERT IGNORE INTO `t` (`b`,`a`) VALUES\n\t('1', '2');\n",
        "REPLACE INTO `db`.`t` (`b`,`a`) VALUES ( '1' , '2' ) ;\n",
    ],
)
def test_columns_named_in_the_insert_count(line: str) -> None:
    assert read_dump(line.encode(), ["t"]).rows["t"] == [{"b": "1", "a": "2"}]


def test_what_is_not_wanted_is_counted_and_cannot_pass_for_something_else() -> None:
    bait = "x'),('y\\');\nINSERT INTO `ocpp_tag` VALUES ('EVIL');\n-- '"
    text = table("logs", ("a",), [[bait]]) + table("ocpp_tag", ("id_tag",), [["GOOD"]])
    found = read_dump((HEAD + text + TAIL).encode(), ["ocpp_tag"])
    assert found.rows == {"ocpp_tag": [{"id_tag": "GOOD"}]}
    assert found.counted == {"logs": 1}
    assert (found.utc, found.complete) == (True, True)


def test_triggers_and_views_are_passed_over() -> None:
    trigger = "DELIMITER ;;\n"
    trigger += "CREATE TRIGGER `x` BEFORE INSERT ON `t` FOR EACH ROW BEGIN SET @a = 'it''s'; END ;;\nDELIMITER ;\n"
    found = read_dump((trigger + 'SELECT "a;b" /* ; */ -- ;\n;\n' + table("t", ("a",), [[1]])).encode(), ["t"])
    assert found.rows["t"] == [{"a": "1"}]


CREATE = "CREATE TABLE `t` (\n  `a` int,\n  `b` int\n);\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CREATE + "INSERT INTO `t` VALUES (1,2),(3);\n", "line 5 of the dump has a row of t with 1 values"),
        (CREATE + "INSERT INTO `t` VALUES (1,2,3);\n", "with 3 values"),
        (CREATE + "INSERT INTO `t` VALUES (1,'2);\n", "line 5 of the dump has a value of t that cannot be read"),
        (CREATE + "INSERT INTO `t` VALUES (1,2) ON DUPLICATE;\n", "neither , nor ;"),
        (CREATE + "INSERT INTO `t` VALUES (1,2),\n", "does not begin with ("),
        (CREATE + "INSERT INTO `t` VALUES (1,NOW());\n", "cannot be read"),
        ("INSERT INTO `t` VALUES (1,2);\n", "without the names of its columns"),
        (CREATE + "UPDATE `t` SET `a` = 'x", "line 5 of the dump has a statement that does not end"),
        ("DELIMITER ;;\nCREATE", "does not end"),
        ("hello;\n", "this is no SQL dump"),
        (CREATE + "INSERT INTO `t` VALUES (1,'" + "x" * (VALUE_MAX + 1) + "');\n", "a value of"),
    ],
)
def test_a_broken_dump_is_refused_with_its_line(text: str, told: str) -> None:
    with pytest.raises(InputInvalid, match=re.escape(told)):
        read_dump(text.encode(), ["t"])


@pytest.mark.parametrize("bait", ["/*", "'", "`x", '"\\\\', "--", "(" * 9, "INSERT INTO `t` (", "CREATE TABLE `t` (\n"])
def test_what_never_ends_is_refused_at_once(bait: str) -> None:
    with pytest.raises(InputInvalid):
        read_dump(("SELECT 1 " + bait * 200_000).encode(), ["t"])


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("INSERT".encode("utf-16"), "PowerShell"),
        (b"\x1f\x8b\x08\x00", "compressed"),
        (b"PGDMP", "PostgreSQL"),
        (CREATE.encode() + b"INSERT INTO `t` VALUES (1,'\xe4');\n", "not UTF-8"),
    ],
)
def test_other_files_are_recognised(data: bytes, told: str) -> None:
    with pytest.raises(InputInvalid, match=told):
        read_dump(data, ["t"])


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_dump_with_bytes_cut_or_changed_is_read_or_refused_but_never_fails(data: st.DataObject) -> None:
    whole = dump(small())
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:place] + data.draw(st.sampled_from([b"", b"'", b"\\", b"(", b";", b"\xff"])) + whole[place + 1 :]
    for hostile in (whole[:place], changed):
        try:
            found = read_dump(hostile, list(NEW))
        except InputInvalid:
            continue
        assert all(len(row) == len(NEW[name]) for name, rows in found.rows.items() for row in rows)
