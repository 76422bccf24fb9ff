"""Configuration templates: which settings a kind of station should have, and where one differs. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from sunpile.chargers.commands import SetVariables, VariableValue
from sunpile.fleet.cards import StationCard
from sunpile.fleet.device_model import Variable, VariableKey, key_of, same_value


@dataclass(frozen=True, slots=True)
class TemplateSelection:
    """Which stations a template is for; what is empty does not matter, all empty is none but those named."""

    vendor: str = ""
    """Vendor, exactly."""
    model: str = ""
    """Model, exactly."""
    firmware: str = ""
    """Firmware; `1.4*` is all that begin with 1.4."""
    version: str = ""
    """OCPP version."""

    def fits(self, card: StationCard) -> bool:
        """True if the card is one of those."""
        pairs = ((self.vendor, card.vendor), (self.model, card.model), (self.version, card.version))
        if not any((self.vendor, self.model, self.firmware, self.version)):
            return False
        if any(wanted and wanted != has for wanted, has in pairs):
            return False
        if self.firmware.endswith("*"):
            return (card.firmware or "").startswith(self.firmware[:-1])
        return not self.firmware or self.firmware == card.firmware


@dataclass(frozen=True, slots=True)
class Template:
    """A named set of settings."""

    template: str
    """Its id."""
    name: str
    """As staff call it."""
    selection: TemplateSelection
    """Which stations it is for."""
    stations: tuple[str, ...]
    """And these, by name."""
    values: tuple[VariableValue, ...]
    """What they should have."""
    updated_at: int = 0
    """Last change [Unix s]."""

    def covers(self, card: StationCard) -> bool:
        """True if it is for this station."""
        return card.station in self.stations or self.selection.fits(card)


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One setting of a template beside what a station has."""

    variable: str
    """As people write it."""
    wanted: str
    """By the template."""
    has: str | None
    """By the station's last word; None: unknown."""
    read_at: int | None
    """When that was [Unix s]; None: never."""
    state: Literal["same", "different", "unread"]
    """What follows."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A station beside a template."""

    station: str
    """Which."""
    template: str
    """Which."""
    differs: int
    """Settings that differ."""
    unread: int
    """Settings the station has not told."""
    oldest_read_at: int | None
    """The oldest word this rests on [Unix s]."""
    rows: tuple[DriftRow, ...]
    """Every setting of the template."""


def drift(template: Template, station: str, held: Mapping[VariableKey, Variable]) -> Drift:
    """How `station`, by what it last told, differs from `template`."""
    rows = tuple(_row(value, held) for value in template.values)
    read = [row.read_at for row in rows if row.read_at is not None]
    return Drift(
        station,
        template.template,
        sum(row.state == "different" for row in rows),
        sum(row.state == "unread" for row in rows),
        min(read, default=None),
        rows,
    )


def _row(value: VariableValue, held: Mapping[VariableKey, Variable]) -> DriftRow:
    key = key_of(value.name, value.attribute)
    known = held.get(key)
    if known is None:
        return DriftRow(key.label, value.value, None, None, "unread")
    if known.mutability == "WriteOnly":
        # It tells no value: what we set last is all that is known.
        state = "same" if known.value == value.value else "unread"
        return DriftRow(key.label, value.value, None, known.at, state)
    state = "same" if same_value(value.value, known.value) else "different"
    return DriftRow(key.label, value.value, known.value, known.at, state)


def wrong_values(template: Template, held: Mapping[VariableKey, Variable]) -> tuple[VariableValue, ...]:
    """The settings to send to a station so that it has what the template wants."""
    return tuple(value for value in template.values if _row(value, held).state != "same")


def batches(wanted: Mapping[str, tuple[VariableValue, ...]]) -> list[tuple[SetVariables, list[str]]]:
    """Stations that need the same settings share a command."""
    groups: dict[tuple[VariableValue, ...], list[str]] = {}
    for station, values in wanted.items():
        if values:
            groups.setdefault(values, []).append(station)
    return [(SetVariables(list(values)), stations) for values, stations in groups.items()]


def covered(template: Template, cards: Iterable[StationCard]) -> list[StationCard]:
    """The stations a template is for."""
    return [card for card in cards if template.covers(card)]
