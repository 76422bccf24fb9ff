"""Who may charge, where, when and how much: `decide_authorisation(facts, asked) -> Authorisation`, pure.

A token is what a driver shows. It may stand under a parent token and in a group; what blocks or limits one of those
blocks or limits the token. Letters are compared without regard to case, as OCPP 2.x does. Each answer of OCPP has one
cause, and the first cause in the order of `_checks` is the answer: what is wrong with the token itself comes before
where and when it was shown, and that before how much it has used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sunpile.basics.errors import InputInvalid
from sunpile.chargers.events import Authorisation, TransactionLimit

KINDS = (
    *("Central", "DirectPayment", "eMAID", "EVCCID", "ISO14443", "ISO15693"),
    *("KeyCode", "Local", "MacAddress", "NoAuthorization", "VIN"),
)
"""IdTokenEnumStringType of OCPP 2.1 (appendix 7.1)."""
STATUSES = ("accepted", "blocked", "expired", "invalid")


def plain(token: str) -> str:
    """A token as it is compared and kept: without spaces around it, in upper case."""
    return token.strip().upper()


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the week in which a token may start."""

    from_minute: int
    """First minute of the local day, 0 to 1439."""
    until_minute: int
    """Minute at which it ends, 1 to 1440; at or before `from_minute`: it ends on the next day."""
    days: frozenset[int] = frozenset(range(7))
    """Weekdays on which it begins, Monday is 0."""

    def holds(self, weekday: int, minute: int) -> bool:
        """True inside the window. `minute` of a local day [0..1439]."""
        if self.from_minute < self.until_minute:
            return weekday in self.days and self.from_minute <= minute < self.until_minute
        late = weekday in self.days and minute >= self.from_minute
        return late or ((weekday - 1) % 7 in self.days and minute < self.until_minute)


@dataclass(frozen=True, slots=True)
class TokenLimits:
    """What a token, a parent or a group may do. None: as much as it likes."""

    concurrent: int | None = None
    """Sessions at the same time."""
    wh_day: int | None = None
    """Energy in a local day [Wh]."""
    wh_month: int | None = None
    """Energy in a local month [Wh]."""
    nano_month: int | None = None
    """Money in a local month [nano]."""
    credit: int | None = None
    """Prepaid money left in all [nano]; only what is bought is there to be used (prepaid card)."""
    stations: frozenset[str] | None = None
    """Station ids where it is accepted."""
    sites: frozenset[str] | None = None
    """Sites where it is accepted; either list is enough."""
    evses: frozenset[tuple[str, int]] | None = None
    """(station, EVSE) pairs it is limited to, of the stations named there."""
    evse_kinds: frozenset[str] | None = None
    """AC or DC: which EVSEs it may use."""
    windows: tuple[Window, ...] = ()
    """When it may start; none: at any time."""
    energy: frozenset[str] | None = None
    """Energy transfer modes it may use, as AC_three_phase or DC_BPT; None: all (2.1)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Tokens that belong together: any of them stops what another has started."""

    group: str
    """Its id, sent as groupIdToken (2.x) and parentIdTag (1.6)."""
    status: str = "accepted"
    """accepted, blocked, expired or invalid."""
    limits: TokenLimits = field(default_factory=TokenLimits)
    """For all its tokens together."""
    master_pass: bool = False
    """Its tokens stop any session, and start none (MasterPassGroupId)."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a driver shows, as the operator keeps it."""

    token: str
    """The id, upper case."""
    kind: str = "ISO14443"
    """One of `KINDS`."""
    driver: str | None = None
    """The account it belongs to; None: the operator bills it by contract."""
    group: str | None = None
    """Its group."""
    parent: str | None = None
    """The token above it, whose status and limits bind it too."""
    status: str = "accepted"
    """accepted, blocked, expired or invalid."""
    valid_from: int | None = None
    """Not before [Unix s]."""
    valid_until: int | None = None
    """Not at or after [Unix s]."""
    limits: TokenLimits = field(default_factory=TokenLimits)
    """What it may do."""
    language: str = ""
    """Which language its driver reads (RFC 5646), at most 8 letters."""
    priority: int = 0
    """chargingPriority, -9 to 9."""
    rail: str = "contract"
    """How what it starts is paid: contract, or prepaid (a one-time token of a hold)."""
    notes: str = ""
    """For staff only; never sent anywhere."""

    def __post_init__(self) -> None:
        if self.token != plain(self.token) or not 1 <= len(self.token) <= 255 or not self.token.isprintable():
            raise InputInvalid("a token is 1 to 255 printable letters")
        if self.kind not in KINDS or self.status not in STATUSES:
            raise InputInvalid("the kind or the status of the token is not one we know")
        if self.parent is not None and plain(self.parent) == self.token:
            raise InputInvalid("a token cannot be its own parent")
        if not -9 <= self.priority <= 9:
            raise InputInvalid("a charging priority is -9 to 9")


