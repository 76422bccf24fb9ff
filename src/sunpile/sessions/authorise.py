"""Who pays for what a token starts: the account's payment channel, or the operator's token (contract or prepaid)."""

from dataclasses import dataclass, replace

from sunpile.basics.ids import DriverId, EvseId, IdToken, SessionId, StationId
from sunpile.chargers.events import Authorisation
from sunpile.sessions.model import Driver, Session
from sunpile.sessions.ports import Desk
from sunpile.sessions.tokens import DIRECT, decide_authorisation, plain


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when a token is shown."""

    station: StationId
    """Charging station."""
    evse: EvseId | None
    """EVSE; None: not said."""
    at: int
    """Our time [Unix s]."""
    stopping: str | None = None
    """The token or group whose session runs here; None: none does yet."""
    starts: bool = True
    """False: nothing begins by it yet."""
    kind: str = ""
    """Kind of the token; empty: not said."""


def place_of(session: Session, id_token: IdToken, at: int) -> Place:
    """Where and what for a token is shown to a session."""
    whose, kind = stopped_by(session, id_token), session.token_kind or ""
    return Place(session.station, session.evse or None, at, whose, kind=kind)


def stopped_by(session: Session, id_token: IdToken) -> str | None:
    """By what a token shown now may stop the session: the token or the group let in; None: nobody was yet."""
    if session.authorised != "Accepted" or session.id_token is None:
        return None
    return session.id_token if plain(id_token) == plain(session.id_token) else session.parent or session.id_token


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays for a session."""

    driver: DriverId | None
    """The account; None: a token without one."""
    pays: bool = True
    """False for the pile owner's own car."""
    rail: str = "channel"
    """How: by the account's payment channel, by contract, prepaid, or at the station's payment terminal."""


def verdict(
    desk: Desk, id_token: IdToken, this: SessionId | None, needed: int, place: Place | None = None
) -> tuple[Authorisation, Payer | None]:
    """May who shows `id_token` charge, with `needed` [nano] in the channel, beside no session but `this`?

    A driver's account pays by its channel; what the operator keeps of the token limits it all the same.
    """
    shown = desk.shown(id_token, place.station, place.evse, place.at, this) if place is not None else None
    by_token = None
    if shown is not None and place is not None:
        # Without a session of its own it is only asked about: it may be shown to stop what runs, or what is beside.
        asked = replace(
            shown.asked, stopping=place.stopping, starts=place.starts, kind=place.kind, beside=this is not None
        )
        by_token = decide_authorisation(shown.facts, asked)
    driver = desk.driver_of(id_token)
    if driver is not None:
        registered = shown is not None and shown.facts.token is not None
        if registered and by_token is not None and by_token.status != "Accepted":
            return by_token, None
        return _by_channel(desk, driver, this, needed)
    if by_token is None:
        return Authorisation("Invalid"), None
    if by_token.status != "Accepted":
        return by_token, None
    token = shown.facts.token if shown is not None else None
    if token is not None:
        return by_token, Payer(None, rail=token.rail)
    return by_token, Payer(None, rail="terminal" if place is not None and place.kind == DIRECT else "contract")


def _by_channel(desk: Desk, driver: Driver, this: SessionId | None, needed: int) -> tuple[Authorisation, Payer]:
    payer = Payer(driver.driver, driver.pays)
    if driver.pays:
        channel = desk.channel_of(driver.driver)
        if channel is None or channel.remaining < max(needed, 1):
            return Authorisation("Blocked"), payer
    if this is not None:
        busy = desk.active_of(driver.driver)
        if busy is not None and busy.session != this:
            return Authorisation("ConcurrentTx"), payer
    return Authorisation("Accepted"), payer
