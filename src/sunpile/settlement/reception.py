"""Where readings are received: node and members judge them by the same rule and answer when they are durable."""

import asyncio
from collections.abc import Sequence

from sunpile.basics.reading import SignedReading
from sunpile.basics.typed_data import Domain
from sunpile.settlement.intake import Answer, IntakeView, decide
from sunpile.settlement.ports import PointBook, ReadingShelf


class Reception:
    """Takes in readings one batch after another, so that two versions of a reading never pass each other."""

    def __init__(self, shelf: ReadingShelf, points: PointBook, domain: Domain, length: int) -> None:
        self._shelf = shelf
        self._points = points
        self._domain = domain
        self._length = length
        self._one_by_one = asyncio.Lock()

    async def receive(self, readings: Sequence[SignedReading], now: int | None, at: int) -> list[Answer]:
        """Judge and keep `readings`; one answer each, given when all of them are durable.

        Parameters
        ----------
        now
            Unix time, or None where there is no clock (a member).
        at
            Unix time to note as the time of receipt.
        """
        async with self._one_by_one:
            answered: list[tuple[SignedReading, Answer]] = []
            held = dict(await self._shelf.known({(item.reading.point, item.reading.interval) for item in readings}))
            for signed in readings:
                place = (signed.reading.point, signed.reading.interval)
                known = held.get(place, ())
                key = await self._points.key(*place)
                settled = await self._points.settled(*place)
                answer = decide(signed, IntakeView(key, known, settled, self._domain, now, self._length))
                if answer.keep:
                    held[place] = (*known, signed)[:2]
                answered.append((signed, answer))
            await self._shelf.add_all(answered, at)
            return [answer for _, answer in answered]
