"""What a car that talks ISO 15118 says it needs, and the profile it is offered (OCPP K15 to K20). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sunpile.chargers.commands import Period, Profile, Schedule
from sunpile.control.site import VOLTAGE_V, Wiring

OFFER_ID = 920_000
"""Numbers of offers on a station, plus the EVSE's."""
OFFERS_MAX = 3
"""So often a car that means to draw too much is offered anew; then it is left with what it was offered."""


@dataclass(frozen=True, slots=True)
class CarNeeds:
    """NotifyEVChargingNeeds, as far as it matters for a limit."""

    transaction: str
    """The transaction at the EVSE."""
    direct: bool
    """It charges with direct current: limits are in W."""
    dynamic: bool
    """It follows set points (ISO 15118-20 dynamic control) instead of a schedule."""
    want_ma: int | None = None
    """Most it can use [mA for each phase]; None: not said."""
    need_wh: int | None = None
    """Energy it wants [Wh]."""
    departs: int | None = None
    """When it leaves [Unix s]."""
    offers: int = 0
    """How often it was offered a profile because it meant to draw too much."""


def read_needs(payload: Mapping[str, Any], transaction: str, departs: int | None) -> CarNeeds:
    """The needs in a payload of OCPP 2.x."""
    needs = cast("Mapping[str, Any]", payload["chargingNeeds"])
    ac = cast("Mapping[str, Any]", needs.get("acChargingParameters", {}))
    dc = cast("Mapping[str, Any]", needs.get("dcChargingParameters", {}))
    v2x = cast("Mapping[str, Any]", needs.get("v2xChargingParameters", {}))
    direct = str(needs["requestedEnergyTransfer"]).startswith("DC")
    amps = None if direct else ac.get("evMaxCurrent", v2x.get("maxChargeCurrent"))
    energy = ac.get("energyAmount", dc.get("energyAmount", v2x.get("evTargetEnergyRequest")))
    return CarNeeds(
        transaction,
        direct,
        needs.get("controlMode") == "DynamicControl",
        None if amps is None else max(0, int(amps * 1000)),
        None if energy is None else max(0, int(energy)),
        departs,
    )


def offer(needs: CarNeeds, wiring: Wiring, ma: int, now: int, valid_s: int) -> Profile:
    """The profile for its transaction that carries the outlet's limit, and runs out with it."""
    limit = ma if needs.want_ma is None else min(ma, needs.want_ma)
    unit = "W" if needs.direct else "A"
    period = Period(0, ma * VOLTAGE_V * len(wiring.phases) // 1000 if needs.direct else limit)
    start, duration = (None, None) if needs.dynamic else (now, valid_s)
    return Profile(
        id=OFFER_ID + wiring.outlet.evse,
        schedules=[Schedule([period], unit, start=start, duration_s=duration)],
        purpose="TxProfile",
        stack_level=1,
        kind="Dynamic" if needs.dynamic else "Absolute",
        valid_to=now + valid_s,
        transaction=needs.transaction,
    )


def exceeds(schedule: Mapping[str, Any], wiring: Wiring, ma: int) -> bool:
    """True if a car's own schedule (OCPP 2.x) goes beyond the outlet's limit at any time."""
    most = ma if schedule["chargingRateUnit"] == "A" else ma * VOLTAGE_V * len(wiring.phases)
    periods = cast("list[Mapping[str, Any]]", schedule["chargingSchedulePeriod"])
    return any(period.get("limit") is not None and period["limit"] * 1000 > most for period in periods)
