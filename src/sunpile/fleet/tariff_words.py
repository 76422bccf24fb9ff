"""A tariff in the words of OCPP 2.1 and of people, and a station's own reckoning held against ours."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, cast

from sunpile.basics.errors import InputInvalid
from sunpile.chargers.values import date_time, decimal, scaled_number
from sunpile.fleet.costs import Cost, rounded, tax_of
from sunpile.fleet.tariffs import PARTS, Part, Price, Tariff, TariffSupport, When, check

Json = dict[str, Any]
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_KEYS: dict[Part, tuple[str, str]] = {
    "energy": ("energy", "priceKwh"),
    "charging_time": ("chargingTime", "priceMinute"),
    "idle_time": ("idleTime", "priceMinute"),
    "fixed": ("fixedFee", "priceFixed"),
    "reservation_time": ("reservationTime", "priceMinute"),
    "reservation_fixed": ("reservationFixed", "priceFixed"),
}
_COSTS: dict[Part, str] = {part: "fixed" if part == "fixed" else key for part, (key, _) in _KEYS.items()}
_NUMBERS = {
    "minEnergy": "min_wh",
    "maxEnergy": "max_wh",
    "minTime": "min_s",
    "maxTime": "max_s",
    "minChargingTime": "min_charging_s",
    "maxChargingTime": "max_charging_s",
    "minIdleTime": "min_idle_s",
    "maxIdleTime": "max_idle_s",
    "minPower": "min_w",
    "maxPower": "max_w",
}


def to_ocpp(tariff: Tariff, support: TariffSupport | None = None) -> Json:
    """The tariff as OCPP 2.1's TariffType, for a station that supports `support`.

    Raises
    ------
    InputInvalid
        if the station cannot take it: too many prices, conditions, another currency.
    """
    check(tariff)
    _fits(tariff, support or TariffSupport())
    taxes = [
        {"type": tax.name, "tax": decimal(tax.ppm, 4)} | ({"stack": tax.stack} if tax.stack else {})
        for tax in tariff.taxes
    ]
    body: Json = {"tariffId": tariff.id, "currency": tariff.currency}
    body["description"] = [
        {"format": "UTF8", "language": language, "content": text}
        for language, text in (tariff.description or texts(tariff)).items()
    ]
    for part in PARTS:
        key, price_key = _KEYS[part]
        prices = [_price(price, price_key) for price in tariff.prices(part)]
        if prices:
            body[key] = {"prices": prices} | ({"taxRates": taxes} if taxes else {})
    for key, nano in (("minCost", tariff.min_nano), ("maxCost", tariff.max_nano)):
        if nano is not None:
            body[key] = {"exclTax": decimal(nano, 9)} | ({"taxRates": taxes} if taxes else {})
    if tariff.valid_from is not None:
        body["validFrom"] = date_time(tariff.valid_from)
    return body


def _fits(tariff: Tariff, support: TariffSupport) -> None:
    most = max(len(tariff.prices(part)) for part in PARTS)
    if support.max_elements is not None and most > support.max_elements:
        raise InputInvalid(f"the station takes {support.max_elements} prices for each part; the tariff has {most}")
    conditions = any(not price.when.always for part in PARTS for price in tariff.prices(part))
    if conditions and not support.conditions:
        raise InputInvalid("the station takes no prices with conditions")
    if support.currency is not None and support.currency != tariff.currency:
        raise InputInvalid(f"the station reckons in {support.currency}, the tariff in {tariff.currency}")


def _price(price: Price, key: str) -> Json:
    body: Json = {key: decimal(price.price, 6)}
    conditions = _conditions(price.when)
    return body | ({"conditions": conditions} if conditions else {})


def _conditions(when: When) -> Json:
    body: Json = {}
    if when.from_minute is not None:
        body["startTimeOfDay"] = clock(when.from_minute)
    if when.until_minute is not None:
        body["endTimeOfDay"] = clock(when.until_minute)
    if when.days is not None:
        body["dayOfWeek"] = [DAYS[day] for day in sorted(when.days)]
    if when.from_date is not None:
        body["validFromDate"] = when.from_date
    if when.until_date is not None:
        body["validToDate"] = when.until_date
    if when.evse_kind is not None:
        body["evseKind"] = when.evse_kind
    for key, name in _NUMBERS.items():
        value = cast("int | None", getattr(when, name))
        if value is not None:
            body[key] = value
    return body


def clock(minute: int) -> str:
    """A minute of the day as HH:MM; the day's end is 00:00."""
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


# -- for people -------------------------------------------------------------------------------------------------------

_UNITS: dict[str, dict[Part, str]] = {
    "en": {
        "energy": "{price} per kWh",
        "charging_time": "{price} per minute of charging",
        "idle_time": "{price} per minute of standing after charging",
        "fixed": "{price} per session",
        "reservation_time": "{price} per minute of reservation",
        "reservation_fixed": "{price} per reservation",
    },
    "zh-Hans": {
        "energy": "每千瓦时 {price}",
        "charging_time": "充电每分钟 {price}",
        "idle_time": "占位每分钟 {price}",
        "fixed": "每次 {price}",
        "reservation_time": "预约每分钟 {price}",
        "reservation_fixed": "每次预约 {price}",
    },
}
_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "free": "free of charge",
        "tax": "tax included",
        "join": "; ",
        "otherwise": "otherwise ",
        "time": " from {low} to {high}",
        "days": " on {days}",
        "from_date": " from {date}",
        "until_date": " before {date}",
        "kind": " at {kind}",
        "more": " from {low} {unit} on",
        "less": " up to {high} {unit}",
        "least": "at least {price}",
        "most": "at most {price}",
        "day_names": "Mon Tue Wed Thu Fri Sat Sun",
    },
    "zh-Hans": {
        "free": "免费",
        "tax": "含税",
        "join": "；",
        "otherwise": "其他情况",
        "time": "（{low}至{high}）",
        "days": "（{days}）",
        "from_date": "（自{date}起）",
        "until_date": "（{date}之前）",
        "kind": "（{kind}）",
        "more": "（从 {low} {unit} 起）",
        "less": "（{high} {unit} 以内）",
        "least": "最低 {price}",
        "most": "最高 {price}",
        "day_names": "周一 周二 周三 周四 周五 周六 周日",
    },
}


