"""Commands in parts: nothing is lost, no part is too long, and the result is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunpile.chargers.commands import ClearMonitors, CommandResult, GetVariables, Reset, VariableName
from sunpile.chargers.parts import joined, message_of, split


@given(st.lists(st.integers(0, 99), min_size=1, max_size=40), st.integers(1, 12))
def test_parts_keep_order_and_length(ids: list[int], most: int) -> None:
    parts = split(ClearMonitors(ids), most)
    assert [number for part in parts for number in part.ids] == ids  # type: ignore[attr-defined]
    assert all(1 <= len(part.ids) <= most for part in parts)  # type: ignore[attr-defined]


@pytest.mark.parametrize("most", [None, 0, -1])
def test_without_a_limit_a_command_is_whole(most: int | None) -> None:
    command = GetVariables([VariableName("A", "B"), VariableName("C", "D")])
    assert split(command, most) == [command]


def test_each_part_keeps_what_is_not_listed() -> None:
    command = GetVariables([VariableName("A", "B"), VariableName("C", "D")], "Target")
    assert [part.attribute for part in split(command, 1)] == ["Target", "Target"]  # type: ignore[attr-defined]


def test_what_lists_nothing_has_no_parts() -> None:
    assert message_of(Reset()) is None
    assert split(Reset(), 1) == [Reset()]


def test_the_result_of_parts_shows_the_refusal_and_every_row() -> None:
    parts = [
        CommandResult("Accepted", True, "", {"getVariableResult": [1]}),
        CommandResult("UnknownVariable", False, "NotFound", {"getVariableResult": [2]}),
        CommandResult("Accepted", True, "", {"getVariableResult": [3]}),
    ]
    assert joined(parts) == CommandResult("UnknownVariable", False, "NotFound", {"getVariableResult": [1, 2, 3]})
    assert joined(parts[:1]) is parts[0]
