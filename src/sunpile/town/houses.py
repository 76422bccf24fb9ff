"""Households: the BDEW profile H25 with its seasonal curve, each house with its own size and its own noise."""

from datetime import UTC, datetime, timedelta

from sunpile.town.energy import Steps
from sunpile.town.localtime import draw, offset
from sunpile.town.tables import column

QUARTER = 900
PROFILE_KWH = 1_000_000
"""The profile's quarter hours add up to this over a year."""


def season(day_of_year: int) -> float:
    """BDEW's dynamic factor F(t) = -3.92e-10 t^4 + 3.2e-7 t^3 - 7.02e-5 t^2 + 2.1e-3 t + 1.24."""
    t = day_of_year
    return -3.92e-10 * t**4 + 3.2e-7 * t**3 - 7.02e-5 * t**2 + 2.1e-3 * t + 1.24


def profile_watts(begin: int, year_kwh: float) -> float:
    """Mean power [W] in the quarter hour that starts at `begin` [Unix s] of a house that uses `year_kwh` a year."""
    local = datetime.fromtimestamp(begin, UTC) + timedelta(seconds=offset(begin))
    kind = {5: "saturday", 6: "sunday"}.get(local.weekday(), "weekday")
    kwh = column("household-h25", f"{local.month}-{kind}")[local.hour * 4 + local.minute // 15]
    return kwh * season(local.timetuple().tm_yday) * year_kwh / PROFILE_KWH * 4000


def load(seed: int, house: int, begin: int, end: int) -> Steps:
    """Load of `house` from `begin` to `end` [Unix s] in quarter hours."""
    dice = draw(seed, "house", house)
    year_kwh = dice.triangular(1800, 6000, 3200)
    times = tuple(range(begin // QUARTER * QUARTER, end, QUARTER))
    # Single houses jump: half a standby, half a draw that is one on average.
    watts = tuple(int(profile_watts(t, year_kwh) * (0.5 + dice.gammavariate(1.5, 1 / 3))) for t in times)
    return Steps(times, watts)
