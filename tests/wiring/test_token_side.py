"""Tokens, tariffs, reservations and payment as they hang together at the piles' door."""

from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, update
from tests.sessions.talk import T0, ended, started
from tests.store.test_tokens import two_stations

from sunpile.basics.audit import NoAudit
from sunpile.basics.scope import NODE
from sunpile.chargers.commands import CommandResult, RemoteStart
from sunpile.chargers.commands.authorisation import Token as Card
from sunpile.chargers.notices import AuthorisationAsked, Question, ReservationEnded
from sunpile.fleet.device_model import NONE, Variable, VariableKey
from sunpile.fleet.walk_up import SandboxRail
from sunpile.people.feed import EventHub
from sunpile.sessions.service import Sessions
from sunpile.sessions.tokens import Token
from sunpile.store.database import Database
from sunpile.store.device_model import DeviceModelStore
from sunpile.store.every_table import metadata
from sunpile.store.sessions import SessionDatabase
from sunpile.store.tables import connectors
from sunpile.wiring.ears import Ears
from sunpile.wiring.token_side import TokenSide


class Clock:
    def now(self):
        return T0

    async def sleep_until(self, when):
        raise AssertionError("nothing here waits")


class Commands:
    def __init__(self):
        self.said = []

    def state(self, station):
        return None

    async def command(self, station, command):
        self.said.append(command)
        return CommandResult("Accepted", accepted=True)


@pytest.fixture
def door(tmp_path):
    url = f"sqlite:///{tmp_path / 'node.db'}"
    engine = create_engine(url)
    metadata.create_all(engine)
    with engine.begin() as connection:
        two_stations(connection)
        connection.execute(update(connectors).values(status="Available"))
    engine.dispose()
    database, clock, commands, ears = Database(url), Clock(), Commands(), Ears()
    ground = SimpleNamespace(
        database=database,
        clock=clock,
        chores=clock,
        hub=EventHub(),
        settings=SimpleNamespace(currency="EUR"),
        folder=SimpleNamespace(secret=lambda name: name.ljust(32).encode()),
    )
    side = TokenSide.open(ground, commands, ears, NoAudit(), lambda: "https://node.test", SandboxRail())
    sessions = Sessions(SessionDatabase(database), commands, clock)
    yield SimpleNamespace(side=side, sessions=sessions, commands=commands, ears=ears, database=database)
    database.close()


async def start(door, event):
    return await door.side.answer(event, await door.sessions.started(event))


async def test_a_token_charges_by_contract_and_hears_what_it_costs(door):
    await door.side.desk.save(NODE, Token("CARD1", language="zh"))
    asked = AuthorisationAsked("P1", "card1", "ISO14443")
    answer = await door.side.authorised(asked, await door.sessions.authorise("P1", "card1"))
    assert (answer.status, answer.tariff["tariffId"]) == ("Accepted", "kwh-200000")
    assert (await start(door, started("t", 0, T0 - 1800, 0))).authorisation.status == "Accepted"
    end = ended("t", 1, T0, 5_000)
    last = await door.side.answer(end, await door.sessions.ended(end))
    assert last.total_cost_nano == 10**9
    assert (await door.side.desk.use(NODE, "CARD1")).nano_month == 10**9


async def test_a_start_uses_its_reservation_and_a_notice_ends_one(door):
    await door.side.desk.save(NODE, Token("CARD1"))
    first = await door.side.reservations.make(NODE, "P1", Card("CARD1"), T0 + 600, evse=1)
    second = await door.side.reservations.make(NODE, "P1", Card("CARD2"), T0 + 600)
    await start(door, started("t", 0, T0, 0))
    await door.ears.notice(ReservationEnded("P1", second.number, "Expired"))
    assert (await door.side.reservations.find(NODE, first.number)).state == "used"
    assert (await door.side.reservations.find(NODE, second.number)).state == "expired"


async def test_a_stranger_pays_and_charges_up_to_it(door):
    pay = door.side.walk_up
    sign = pay.static_address("P1", 1).rpartition("=")[2]
    offer = await pay.offer("P1", 1, sign=sign)
    hold = await pay.begin("P1", 1, offer.ticket, 2 * 10**9, "key-of-one")
    assert isinstance(door.commands.said[-1], RemoteStart)
    asked = AuthorisationAsked("P1", hold.token, "DirectPayment")
    answer = await door.side.authorised(asked, await door.sessions.authorise("P1", hold.token))
    assert (answer.status, answer.limit.cost_nano) == ("Accepted", 2 * 10**9)
    begun = await start(door, started("t", 0, T0, 0, tag=hold.token))
    assert begun.limit.cost_nano == 2 * 10**9
    assert (await pay.find(hold.hold)).state == "charging"


async def test_guessing_tokens_is_slowed_down_at_the_door(door):
    answers = [(await door.sessions.authorise("P1", f"{n:08X}")).status for n in range(40)]
    assert answers.count("Unknown") == 20
    assert set(answers[20:]) == {"Invalid"}


async def test_payment_questions_are_answered_at_the_door(door):
    answer = await door.ears.question(Question("P1", "VatNumberValidation", {"vatNumber": "DE123456789"}))
    assert answer == {"vatNumber": "DE123456789", "status": "Accepted"}


async def test_a_stations_own_limits_are_kept_to(door):
    key = VariableKey("TariffCostCtrlr", "", NONE, NONE, "ConditionsSupported", "Tariff", "Actual")
    more = VariableKey("", "", NONE, NONE, "SendLocalListMaxLength", "", "Actual")
    entries = VariableKey("LocalAuthListCtrlr", "", NONE, NONE, "Entries", "", "Actual")
    said = [
        Variable(key, "false", "ReadOnly", None, T0),
        Variable(more, "20", "ReadOnly", None, T0),
        Variable(entries, "3", "ReadOnly", {"maxLimit": 50}, T0),
    ]
    await DeviceModelStore(door.database).keep("P1", said)
    assert not (await door.side.costing.support("P1")).conditions
    found = await door.side.lists._limits("P1")
    assert (found.entries_max, found.per_message) == (50, 20)
