"""What charging costs: the operator's tariffs, in the parts OCPP 2.1 knows, all whole numbers.

Prices are micro-currency per kWh, per minute or per session, without tax; a part's first price whose conditions hold is
the one in force. Times of day, weekdays and dates are local to the tariff. A plain price per kWh is the simplest
tariff, and what an EVSE has where nothing else is said.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from sunpile.basics.errors import InputInvalid
from sunpile.chargers.commands.command import record

CENT = 10_000_000
"""A hundredth of the currency unit [nano]."""
Part = Literal["energy", "charging_time", "idle_time", "fixed", "reservation_time", "reservation_fixed"]
PARTS: tuple[Part, ...] = ("energy", "charging_time", "idle_time", "fixed", "reservation_time", "reservation_fixed")
PRICE_MAX = 10**12


@record
class When:
    """Conditions of a price; all of them hold, and none is always. Limits: from `min` on, below `max`."""

    from_minute: int | None = None
    """Local minute of the day from which it holds, 0 to 1439."""
    until_minute: int | None = None
    """Local minute of the day at which it ends, 1 to 1440; at or before `from_minute`: over midnight."""
    days: frozenset[int] | None = None
    """Weekdays, Monday is 0."""
    from_date: str | None = None
    """First local date, YYYY-MM-DD."""
    until_date: str | None = None
    """Local date at which it ends, YYYY-MM-DD."""
    min_wh: int | None = None
    """From this energy of the session on [Wh]."""
    max_wh: int | None = None
    """Below this energy [Wh]."""
    min_s: int | None = None
    """From this duration of the session on [s]."""
    max_s: int | None = None
    """Below this duration [s]."""
    min_charging_s: int | None = None
    """From this duration of charging on [s]."""
    max_charging_s: int | None = None
    """Below this duration of charging [s]."""
    min_idle_s: int | None = None
    """From this duration of standing without charging on [s]."""
    max_idle_s: int | None = None
    """Below this duration of standing [s]."""
    min_w: int | None = None
    """From this mean power on [W]."""
    max_w: int | None = None
    """Below this mean power [W]."""
    evse_kind: Literal["AC", "DC"] | None = None
    """Only on such EVSEs."""

    @property
    def always(self) -> bool:
        """No condition at all."""
        return self == ALWAYS


ALWAYS = When()


@record
class Price:
    """A price and when it holds."""

    price: int
    """Per kWh, per minute or per session, without tax [micro]."""
    when: When = ALWAYS
    """Conditions."""


@record
class Tax:
    """A tax on a part of the price."""

    name: str
    """VAT, ..., at most 20 letters."""
    ppm: int
    """Rate [millionths]: 200000 is 20 %."""
    stack: int = 0
    """0: on the bare price; n: on the price with all taxes of lower numbers."""


@record
class Tariff:
    """What a session costs."""

    id: str
    """Its id, at most 60 letters; a tariff with another content needs another id at a station."""
    currency: str
    """ISO 4217."""
    energy: tuple[Price, ...] = ()
    """Per kWh."""
    charging_time: tuple[Price, ...] = ()
    """Per minute while energy flows."""
    idle_time: tuple[Price, ...] = ()
    """Per minute while none flows."""
    fixed: tuple[Price, ...] = ()
    """Once per session."""
    reservation_time: tuple[Price, ...] = ()
    """Per minute of a reservation that was used."""
    reservation_fixed: tuple[Price, ...] = ()
    """Once for a reservation that was used."""
    taxes: tuple[Tax, ...] = ()
    """On all parts."""
    min_nano: int | None = None
    """Least cost of a session, without tax [nano]."""
    max_nano: int | None = None
    """Greatest cost of a session, without tax [nano]."""
    step_nano: int = CENT
    """The total with tax is rounded to a multiple of this, half up, once, at the very end [nano]."""
    time_zone: str = "UTC"
    """IANA name; times and dates of conditions are local to it."""
    idle_below_w: int = 100
    """Below this mean power a car stands and does not charge [W]."""
    valid_from: int | None = None
    """Not for sessions that begin before [Unix s]."""
    description: dict[str, str] | None = None
    """Language (RFC 5646) to text, in place of the one made from the prices."""

    def prices(self, part: Part) -> tuple[Price, ...]:
        """The prices of a part."""
        found: tuple[Price, ...] = getattr(self, part)
        return found


@dataclass(frozen=True, slots=True)
class TariffSupport:
    """What a station's device model says of tariffs (TariffCostCtrlr)."""

    max_elements: int | None = None
    """Prices per part at most (MaxElements); None: it does not say."""
    conditions: bool = True
    """Prices may have conditions (ConditionsSupported)."""
    currency: str | None = None
    """Its currency, if it says one."""


def plain_tariff(price: int, currency: str, time_zone: str = "UTC") -> Tariff:
    """A price per kWh [micro/kWh] and nothing else, exact to the nano: what an EVSE's own price means."""
    return Tariff(f"kwh-{price}", currency, energy=(Price(price),), step_nano=1, time_zone=time_zone)


def check(tariff: Tariff) -> None:
    """Refuse a tariff that cannot be reckoned with or shown.

    Raises
    ------
    InputInvalid
        saying what is wrong.
    """
    if not 1 <= len(tariff.id) <= 60 or not tariff.id.isprintable():
        raise InputInvalid("a tariff's id has 1 to 60 printable letters")
    if len(tariff.currency) != 3 or not tariff.currency.isascii() or not tariff.currency.isupper():
        raise InputInvalid("a tariff's currency is a code of ISO 4217")
    for part in PARTS:
        for price in tariff.prices(part):
            _check_price(part, price)
    if len(tariff.taxes) > 5 or not all(_is_tax(tax) for tax in tariff.taxes):
        raise InputInvalid("a tariff has up to 5 taxes, each with a name, 0 to 1000000 ppm and a stack of 0 to 4")
    low, high = tariff.min_nano, tariff.max_nano
    if (low or 0) < 0 or (high is not None and high < (low or 0)) or tariff.step_nano < 1 or tariff.idle_below_w < 0:
        raise InputInvalid("a tariff's least cost, greatest cost and step do not fit together")
    if tariff.description and any(not 1 <= len(text) <= 1024 for text in tariff.description.values()):
        raise InputInvalid("a tariff's description has 1 to 1024 letters in each language")


def _check_price(part: Part, price: Price) -> None:
    when = price.when
    if not 0 <= price.price <= PRICE_MAX:
        raise InputInvalid(f"a price of {part} is out of range")
    if part in ("fixed", "reservation_time", "reservation_fixed"):
        once = When(
            from_minute=when.from_minute,
            until_minute=when.until_minute,
            days=when.days,
            from_date=when.from_date,
            until_date=when.until_date,
            evse_kind=when.evse_kind,
        )
        if when != once:
            raise InputInvalid(f"a price of {part} depends on time of day, date and kind of EVSE only")
    if not 0 <= (when.from_minute or 0) <= 1439 or not 1 <= (when.until_minute or 1) <= 1440:
        raise InputInvalid("a minute of the day is 0 to 1439, its end 1 to 1440")
    if when.days is not None and not (when.days and when.days <= frozenset(range(7))):
        raise InputInvalid("weekdays are 0 (Monday) to 6")
    for day in (when.from_date, when.until_date):
        if day is not None and not _is_date(day):
            raise InputInvalid("a date is YYYY-MM-DD")


def _is_tax(tax: Tax) -> bool:
    return 1 <= len(tax.name) <= 20 and 0 <= tax.ppm <= 10**6 and 0 <= tax.stack <= 4


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
