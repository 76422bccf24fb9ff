"""Prices and surplus for the control of sites, from the market where there is one."""

from dataclasses import dataclass, field

from sunpile.basics.interval import Interval
from sunpile.basics.ports import Clock
from sunpile.control.ports import Outlook
from sunpile.people.board import PowerBoard
from sunpile.store.people import StoreView

DAY_S = 86_400


class NoMarket:
    """`control.ports.Energy` where nobody publishes prices."""

    async def outlook(self, site: str) -> Outlook:
        """Nothing is known."""
        return Outlook()


@dataclass
class MarketEnergy:
    """`control.ports.Energy` of a zone: what its roofs give away now, and each slot's price as a day ago.

    The price of an interval is known only after it; what the same quarter hour cost yesterday is the plainest forecast.
    """

    view: StoreView
    board: PowerBoard
    clock: Clock
    length: int
    """Interval length [s]."""
    _prices: tuple[int, tuple[int, ...]] = field(default=(-1, ()))

    async def outlook(self, site: str) -> Outlook:
        """See `control.ports.Energy.outlook`."""
        now = Interval.at(self.clock.now(), self.length).index
        if self._prices[0] != now:
            self._prices = (now, await self._expected(now))
        return Outlook(self.board.exported_w(), self._prices[1], self.length)

    async def _expected(self, now: int) -> tuple[int, ...]:
        slots = DAY_S // self.length
        known = {item.interval: item.price for item in await self.view.intervals(slots, None) if item.price}
        if not known:
            return ()
        last = known[max(known)]
        return tuple(known.get(now + ahead - slots, last) for ahead in range(slots))
