"""One zone, one interval: which price, who trades how much. Straight from the definitions, slow and plain."""

from collections.abc import Sequence
from dataclasses import dataclass, field

NO_RANK = 1001


@dataclass(frozen=True)
class Tariff:
    """The grid's tariff, micro per kWh."""

    retail: int
    feed_in: int
    buy_fee: int
    sell_fee: int

    @property
    def low(self) -> int:
        return self.feed_in + self.sell_fee

    @property
    def high(self) -> int:
        return self.retail - self.buy_fee

    @property
    def has_band(self) -> bool:
        return self.low <= self.high

    @property
    def word(self) -> int:
        """As the digest holds it."""
        return self.retail << 144 | self.feed_in << 96 | self.buy_fee << 48 | self.sell_fee

    def limit(self, per_mille: int) -> int:
        """Price of a limit, rounded down."""
        return self.low + (self.high - self.low) * per_mille // 1000


@dataclass(frozen=True)
class Row:
    """Wh of one point on one side, and its limit in per mille; None: no order in force for these Wh."""

    point: int
    wh: int
    limit: int | None


@dataclass
class Clearing:
    """What a batch must say and what follows from it."""

    price: int
    volume: int
    buyers: list[Row]
    sellers: list[Row]
    buy_above: int
    buy_at: int
    sell_below: int
    sell_at: int
    fills: dict[int, int] = field(default_factory=dict)
    """Point -> matched Wh."""


def clear(buyers: Sequence[Row], sellers: Sequence[Row], tariff: Tariff) -> Clearing:
    """The competitive equilibrium at the middle of all that there are, and its fills."""
    if not tariff.has_band:
        buyers = [Row(row.point, row.wh, None) for row in buyers]
        sellers = [Row(row.point, row.wh, None) for row in sellers]
    buyers = sorted(buyers, key=lambda row: (NO_RANK if row.limit is None else 1000 - row.limit, row.point))
    sellers = sorted(sellers, key=lambda row: (NO_RANK if row.limit is None else row.limit, row.point))
    bids = [(tariff.limit(row.limit), row.wh) for row in buyers if row.limit is not None]
    asks = [(tariff.limit(row.limit), row.wh) for row in sellers if row.limit is not None]
    price = _middle(bids, asks, tariff) if tariff.has_band else 0

    clearing = Clearing(
        price=price,
        volume=0,
        buyers=buyers,
        sellers=sellers,
        buy_above=sum(wh for limit, wh in bids if limit > price),
        buy_at=sum(wh for limit, wh in bids if limit == price),
        sell_below=sum(wh for limit, wh in asks if limit < price),
        sell_at=sum(wh for limit, wh in asks if limit == price),
    )
    clearing.volume = min(clearing.buy_above + clearing.buy_at, clearing.sell_below + clearing.sell_at)
    _fill(clearing, buyers, tariff, +1, clearing.volume - clearing.buy_above, clearing.buy_at)
    _fill(clearing, sellers, tariff, -1, clearing.volume - clearing.sell_below, clearing.sell_at)
    return clearing


def _middle(bids: list[tuple[int, int]], asks: list[tuple[int, int]], tariff: Tariff) -> int:
    def is_equilibrium(price: int) -> bool:
        above = sum(wh for limit, wh in bids if limit > price)
        demand = sum(wh for limit, wh in bids if limit >= price)
        below = sum(wh for limit, wh in asks if limit < price)
        supply = sum(wh for limit, wh in asks if limit <= price)
        return above <= supply and below <= demand

    limits = {tariff.low, tariff.high} | {limit for limit, _ in bids + asks}
    # Between two limits nothing changes, so the prices beside each limit stand for all.
    candidates = {price for limit in limits for price in (limit - 1, limit, limit + 1)}
    found = [price for price in candidates if tariff.low <= price <= tariff.high and is_equilibrium(price)]
    return (min(found) + max(found)) // 2


def _fill(clearing: Clearing, rows: Sequence[Row], tariff: Tariff, side: int, share: int, group: int) -> None:
    running = 0
    for row in rows:
        limit = None if row.limit is None else tariff.limit(row.limit)
        if limit is None or side * (limit - clearing.price) < 0:
            clearing.fills[row.point] = 0
        elif limit != clearing.price:
            clearing.fills[row.point] = row.wh
        else:
            clearing.fills[row.point] = share * (running + row.wh) // group - share * running // group
            running += row.wh
