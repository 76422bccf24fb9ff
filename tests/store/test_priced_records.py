"""A final record says what the session costs by its tariff, where no vouchers pay for it."""

from tests.sessions.talk import T0, ended, started
from tests.store.test_tokens import two_stations

from sunpile.basics.scope import NODE
from sunpile.fleet.costing import TariffUse
from sunpile.fleet.tariffs import Price, Tariff
from sunpile.sessions.cdr import Cdr
from sunpile.sessions.model import Session
from sunpile.sessions.service import Sessions
from sunpile.sessions.tokens import Token
from sunpile.store.database import Database
from sunpile.store.sessions import SessionDatabase
from sunpile.store.tariffs import TariffStore, price_with
from sunpile.store.tokens import TokenStore

CENT = 10_000_000


class Clock:
    """Just after the session."""

    def now(self) -> int:
        return T0 + 4000


async def charged(database: Database, with_tariff: bool) -> tuple[Session, Cdr]:
    """An hour and 5 kWh at P1 with a token that pays by contract, and its record."""
    await database.write(two_stations)
    await TokenStore(database).save(NODE, Token("CARD1"), T0)
    if with_tariff:
        tariffs = TariffStore(database)
        await tariffs.save(NODE, Tariff("night", "EUR", energy=(Price(300_000),), fixed=(Price(1_000_000),)), T0)
        await tariffs.use(NODE, TariffUse("station", "P1", "night"), T0)
    store = SessionDatabase(database, price_with("EUR"))
    sessions = Sessions(store, None, Clock())  # type: ignore[arg-type]
    await sessions.started(started("t1", 0, T0, 1_000))
    await sessions.ended(ended("t1", 1, T0 + 3600, 6_000))
    session = await store.look(lambda desk: desk.by_transaction("P1", "t1"))
    assert session is not None
    record = await store.cdr(session.session)
    assert record is not None
    return session, record


async def test_the_record_costs_what_the_tariff_says(database: Database) -> None:
    session, record = await charged(database, with_tariff=True)
    assert record.total_energy == 5_000
    assert record.total_cost == session.owed == 250 * CENT


async def test_without_a_tariff_it_is_the_price_shown_before_the_start(database: Database) -> None:
    session, record = await charged(database, with_tariff=False)
    assert record.total_cost == session.owed == 5_000 * session.price == 100 * CENT