@dataclass(frozen=True, slots=True)
class Use:
    """What a token, a parent with its children, or a group has used, without the session asked about."""

    concurrent: int = 0
    """Sessions under way."""
    wh_day: int = 0
    """Energy of sessions of this local day [Wh]."""
    wh_month: int = 0
    """Energy of sessions of this local month [Wh]."""
    nano_month: int = 0
    """Money of sessions of this local month [nano]."""
    nano_ever: int = 0
    """Money of all sessions [nano], against prepaid credit."""


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """How a tenant treats tokens."""

    unknown: str = "refuse"
    """A token nobody registered: refuse (Unknown, in 1.6 Invalid) or accept."""
    time_zone: str = "UTC"
    """IANA name; days, months and windows are local."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All the store knows about a token that was shown."""

    token: Token | None
    """None: nobody registered it."""
    group: Group | None = None
    """Its group."""
    parents: tuple[Token, ...] = ()
    """The tokens above it, nearest first."""
    use: Use = field(default_factory=Use)
    """Of the token."""
    group_use: Use = field(default_factory=Use)
    """Of its group."""
    parent_use: tuple[Use, ...] = ()
    """Of each of `parents`."""
    policy: TokenPolicy = field(default_factory=TokenPolicy)
    """The tenant's."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Where and when a token was shown."""

    station: str
    """Charging station."""
    at: int
    """When [Unix s]."""
    evse: int | None = None
    """EVSE; None: not said, as in Authorize."""
    site: str = ""
    """Site of the station."""
    evse_kind: str | None = None
    """AC or DC; None: unknown, which forbids nothing."""
    stopping: str | None = None
    """The token or group whose session is to be stopped; None: this is a start."""
    starts: bool = True
    """False: nothing begins by it yet, so that a master pass may be shown."""
    kind: str = ""
    """Its kind, as the station names it; empty: not said."""
    beside: bool = True
    """Sessions under way count; False where only the token is looked at (1.6 section 7.2: not in Authorize)."""


DIRECT = "DirectPayment"
"""Kind of what a payment terminal shows."""


class Shown(NamedTuple):
    """A token that was shown, and where."""

    facts: Facts
    """What the store knows."""
    asked: Asked
    """Where and when."""


@dataclass(frozen=True, slots=True)
class Holder:
    """One who is limited: the token, a parent or the group."""

    status: str
    """Its status."""
    limits: TokenLimits
    """Its limits."""
    use: Use
    """What it has used."""


def decide_authorisation(facts: Facts, asked: Asked) -> Authorisation:
    """May who shows this token charge? The same facts always give the same answer."""
    token = facts.token
    if token is None:
        # A payment terminal's card is nobody's: the terminal has authorised it, and it settles (C18).
        known = asked.kind == DIRECT or facts.policy.unknown == "accept"
        return Authorisation("Accepted" if known else "Unknown")
    status = _stop_status(facts, asked) if asked.stopping is not None else _start_status(facts, asked)
    return Authorisation(
        status,
        token.group,
        token.valid_until,
        priority=token.priority or None,
        languages=(token.language,) if token.language else (),
        energy_transfer=energy_of(facts),
        limit=_limit(facts) if status == "Accepted" and asked.stopping is None else None,
    )


def _limit(facts: Facts) -> TransactionLimit | None:
    """What is left of the token's money and energy: a 2.1 station ends the transaction there by itself (E16)."""
    nano, wh = credit_left(facts)
    return None if nano is None and wh is None else TransactionLimit(cost_nano=nano, energy_wh=wh)


def energy_of(facts: Facts) -> tuple[str, ...]:
    """Energy transfer modes by whoever is nearest to the token and names any; empty: nobody limits them."""
    named = (holder.limits.energy for holder in holders(facts))
    return tuple(sorted(next((modes for modes in named if modes), ())))


def _start_status(facts: Facts, asked: Asked) -> str:
    if facts.group is not None and facts.group.master_pass and asked.starts:
        return "Invalid"  # a master pass stops sessions, it starts none (C16)
    return next((found for check in _checks if (found := check(facts, asked)) is not None), "Accepted")


