"""Which tariff holds where, what a session costs by it, and who is told."""

import asyncio
from dataclasses import replace

import pytest
from tests.sessions.talk import T0, ended, started, updated
from tests.store.test_tokens import two_stations

from sunpile.basics.errors import InputInvalid, NotFound, NotInDialect
from sunpile.basics.scope import NODE
from sunpile.chargers.commands import CommandResult
from sunpile.chargers.events import Authorisation, TransactionDetails
from sunpile.fleet.costing import Costing, TariffUse
from sunpile.fleet.tariffs import Price, Tariff, TariffSupport, When
from sunpile.sessions.model import SessionRules
from sunpile.sessions.session import Fresh, Turn, decide
from sunpile.sessions.tokens import Group, Token
from sunpile.store.sessions import SessionDatabase
from sunpile.store.tariffs import TariffStore
from sunpile.store.tokens import TokenStore

OTHER = replace(NODE, tenant="other")
BASE = Tariff("base", "EUR", energy=(Price(500_000),), fixed=(Price(1_000_000),))


class Clock:
    def now(self):
        return T0 + 3600


class Stations:
    def __init__(self, fault=None):
        self.sent, self.fault = [], fault

    async def command(self, station, command):
        if self.fault:
            raise self.fault
        self.sent.append((station, command))
        return CommandResult("Accepted", accepted=True)


@pytest.fixture
async def house(database):
    await database.write(two_stations)
    stations, said = Stations(), []
    book = TariffStore(database)
    costing = Costing(book, stations.command, Clock(), changed=lambda kind, data: said.append((kind, data)))
    return costing, book, stations, SessionDatabase(database), said, TokenStore(database)


async def tell(store, event, number=1):
    turn = (event.at, SessionRules(), Fresh(f"s{number}", number))
    decision = await store.transact(lambda desk: decide(Turn(desk, *turn), event), event.at, event.station)
    return decision.answer


async def test_the_narrowest_place_wins(house):
    costing, book, _, _, _, tokens = house
    await tokens.save_group(NODE, Group("FLEET"), 1)
    await tokens.save(NODE, Token("CARD1", group="FLEET"), 1)
    assert (await book.in_force("P1", 1, "card1")).id == "kwh-200000"
    places = [("tenant", ""), ("station", "P1"), ("evse", "P1/1"), ("group", "FLEET"), ("token", "card1")]
    for scope, name in places:
        await costing.save(NODE, replace(BASE, id=scope))
        await costing.use(NODE, TariffUse(scope, name, scope))
        assert (await book.in_force("P1", 1, "card1")).id == scope
    assert (await book.in_force("P2", 1, "card1")).id == "kwh-200000"
    await costing.unuse(NODE, TariffUse("token", "CARD1", "token"))
    assert (await book.in_force("P1", 1, "card1")).id == "group"
    with pytest.raises(InputInvalid, match="still holds"):
        await costing.remove(NODE, "group")
    with pytest.raises(NotFound):
        await costing.use(NODE, TariffUse("station", "P2", "group"))
    with pytest.raises(NotFound):
        await costing.use(OTHER, TariffUse("station", "P2", "group"))


async def test_the_station_hears_the_final_cost_with_its_last_answer(house):
    costing, book, _, store, _, _ = house
    await costing.save(NODE, BASE)
    await costing.use(NODE, TariffUse("station", "P1", "base"))
    begin = started("t", 0, T0, 1_000)
    await costing.answer(begin, await tell(store, begin))
    # A later change of the tariff is for later sessions.
    await costing.save(NODE, replace(BASE, energy=(Price(900_000),)))
    end = ended("t", 1, T0 + 1800, 5_000)
    answer = await costing.answer(end, await tell(store, end))
    assert answer.total_cost_nano == 3 * 10**9
    kept = await book.cost(NODE, "s1")
    assert (kept["nano"], kept["final"]) == (3 * 10**9, True)
    with pytest.raises(NotFound):
        await book.cost(OTHER, "s1")


async def test_the_running_cost_is_sent_when_it_has_changed(house):
    costing, _, stations, store, _, _ = house
    await costing.save(NODE, BASE)
    await costing.use(NODE, TariffUse("station", "P1", "base"))
    for event in (started("t", 0, T0, 0), updated("t", 1, T0 + 900, 2_000)):
        await costing.answer(event, await tell(store, event))
    await costing.tell()
    await costing.tell()
    assert [(s, c.transaction, c.nano) for s, c in stations.sent] == [("P1", "t", 2 * 10**9)]
    await tell(store, updated("t", 2, T0 + 1800, 4_000))
    await costing.tell()
    assert stations.sent[-1][1].nano == 3 * 10**9


