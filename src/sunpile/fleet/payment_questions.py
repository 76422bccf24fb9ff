"""What stations ask about payment (2.1): settlements of their terminals, VAT numbers, battery swaps.

`asked` answers a question that is ours and gives None for any other, so that handlers can be asked in turn.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from sunpile.basics.errors import SunpileError, Unreachable
from sunpile.basics.hashing import keccak256
from sunpile.basics.ports import Clock
from sunpile.chargers.notices import Answer, Question
from sunpile.chargers.values import scaled_number, unix_time

_FORMATS = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z0-9]\d{7}[A-Z0-9]",
    "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"\d[A-Z0-9+*]\d{5}[A-Z]{1,2}",
    "IT": r"\d{11}",
    "LT": r"(\d{9}|\d{12})",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"[A-Z0-9+*]{10}\d{2}",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{12}",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "XI": r"(\d{9}|\d{12}|(GD|HA)\d{3})",
    "GB": r"(\d{9}|\d{12}|(GD|HA)\d{3})",
}
NANO_MAX = 10**18
_RULES = {country: re.compile(rule, re.ASCII) for country, rule in _FORMATS.items()}
"""The part after the country's letters, as the VAT Information Exchange System of the EU takes it."""


@dataclass(frozen=True, slots=True)
class Company:
    """Who a VAT number belongs to."""

    name: str
    """Its name, at most 50 letters are told."""
    address: str = ""
    """Street and number."""
    city: str = ""
    """City."""
    postal_code: str = ""
    """Postal code."""


class VatBook(Protocol):
    """A register of VAT numbers, such as the EU's."""

    async def company(self, country: str, number: str) -> Company | None:
        """None: not registered. Raises `Unreachable` while the register does not answer."""
        ...


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a payment terminal told."""

    station: str
    """Charging station."""
    payment: str
    """The terminal's reference."""
    status: str
    """Settled, Canceled, Rejected or Failed."""
    nano: int
    """Amount [nano]."""
    settled_at: int
    """The station's time."""
    ocpp_transaction: str | None
    """The transaction; None: cancelled before one began."""
    receipt: str
    """Number of the receipt: the station's own, or ours."""


class PaymentLedger(Protocol):
    """Settlements and swaps as they are kept. Each call returns when it is durable."""

    async def settled(self, settlement: Settlement, body: Mapping[str, Any], now: int) -> str:
        """Keep it once; the receipt's number that was kept first."""
        ...

    async def swapped(
        self, station: str, request: int, event: str, token: str, body: Mapping[str, Any], now: int
    ) -> None: ...


class PaymentQuestions:
    """Answers for `StationInbox.asked`."""

    def __init__(
        self,
        ledger: PaymentLedger,
        clock: Clock,
        address: Callable[[], str],
        vat: VatBook | None = None,
        changed: Callable[[str, Mapping[str, Any]], None] = lambda _kind, _data: None,
    ) -> None:
        """`address()`: where drivers reach this node's pages. Without `vat` only the form of a number is checked."""
        self._ledger, self._clock, self._address, self._vat, self._changed = ledger, clock, address, vat, changed

    async def asked(self, question: Question) -> Answer | None:
        """The answer, or None if the question is not about payment."""
        match question.action:
            case "NotifySettlement":
                return await self._settlement(question)
            case "VatNumberValidation":
                return await self._vat_number(question)
            case "BatterySwap":
                return await self._swap(question)
            case _:
                return None

    async def _settlement(self, question: Question) -> Answer:
        told = question.payload
        own = str(told.get("receiptId", ""))
        payment = str(told["pspRef"])
        seed = f"{question.station}\x00{payment}\x00{told.get('transactionId', '')}\x00{told['settlementTime']}"
        name = keccak256(seed.encode("utf-8", "replace")).hex()[:32]
        settlement = Settlement(
            question.station,
            payment,
            str(told["status"]),
            _nano(told["settlementAmount"]),
            _time(told["settlementTime"], self._clock.now()),
            str(told["transactionId"]) if told.get("transactionId") else None,
            own or name,
        )
        receipt = await self._ledger.settled(settlement, told, self._clock.now())
        data = {"station": question.station, "status": settlement.status, "nano": settlement.nano}
        self._changed("settlement", data)
        # Who has no receipt of its own shows ours; nothing is to be shown for what was not settled.
        if own or told.get("receiptUrl") or settlement.status != "Settled":
            return {}
        return {"receiptId": receipt, "receiptUrl": f"{self._address()}/receipts/{receipt}"}

    async def _vat_number(self, question: Question) -> Answer:
        number = str(question.payload["vatNumber"])
        answer: Answer = {"vatNumber": number, "status": "Rejected"}
        if "evseId" in question.payload:
            answer["evseId"] = question.payload["evseId"]
        read = read_vat(number)
        if read is None:
            return answer | {"statusInfo": {"reasonCode": "InvalidFormat"}}
        if self._vat is None:
            return answer | {"status": "Accepted"}
        try:
            company = await self._vat.company(*read)
        except Unreachable:
            return answer | {"statusInfo": {"reasonCode": "NotAvailable"}}
        except SunpileError:
            return answer | {"statusInfo": {"reasonCode": "InternalError"}}
        if company is None:
            return answer | {"statusInfo": {"reasonCode": "NotFound"}}
        return answer | {"status": "Accepted", "company": _company(company, read[0])}

    async def _swap(self, question: Question) -> Answer:
        told = question.payload
        token = cast("Mapping[str, Any]", told["idToken"])
        await self._ledger.swapped(
            question.station,
            int(told["requestId"]) & ((1 << 63) - 1),
            str(told["eventType"]),
            str(token["idToken"]).upper(),
            told,
            self._clock.now(),
        )
        data = {"station": question.station, "request": told["requestId"], "event": told["eventType"]}
        self._changed("battery_swap", data)
        return {}


def read_vat(text: str) -> tuple[str, str] | None:
    """(country, number) of a VAT number that has its country's form, None otherwise.

    >>> read_vat("de 123.456-789")
    ('DE', '123456789')
    """
    plain = re.sub(r"[\s.\-]", "", text).upper()
    country, number = plain[:2], plain[2:]
    country = "EL" if country == "GR" else country
    rule = _RULES.get(country)
    return (country, number) if rule is not None and rule.fullmatch(number) else None


def _company(company: Company, country: str) -> dict[str, str]:
    found = {"name": company.name[:50], "address1": company.address[:100] or "-", "city": company.city[:100] or "-"}
    if company.postal_code:
        found["postalCode"] = company.postal_code[:20]
    return found | {"country": country}


def _nano(amount: object) -> int:
    try:
        return max(-NANO_MAX, min(NANO_MAX, scaled_number(cast("float", amount), 9)))
    except (ValueError, TypeError):
        return 0


def _time(text: object, now: int) -> int:
    try:
        return unix_time(str(text))
    except ValueError:
        return now