def _stop_status(facts: Facts, asked: Asked) -> str:
    token = facts.token
    assert token is not None
    assert asked.stopping is not None
    other = plain(asked.stopping)
    master = facts.group is not None and facts.group.master_pass
    same = other == token.token or (token.group is not None and plain(token.group) == other)
    if not (same or master):
        return "Invalid"
    # Who started may stop, whatever its limits say by now; a blocked master pass stops nothing.
    return (_own_status(facts, asked) or "Accepted") if master and not same else "Accepted"


def holders(facts: Facts) -> tuple[Holder, ...]:
    """Everyone whose status and limits bind the token, the token itself first."""
    assert facts.token is not None
    uses = (*facts.parent_use, *(Use() for _ in facts.parents))
    found = [Holder(facts.token.status, facts.token.limits, facts.use)]
    found += [Holder(p.status, p.limits, use) for p, use in zip(facts.parents, uses, strict=False)]
    if facts.group is not None:
        found.append(Holder(facts.group.status, facts.group.limits, facts.group_use))
    return tuple(found)


def _own_status(facts: Facts, asked: Asked) -> str | None:
    found = {holder.status for holder in holders(facts)}
    for status, word in (("invalid", "Invalid"), ("blocked", "Blocked"), ("expired", "Expired")):
        if status in found:
            return word
    assert facts.token is not None
    for token in (facts.token, *facts.parents):
        if token.valid_from is not None and asked.at < token.valid_from:
            return "Invalid"
        if token.valid_until is not None and asked.at >= token.valid_until:
            return "Expired"
    return None


def _place(facts: Facts, asked: Asked) -> str | None:
    for limits in (holder.limits for holder in holders(facts)):
        if limits.stations is not None or limits.sites is not None:
            here = asked.station in (limits.stations or ()) or (asked.site and asked.site in (limits.sites or ()))
            if not here:
                return "NotAtThisLocation"
        if limits.evses is not None:
            here_evses = {evse for station, evse in limits.evses if station == asked.station}
            if not here_evses:
                return "NotAtThisLocation"
            if asked.evse is not None and asked.evse not in here_evses:
                return "NotAllowedTypeEVSE"
        kinds = limits.evse_kinds
        if kinds is not None and asked.evse_kind is not None and asked.evse_kind not in kinds:
            return "NotAllowedTypeEVSE"
    return None


def _time(facts: Facts, asked: Asked) -> str | None:
    windows = [holder.limits.windows for holder in holders(facts) if holder.limits.windows]
    if not windows:
        return None
    local = datetime.fromtimestamp(asked.at, zone(facts.policy.time_zone))
    minute = local.hour * 60 + local.minute
    fits = all(any(window.holds(local.weekday(), minute) for window in any_of) for any_of in windows)
    return None if fits else "NotAtThisTime"


def _concurrent(facts: Facts, asked: Asked) -> str | None:
    if not asked.beside:
        return None
    full = any(_reached(holder.use.concurrent, holder.limits.concurrent) for holder in holders(facts))
    return "ConcurrentTx" if full else None


def _credit(facts: Facts, asked: Asked) -> str | None:
    for holder in holders(facts):
        use, limits = holder.use, holder.limits
        used = (
            (use.wh_day, limits.wh_day),
            (use.wh_month, limits.wh_month),
            (use.nano_month, limits.nano_month),
            (use.nano_ever, limits.credit),
        )
        if any(_reached(*pair) for pair in used):
            return "NoCredit"
    return None


def _reached(used: int, limit: int | None) -> bool:
    return limit is not None and used >= limit


_checks: tuple[Callable[[Facts, Asked], str | None], ...] = (_own_status, _place, _time, _concurrent, _credit)


def credit_left(facts: Facts) -> tuple[int | None, int | None]:
    """What may still be used: (money [nano], energy [Wh]); None where nothing limits it. For a transaction's limit."""
    if facts.token is None:
        return None, None
    money = [
        limit - used
        for holder in holders(facts)
        for used, limit in (
            (holder.use.nano_month, holder.limits.nano_month),
            (holder.use.nano_ever, holder.limits.credit),
        )
        if limit is not None
    ]
    energy = [
        limit - used
        for holder in holders(facts)
        for used, limit in ((holder.use.wh_day, holder.limits.wh_day), (holder.use.wh_month, holder.limits.wh_month))
        if limit is not None
    ]
    return _least(money), _least(energy)


def _least(left: Sequence[int]) -> int | None:
    return max(0, min(left)) if left else None


@cache
def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as fault:
        raise InputInvalid("the time zone is not an IANA name") from fault


def starts_of(at: int, time_zone: str) -> tuple[int, int]:
    """When the local day and the local month of `at` began [Unix s]."""
    local = datetime.fromtimestamp(at, zone(time_zone))
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return int(day.timestamp()), int(day.replace(day=1).timestamp())
