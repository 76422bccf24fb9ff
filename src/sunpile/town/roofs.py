"""Roofs: PVWatts on each roof's own tilt and azimuth, under one sky."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from sunpile.town.energy import Steps
from sunpile.town.localtime import draw
from sunpile.town.weather import STEP, Day

GAMMA = -0.0037
"""Loss of a module's power with its temperature [1/K]."""
SYSTEM_LOSS = 0.14
"""Soiling, shading, mismatch, wiring (PVWatts v5 default)."""


@dataclass(frozen=True, slots=True)
class Roof:
    """A rooftop plant behind one inverter."""

    dc_w: int
    """Power of the modules under standard test conditions [W]."""
    ac_w: int
    """Rated power of the inverter [W]."""
    tilt: int
    """Degrees from the horizontal."""
    azimuth: int
    """Degrees from north, clockwise: 180 is south."""


def draw_roof(seed: int, house: int) -> Roof:
    """A roof of 4 to 12 kW, most of them somewhere between east and west by south."""
    dice = draw(seed, "roof", house)
    dc_w = dice.randrange(4000, 12001, 400)
    return Roof(dc_w, dc_w * 85 // 100 // 100 * 100, dice.randrange(15, 46, 5), dice.randrange(90, 271, 15))


def ac_power(roof: Roof, weather: Day, begin: int) -> Steps:
    """AC power of `roof` over the day [W], steps from `begin` (the day's midnight in standard time, Unix s).

    Transposition after Hay and Davies, cell temperature by the SAPM formula, PVWatts v5 for modules and inverter.
    """
    pvlib: Any = import_module("pvlib")
    sky, sun = weather.frame, weather.sun
    plane = pvlib.irradiance.get_total_irradiance(
        roof.tilt,
        roof.azimuth,
        sun["apparent_zenith"],
        sun["azimuth"],
        sky["dni"],
        sky["ghi"],
        sky["dhi"],
        dni_extra=weather.extra,
        model="haydavies",
    )["poa_global"].fillna(0.0)
    mount = pvlib.temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"]["close_mount_glass_glass"]
    cell = pvlib.temperature.sapm_cell(plane, sky["temp_air"], sky["wind_speed"], **mount)
    dc = pvlib.pvsystem.pvwatts_dc(plane, cell, roof.dc_w, GAMMA) * (1 - SYSTEM_LOSS)
    ac = pvlib.inverter.pvwatts(dc, roof.ac_w / 0.96)
    watts = tuple(max(0, int(w)) for w in ac)
    return Steps(tuple(begin + STEP * i for i in range(len(watts))), watts)
