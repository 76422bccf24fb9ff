"""One bad row does not stop a job, and a job that fails does not stop the node."""

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from sunpile.basics.jobs import goes_on
from sunpile.fleet.reservations import Reservation, Reservations

NOW = 1_800_000_000


def test_what_fails_is_written_down_and_left(caplog: pytest.LogCaptureFixture) -> None:
    with goes_on("the look at sites"):
        raise KeyError("a row nobody thought of")
    assert "the look at sites failed" in caplog.text


async def test_who_is_cancelled_ends() -> None:
    with pytest.raises(asyncio.CancelledError), goes_on("a job"):
        raise asyncio.CancelledError


class Book:
    """Reservations, the first of which breaks whatever touches it."""

    def __init__(self) -> None:
        self.rows = [Reservation(n, "P1", "A", "Central", NOW - 9999, NOW - 99999, state="made") for n in (1, 2)]

    async def open(self) -> list[Reservation]:
        return self.rows

    async def change(self, _station: str, number: int, decide: Any) -> Reservation:
        if number == 1:
            raise ValueError("a bad row")
        self.rows[1] = decide(self.rows[1])
        return replace(self.rows[1])


class Clock:
    """Stands still; a job that waits is done."""

    def now(self) -> int:
        return NOW

    def work(self) -> Any:
        return nullcontext()

    async def sleep_until(self, _when: int) -> None:
        raise asyncio.CancelledError


async def test_reservations_end_beside_one_that_cannot() -> None:
    book: Any = Book()
    desk = Reservations(book, None, Clock())  # type: ignore[arg-type]
    with pytest.raises(asyncio.CancelledError):
        await desk.run()
    assert book.rows[1].state == "expired"
