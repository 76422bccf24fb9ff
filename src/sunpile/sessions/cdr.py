"""The charge detail record: closed, final, with the names of OCPI 2.2.1 and this house's integer units.

OCPI writes kWh and currency units as decimal numbers; here `total_energy` is Wh, `total_cost` and `price` are
nano-currency and micro-currency per kWh, `total_time` is seconds. A mistake is corrected by a credit record (OCPI
`credit`, `credit_reference_id`), never by a change.
"""

import json
from dataclasses import dataclass, fields, replace
from typing import Any

from sunpile.basics.interval import Interval
from sunpile.basics.units import MicroPerKwh, Nano, Wh, money
from sunpile.sessions.model import Pile, Session, SessionRules
from sunpile.sessions.register import Register, energy_between


@dataclass(frozen=True, slots=True)
class Period:
    """A charging period: the part of a session in one market interval."""

    interval: int
    """Interval index."""
    start_date_time: int
    """First second [Unix s]."""
    energy: Wh
    """ENERGY dimension [Wh]."""


@dataclass(frozen=True, slots=True)
class Cdr:
    """A charge detail record."""

    id: str
    """Its id: that of the session, with `-credit` for a credit record."""
    session_id: str
    """The session."""
    start_date_time: int
    """Start [Unix s]."""
    end_date_time: int
    """End [Unix s]."""
    cdr_token: str | None
    """What was shown to the pile."""
    auth_method: str
    """AUTH_REQUEST, or WHITELIST for the owner's own car."""
    location_id: str
    """Charging station."""
    evse_uid: int
    """EVSE number."""
    currency: str
    """ISO 4217."""
    price: MicroPerKwh
    """The tariff's only component: ENERGY [micro/kWh], as shown before the start."""
    charging_periods: tuple[Period, ...]
    """Energy by market interval; adds up to `total_energy`."""
    total_energy: Wh
    """Energy [Wh]; negative in a credit record."""
    total_cost: Nano
    """Money [nano]; negative in a credit record."""
    total_time: int
    """Duration [s]."""
    interval_length: int
    """Length of the periods' intervals [s]."""
    meter_start: Wh | None
    """Register at the start [Wh]."""
    meter_stop: Wh | None
    """Register at the end [Wh]."""
    last_updated: int
    """When it was closed [Unix s]."""
    remark: str = ""
    """What was odd, comma separated."""
    credit: bool = False
    """True for a record that takes another back."""
    credit_reference_id: str | None = None
    """The record taken back."""
    signed: str = ""
    """What its signed meter values are worth: valid, invalid, no key, unverified; empty without any."""

    def to_json(self) -> str:
        """Canonical JSON text."""
        body = {name: getattr(self, name) for name in _NAMES}
        body["charging_periods"] = [{name: getattr(one, name) for name in _PARTS} for one in self.charging_periods]
        return json.dumps(body, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Cdr":
        """Read what `to_json` wrote."""
        body: dict[str, Any] = json.loads(text)
        periods = tuple(Period(**period) for period in body.pop("charging_periods"))
        return cls(charging_periods=periods, **body)


_NAMES = tuple(field.name for field in fields(Cdr))
_PARTS = tuple(field.name for field in fields(Period))
"""`asdict` copies deeply, which takes ten times as long."""


def close_record(
    session: Session,
    register: Register,
    rules: SessionRules,
    now: int,
    cost: Nano | None = None,
    signed: str = "",
    number: int = 1,
) -> Cdr:
    """The final record of a session whose energy is known; `number` 2 and up for those that follow a credit record.

    `cost`: by its tariff; None: its energy times its price.
    """
    assert session.ended_at is not None
    parts = periods(register, session.started_at, session.ended_at, rules.interval_length)
    return Cdr(
        id=session.session if number == 1 else f"{session.session}-{number}",
        session_id=session.session,
        start_date_time=session.started_at,
        end_date_time=session.ended_at,
        cdr_token=session.id_token,
        auth_method="AUTH_REQUEST" if session.pays else "WHITELIST",
        location_id=session.station,
        evse_uid=session.evse,
        currency=rules.currency,
        price=session.price,
        charging_periods=adding_up(parts, session),
        total_energy=session.wh,
        total_cost=_total(session, cost),
        total_time=session.ended_at - session.started_at,
        interval_length=rules.interval_length,
        meter_start=session.start_wh,
        meter_stop=session.end_wh,
        last_updated=now,
        remark=",".join(sorted(session.doubts)),
        signed=signed,
    )


def _total(session: Session, cost: Nano | None) -> Nano:
    if not session.pays:
        return Nano(0)
    return money(session.wh, session.price) if cost is None else cost


def adding_up(parts: tuple[Period, ...], session: Session) -> tuple[Period, ...]:
    """`parts` that make the session's energy: what a signed register has more or less goes to the largest."""
    rest = session.wh - sum(period.energy for period in parts)
    if rest == 0 or not parts:
        return parts
    largest = max(range(len(parts)), key=lambda place: parts[place].energy)
    changed = replace(parts[largest], energy=Wh(parts[largest].energy + rest))
    return (*parts[:largest], changed, *parts[largest + 1 :])


def periods(register: Register, start: int, end: int, length: int) -> tuple[Period, ...]:
    """Energy from `start` to `end` [Unix s] by market interval; intervals without energy are left out."""
    found: list[Period] = []
    interval = Interval.at(start, length)
    while interval.start < end or interval.start == start:
        first, last = max(interval.start, start), min(interval.end, end)
        energy = energy_between(register, first, last)
        if energy:
            found.append(Period(interval.index, first, energy))
        interval = interval.following()
    return tuple(found)


def credit_record(cdr: Cdr, now: int, remark: str) -> Cdr:
    """The record that takes `cdr` back whole."""
    return replace(
        cdr,
        id=f"{cdr.id}-credit",
        total_energy=Wh(-cdr.total_energy),
        total_cost=Nano(-cdr.total_cost),
        charging_periods=tuple(replace(period, energy=Wh(-period.energy)) for period in cdr.charging_periods),
        credit=True,
        credit_reference_id=cdr.id,
        remark=remark,
        last_updated=now,
    )


@dataclass(frozen=True, slots=True)
class Quote:
    """What a driver sees before the start."""

    station: str
    """Charging station."""
    evse: int
    """EVSE number."""
    status: str
    """Status as the pile says it."""
    price: MicroPerKwh
    """Price for the whole session [micro/kWh]."""
    currency: str
    """ISO 4217."""
    step_wh: Wh
    """Energy of one voucher step [Wh]."""
    step_nano: Nano
    """Money of one voucher step [nano]; a channel needs at least this."""
    max_w: int
    """Largest power [W]."""


def quote(pile: Pile, rules: SessionRules) -> Quote:
    """The offer of a pile now."""
    return Quote(
        station=pile.station,
        evse=pile.evse,
        status=pile.status,
        price=pile.price,
        currency=rules.currency,
        step_wh=rules.step_wh,
        step_nano=money(rules.step_wh, pile.price),
        max_w=pile.max_w,
    )
