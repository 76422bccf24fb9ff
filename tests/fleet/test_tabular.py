"""Export: what a spreadsheet would run as a formula stays text."""

import pytest

from sunpile.fleet.tabular import csv_text, json_lines


@pytest.mark.parametrize("evil", ["=cmd()", "+1", "-2", "@x", "\tx"])
def test_a_formula_is_made_text(evil: str) -> None:
    assert csv_text(["a"], [{"a": evil}], head=False).strip('"\r\n') == "'" + evil


def test_columns_keep_their_order_and_odd_signs_are_quoted() -> None:
    text = csv_text(["b", "a"], [{"a": 'say "x", y', "b": None, "c": 1}])
    assert text == 'b,a\r\n,"say ""x"", y"\r\n'


def test_json_lines_are_one_a_line() -> None:
    assert json_lines([{"a": "x\ny"}, {"a": 1}]).splitlines() == ['{"a":"x\\ny"}', '{"a":1}']
