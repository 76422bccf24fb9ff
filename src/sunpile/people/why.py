"""Why this price: the curves of a batch and the case that explains its price, from what the batch itself says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sunpile.people.reads import CurveStep, Why


@dataclass(frozen=True, slots=True)
class PricedRow:
    """One row of a batch under its limit price."""

    price: int | None
    """Limit price [micro/kWh]; None: the row does not trade."""
    wh: int
    """Metered energy [Wh]."""
    filled_wh: int
    """Of it traded between neighbours [Wh]."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The four sums of a batch's header [Wh]."""

    buy_above: int
    """Live buyers with a limit above the price."""
    buy_at: int
    """Live buyers whose limit is the price."""
    sell_below: int
    """Live sellers with a limit below the price."""
    sell_at: int
    """Live sellers whose limit is the price."""

    @property
    def volume(self) -> int:
        """Energy that is matched [Wh]."""
        return min(self.buy_above + self.buy_at, self.sell_below + self.sell_at)


def steps(rows: Iterable[PricedRow], falling: bool) -> list[CurveStep]:
    """Rows that trade, gathered by limit price: falling for demand, rising for supply."""
    sums: dict[int, tuple[int, int, int]] = {}
    for row in rows:
        if row.price is not None:
            wh, filled, points = sums.get(row.price, (0, 0, 0))
            sums[row.price] = (wh + row.wh, filled + row.filled_wh, points + 1)
    return [CurveStep(price, *sums[price]) for price in sorted(sums, reverse=falling)]


def explain(
    groups: Groups, demand: Sequence[CurveStep], supply: Sequence[CurveStep], price: int, has_band: bool
) -> Why:
    """The case of a price. The marginal group is the one that shares what is left; if neither side is short, the one
    group whose limit is the price, if there is any."""
    wanted = groups.buy_above + groups.buy_at
    offered = groups.sell_below + groups.sell_at
    total_wanted, total_offered = sum(s.wh for s in demand), sum(s.wh for s in supply)
    side = _marginal_side(groups, wanted, offered)
    group = next((s for s in (demand if side == "buyers" else supply) if s.price == price), None) if side else None
    if not has_band:
        case = "no-band"
    elif not total_wanted and not total_offered:
        case = "nobody"
    elif not total_offered:
        case = "no-sellers"
    elif not total_wanted:
        case = "no-buyers"
    elif wanted > offered:
        case = "scarce"
    elif offered > wanted:
        case = "ample"
    else:
        case = "balanced"
    if case in ("no-sellers", "no-buyers"):
        wanted, offered, side, group = total_wanted, total_offered, None, None
    at, strict = (groups.buy_at, groups.buy_above) if side == "buyers" else (groups.sell_at, groups.sell_below)
    return Why(
        case,
        wanted,
        offered,
        side,
        group.points if group else 0,
        at if side else 0,
        groups.volume - strict if side else 0,
    )


def _marginal_side(groups: Groups, wanted: int, offered: int) -> str | None:
    if groups.buy_at and wanted > offered:
        return "buyers"
    if groups.sell_at and offered > wanted:
        return "sellers"
    if groups.buy_at and not groups.sell_at:
        return "buyers"
    return "sellers" if groups.sell_at and not groups.buy_at else None