async def test_the_first_meter_value_brings_the_first_running_cost_at_once(house):
    costing, _, stations, store, _, _ = house
    await costing.save(NODE, BASE)
    await costing.use(NODE, TariffUse("station", "P1", "base"))
    for event in (started("t", 0, T0, 0), updated("t", 1, T0 + 900, 2_000), updated("t", 2, T0 + 1800, 4_000)):
        told = replace(event, details=TransactionDetails("MeterValuePeriodic"))
        await costing.answer(told, await tell(store, told))
        await asyncio.gather(*costing._work)
    assert [(s, c.transaction, c.nano) for s, c in stations.sent] == [("P1", "t", 2 * 10**9)]


async def test_the_tariff_is_that_of_who_is_let_in_after_plugging_in(house):
    costing, book, _, store, _, tokens = house
    await tokens.save(NODE, Token("CARD1"), 1)
    for scope, name, price in (("station", "P1", 100_000), ("token", "CARD1", 900_000)):
        await costing.save(NODE, replace(BASE, id=scope, energy=(Price(price),)))
        await costing.use(NODE, TariffUse(scope, name, scope))
    begin, shown = started("t", 0, T0, 0, tag=None), updated("t", 1, T0 + 60, None, tag="CARD1")
    for event in (begin, shown, ended("t", 2, T0 + 1800, 1_000)):
        answer = await costing.answer(event, await tell(store, event))
    assert answer.total_cost_nano == 1_900_000_000
    assert (await book.cost(NODE, "s1"))["tariff"] == "token"


async def test_a_station_without_words_for_it_is_not_asked_again(house):
    costing, _, stations, store, _, _ = house
    event = started("t", 0, T0, 0)
    await costing.answer(event, await tell(store, event))
    await tell(store, updated("t", 1, T0 + 900, 2_000))
    stations.fault = NotInDialect("1.6", "CostUpdated")
    await costing.tell()
    stations.fault = None
    await tell(store, updated("t", 2, T0 + 1800, 4_000))
    await costing.tell()
    assert stations.sent == []


async def test_a_station_that_reckons_otherwise_is_shown(house):
    costing, book, _, store, said, _ = house
    begin, end = started("t", 0, T0, 0), ended("t", 1, T0 + 1800, 5_000)
    await costing.answer(begin, await tell(store, begin))
    total = {"currency": "EUR", "typeOfCost": "NormalCost", "total": {"exclTax": 7.5}}
    details = replace(end.details, cost={"totalCost": total, "totalUsage": {"energy": 5000}})
    end = replace(end, details=details)
    await costing.answer(end, await tell(store, end))
    assert said[0][0] == "cost.difference"
    assert (await book.cost(NODE, "s1"))["difference"] == "total without tax 7.50 EUR and not 1.00 EUR"


async def test_a_fault_in_the_cost_does_not_keep_a_station_from_its_answer(house, monkeypatch):
    costing, book, _, store, _, _ = house
    end = ended("t", 1, T0 + 1800, 5_000)
    answer = await tell(store, end)

    async def broken(*_args):
        raise OverflowError

    monkeypatch.setattr(book, "costed", broken)
    assert await costing.answer(end, answer) == answer


async def test_a_driver_sees_the_price_before_the_start(house):
    costing, _, _, _, _, _ = house
    await costing.save(NODE, BASE)
    await costing.use(NODE, TariffUse("station", "P1", "base"))
    answer = await costing.authorised("P1", "CARD1", Authorisation("Accepted", languages=("zh",)))
    assert answer.tariff["tariffId"] == "base"
    assert answer.message.text == "每千瓦时 0.50 EUR；每次 1.00 EUR"
    refused = Authorisation("Invalid")
    assert await costing.authorised("P1", "CARD1", refused) == refused


async def test_a_tariff_goes_to_a_station_only_if_the_station_takes_it(house):
    costing, _, stations, _, _, _ = house
    night = replace(BASE, id="night", energy=(Price(1, When(until_minute=60)), Price(2)))
    await costing.save(NODE, night)
    assert (await costing.install(NODE, "P1", 1, "night")).accepted
    assert stations.sent[0][1].tariff["tariffId"] == "night"

    async def no_conditions(_station):
        return TariffSupport(conditions=False)

    costing._support = no_conditions
    with pytest.raises(InputInvalid, match="conditions"):
        await costing.change(NODE, "P1", "t", "night")
    with pytest.raises(NotFound):
        await costing.install(NODE, "P2", 1, "night")
    assert len(stations.sent) == 1