def texts(tariff: Tariff) -> dict[str, str]:
    """What the tariff says to a driver, in each of our languages, with tax, at most 1024 letters each."""
    return {language: text(tariff, language) for language in _WORDS}


def text(tariff: Tariff, language: str) -> str:
    """What the tariff says to a driver, with tax."""
    if tariff.description and language in tariff.description:
        return tariff.description[language]
    words, units = _WORDS[language], _UNITS[language]
    said: list[str] = []
    for part in PARTS:
        prices = tariff.prices(part)
        if all(price.price == 0 for price in prices):
            continue
        for place, price in enumerate(prices):
            shown = amount(with_tax(tariff, price.price * 1000), tariff.currency)
            lead = words["otherwise"] if place and price.when.always else ""
            said.append(lead + units[part].format(price=shown) + _when(price.when, words))
    if not said:
        return words["free"]
    for key, nano in (("least", tariff.min_nano), ("most", tariff.max_nano)):
        if nano is not None:
            said.append(words[key].format(price=amount(with_tax(tariff, nano), tariff.currency)))
    if tariff.taxes:
        said.append(words["tax"])
    return words["join"].join(said)[:1024]


def _when(when: When, words: Mapping[str, str]) -> str:
    found: list[str] = []
    if when.from_minute is not None or when.until_minute is not None:
        low, high = clock(when.from_minute or 0), clock(when.until_minute if when.until_minute is not None else 1440)
        found.append(words["time"].format(low=low, high=high))
    if when.days is not None:
        names = words["day_names"].split()
        found.append(words["days"].format(days=", ".join(names[day] for day in sorted(when.days))))
    if when.from_date:
        found.append(words["from_date"].format(date=when.from_date))
    if when.until_date:
        found.append(words["until_date"].format(date=when.until_date))
    if when.evse_kind:
        found.append(words["kind"].format(kind=when.evse_kind))
    ranges = (
        (when.min_wh, when.max_wh, "kWh", 1000),
        (when.min_w, when.max_w, "kW", 1000),
        (when.min_s, when.max_s, "min", 60),
        (when.min_charging_s, when.max_charging_s, "min", 60),
        (when.min_idle_s, when.max_idle_s, "min", 60),
    )
    for low, high, unit, scale in ranges:
        if low is not None:
            found.append(words["more"].format(low=_short(low, scale), unit=unit))
        if high is not None:
            found.append(words["less"].format(high=_short(high, scale), unit=unit))
    return "".join(found)


def _short(value: int, scale: int) -> str:
    return str(value // scale) if value % scale == 0 else str(float(round(Fraction(value, scale), 2)))


def with_tax(tariff: Tariff, nano: int) -> int:
    """An amount without tax [nano] with the tariff's taxes, rounded half up to a nano: for showing."""
    return rounded(nano + tax_of(tariff, Fraction(nano)), 1)


def amount(nano: int, currency: str) -> str:
    """Money for people: at least two places after the point, at most six.

    >>> amount(350_000_000, "EUR")
    '0.35 EUR'
    """
    micro = rounded(Fraction(nano, 1000), 1)
    whole, rest = divmod(abs(micro), 10**6)
    places = f"{rest:06}".rstrip("0").ljust(2, "0")
    return f"{'-' if micro < 0 else ''}{whole}.{places} {currency}"


# -- the station's own reckoning --------------------------------------------------------------------------------------


def differences(ours: Cost, tariff: Tariff, details: Mapping[str, Any], tolerance_nano: int) -> list[str]:
    """How a station's CostDetails differ from our reckoning, in words; empty if they agree.

    A station rounds in its own way, so amounts may differ by `tolerance_nano`. What it does not say is not compared.
    """
    if details.get("failureToCalculate"):
        return [f"the station could not reckon: {str(details.get('failureReason', ''))[:200]}".rstrip(": ")]
    found: list[str] = []
    theirs = cast("Mapping[str, Any]", details.get("totalCost", {}))
    if theirs.get("currency") not in (None, tariff.currency):
        found.append(f"currency {theirs['currency']} and not {tariff.currency}")
    used = cast("Mapping[str, Any]", details.get("totalUsage", {}))
    energy = _number(used.get("energy"), 0)
    if energy is not None and abs(energy - ours.wh) > 1:
        found.append(f"energy {energy} Wh and not {ours.wh} Wh")
    total = cast("Mapping[str, Any]", theirs.get("total", {}))
    compared: list[tuple[str, object, Fraction]] = [
        ("total without tax", total.get("exclTax"), ours.net),
        ("total with tax", total.get("inclTax"), ours.net + ours.tax),
    ]
    for part, key in _COSTS.items():
        price = cast("Mapping[str, Any]", theirs.get(key, {}))
        compared.append((part.replace("_", " "), price.get("exclTax"), ours.parts[part]))
    for name, said, known in compared:
        nano = _number(said, 9)
        if nano is not None and abs(nano - known) > tolerance_nano:
            shown = amount(rounded(known, 1), tariff.currency)
            found.append(f"{name} {amount(nano, tariff.currency)} and not {shown}")
    return found


def _number(value: object, power: int) -> int | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return scaled_number(value, power)
    except ValueError:
        return None
