"""Sun and air of one day: a typical meteorological year that ships inside pvlib (NREL TMY3, Greensboro, 36 N).

The year's days are kept, the station's standard time is read as the town's standard time (CET).
"""

from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

STATION_FILE = "723170TYA.CSV"
STEP = 300
"""Length of a weather step [s]."""


@dataclass(frozen=True)
class Day:
    """Weather of one day in steps of five minutes, from midnight of the station's standard time."""

    frame: Any
    """pandas DataFrame by local time: ghi, dni, dhi [W/m2], temp_air [C], wind_speed [m/s]."""
    sun: Any
    """pandas DataFrame by local time: the sun's zenith and azimuth [degrees]."""
    extra: float
    """Extraterrestrial irradiance [W/m2]."""


def load(day: date) -> Day:
    """Weather of the calendar day of `day`. Imports pvlib (two seconds)."""
    pandas: Any = import_module("pandas")
    pvlib: Any = import_module("pvlib")
    file = Path(pvlib.__file__).parent / "data" / STATION_FILE
    # February's 29th has no typical weather: it gets the 28th's.
    calendar = day.replace(year=2022, day=min(day.day, 28)) if day.month == 2 else day.replace(year=2022)
    year, station = pvlib.iotools.read_tmy3(file, coerce_year=2022, map_variables=True)
    hours = year[["ghi", "dni", "dhi", "temp_air", "wind_speed"]]
    begin = pandas.Timestamp(calendar, tz=year.index.tz)
    times = pandas.date_range(begin, periods=86400 // STEP, freq=f"{STEP}s")
    # A TMY3 row is the hour that ends at its time: its middle stands half an hour earlier.
    hours = hours.set_axis(hours.index - pandas.Timedelta(minutes=30))
    around = hours.loc[begin - pandas.Timedelta(hours=2) : begin + pandas.Timedelta(hours=26)]
    frame = around.reindex(around.index.union(times)).interpolate("time").ffill().bfill().loc[times]
    middles = times + pandas.Timedelta(seconds=STEP // 2)
    sun = pvlib.solarposition.get_solarposition(middles, station["latitude"], station["longitude"])
    sun = sun[["apparent_zenith", "azimuth"]].set_axis(times)
    return Day(frame, sun, float(pvlib.irradiance.get_extra_radiation(calendar.timetuple().tm_yday)))
