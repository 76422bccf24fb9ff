"""Export: what a spreadsheet would run as a formula stays text."""

import pytest

from sunpile.fleet.tabular import csv_cell, csv_text, json_lines


@pytest.mark.parametrize(
    ("value", "cell"),
    [("=1", "'=1"), ("+1", "'+1"), ("-1", "'-1"), ("@a", "'@a"), ("\tx", "'\tx"), ("  =1", "'  =1"),
     ("\uff1d1", "'\uff1d1"),
     (-1, "-1"), (0, "0"), (None, ""), (True, "true"), ("a,b", '"a,b"'), ('"', '""""'),
     ("\r=1", '"\'\r=1"'), ("SP-1", "SP-1")],
)  # fmt: skip
def test_cell_of_a_spreadsheet(value: object, cell: str) -> None:
    assert csv_cell(value) == cell


def test_columns_keep_their_order_and_odd_signs_are_quoted() -> None:
    text = csv_text(["b", "a"], [{"a": 'say "x", y', "b": None, "c": 1}])
    assert text == 'b,a\r\n,"say ""x"", y"\r\n'


def test_what_stands_behind_a_semicolon_is_no_cell_of_its_own() -> None:
    assert csv_text(["a"], [{"a": "x;=cmd()"}], head=False) == '"x;=cmd()"\r\n'


def test_json_lines_are_one_a_line() -> None:
    assert json_lines([{"a": "x\ny"}, {"a": 1}]).splitlines() == ['{"a":"x\\ny"}', '{"a":1}']
