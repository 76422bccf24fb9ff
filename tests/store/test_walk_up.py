"""A driver without an account: the price first, money held, the car charges, what was used is taken."""

from dataclasses import replace

import pytest
from sqlalchemy import update
from tests.sessions.talk import T0, ended, started, updated
from tests.store.test_tokens import two_stations

from sunpile.basics.errors import Conflict, Forbidden, InputInvalid, NotFound, PileUnreachable, TooMany, Unreachable
from sunpile.basics.scope import NODE
from sunpile.chargers.commands import CommandResult, RemoteStart, RemoteStop, SetVariables
from sunpile.fleet.costing import Costing
from sunpile.fleet.walk_up import SandboxRail, WalkUp
from sunpile.fleet.web_passwords import password
from sunpile.sessions.model import SessionRules
from sunpile.sessions.session import Fresh, Turn, decide
from sunpile.store.holds import HoldDatabase
from sunpile.store.sessions import SessionDatabase
from sunpile.store.tables import connectors
from sunpile.store.tariffs import TariffStore

EURO = 10**9


class Clock:
    at = T0

    def now(self):
        return self.at


class Station:
    def __init__(self):
        self.said, self.answer, self.fault = [], "Accepted", None

    async def command(self, station, command):
        self.said.append(command)
        if self.fault:
            raise self.fault
        return CommandResult(self.answer, accepted=self.answer == "Accepted")

    def of(self, kind):
        return [command for command in self.said if isinstance(command, kind)]


class House:
    def __init__(self, database):
        self.database, self.clock, self.station, self.rail = database, Clock(), Station(), SandboxRail()
        self.sessions = SessionDatabase(database)
        self.restart()

    def restart(self):
        """As a node that was killed and started again: only the store is left."""
        book = TariffStore(self.database)
        self.costing = Costing(book, self.station.command, self.clock)
        self.walk_up = WalkUp(
            HoldDatabase(self.database),
            book,
            self.rail,
            self.station.command,
            self.clock,
            b"s" * 32,
            lambda: "https://node.test",
        )

    async def tell(self, event, number=1):
        rules, fresh = SessionRules(), Fresh(f"s{number}", number)
        core = lambda desk: decide(Turn(desk, self.clock.at, rules, fresh), event)  # noqa: E731
        answer = (await self.sessions.transact(core, self.clock.at, event.station)).answer
        return await self.walk_up.answer(event, await self.costing.answer(event, answer))

    async def ticket(self):
        sign = self.walk_up.static_address("P1", 1).rpartition("=")[2]
        return (await self.walk_up.offer("P1", 1, sign=sign)).ticket

    async def pay(self, nano=10 * EURO, key="key-of-one", **more):
        return await self.walk_up.begin("P1", 1, await self.ticket(), nano, key, **more)


@pytest.fixture
async def house(database):
    await database.write(two_stations)
    await database.write(lambda c: c.execute(update(connectors).values(status="Available")))
    return House(database)


async def rounds(house, count=3):
    for _ in range(count):
        for hold in await house.walk_up.store.open():
            await house.walk_up.look_after(hold)


async def test_from_the_price_to_the_receipt(house):
    hold = await house.pay()
    assert hold.state == "starting"
    (start,) = house.station.of(RemoteStart)
    assert (start.token.id, start.token.kind, start.evse) == (hold.token, "DirectPayment", 1)
    answer = await house.tell(started("t", 0, T0, 0, tag=hold.token))
    assert (answer.authorisation.status, answer.limit.cost_nano) == ("Accepted", 10 * EURO)
    house.clock.at = T0 + 900
    await house.tell(updated("t", 1, T0 + 900, 2_000))
    await rounds(house)
    assert (await house.walk_up.find(hold.hold)).used_nano == 2_000 * 200_000
    house.clock.at = T0 + 1800
    last = await house.tell(ended("t", 2, T0 + 1800, 5_000))
    assert last.total_cost_nano == EURO
    await rounds(house)
    done = await house.walk_up.find(hold.hold)
    assert (done.state, done.taken_nano, done.used_wh) == ("settled", EURO, 5_000)
    assert [what for what, *_ in house.rail.log] == ["authorise", "capture"]
    again = await house.tell(started("t2", 0, T0 + 1900, 5_000, tag=hold.token), 2)
    assert again.authorisation.status == "Expired"


async def test_the_session_is_stopped_at_what_was_paid(house):
    hold = await house.pay(nano=EURO)
    await house.tell(started("t", 0, T0, 0, tag=hold.token))
    house.clock.at = T0 + 1800
    await house.tell(updated("t", 1, T0 + 1800, 5_000))
    await rounds(house)
    assert house.station.of(RemoteStop)[0].transaction == "t"
    await house.tell(ended("t", 2, T0 + 1801, 5_001))
    await rounds(house)
    done = await house.walk_up.find(hold.hold)
    assert (done.state, done.taken_nano, done.used_nano) == ("settled", EURO, 5_001 * 200_000)


async def test_the_same_key_pays_once_and_a_second_driver_waits(house):
    first = await house.pay()
    assert (await house.pay()).hold == first.hold
    assert len(house.station.of(RemoteStart)) == 1
    with pytest.raises(Conflict):
        await house.pay(key="another-key")


async def test_who_never_plugs_in_gets_the_money_back(house):
    hold = await house.pay()
    house.clock.at += 301
    await rounds(house)
    assert (await house.walk_up.find(hold.hold)).state == "released"
    assert [what for what, *_ in house.rail.log] == ["authorise", "cancel"]


@pytest.mark.parametrize("fault", [None, PileUnreachable("away")])
async def test_a_station_that_does_not_start_costs_nothing(house, fault):
    house.station.answer, house.station.fault = "Rejected", fault
    hold = await house.pay()
    assert (hold.state, hold.taken_nano) == ("released", 0)


async def test_a_declined_payment_starts_nothing(house):
    hold = await house.pay(nano=5 * EURO + 130_000_000)
    assert (hold.state, house.station.of(RemoteStart)) == ("declined", [])


async def test_killed_at_any_point_it_goes_on_and_takes_the_money_once(house):
    class Down(SandboxRail):
        up = False

        async def authorise(self, hold):
            if not self.up:
                raise Unreachable("the payment service is away")
            return await super().authorise(hold)

        async def capture(self, hold, nano):
            await super().capture(hold, nano)
            if not self.up:
                raise Unreachable("its answer is lost")

    house.rail = Down()
    house.restart()
    hold = await house.pay()
    assert hold.state == "asked"
    house.rail.up = True
    house.restart()
    await rounds(house)
    await house.tell(started("t", 0, T0, 0, tag=hold.token))
    house.restart()
    house.clock.at = T0 + 1800
    house.rail.up = False
    await house.tell(ended("t", 1, T0 + 1800, 5_000))
    house.restart()
    await rounds(house)
    assert (await house.walk_up.find(hold.hold)).state == "capturing"
    house.rail.up = True
    house.restart()
    await rounds(house)
    assert (await house.walk_up.find(hold.hold)).state == "settled"
    assert {entry for entry in house.rail.log if entry[0] == "capture"} == {("capture", hold.hold, EURO)}
    assert len(house.station.of(RemoteStart)) == 1


async def test_a_password_is_good_once_and_only_in_its_time(house):
    assert await house.walk_up.enable(NODE, "P1", 1) == "Accepted"
    sent = {value.name.variable: value.value for value in house.station.of(SetVariables)[0].values}
    assert sent["URLTemplate"] == "https://node.test/pay/{chargingStationId}/{evse}?v={version}&totp={totp}"
    known = await house.walk_up.store.secret("P1", 1)
    assert sent["SharedSecret"] == known.secret
    totp = password(known, T0 // known.validity_s)
    offer = await house.walk_up.offer("P1", 1, totp)
    assert offer.texts["en"] == "0.20 EUR per kWh"
    hold = await house.walk_up.begin("P1", 1, offer.ticket, EURO * 2, "key-of-one")
    house.clock.at += 301
    await rounds(house)
    assert (await house.walk_up.find(hold.hold)).state == "released"
    house.clock.at = T0
    offer = await house.walk_up.offer("P1", 1, totp)
    with pytest.raises(Conflict, match="paid already"):
        await house.walk_up.begin("P1", 1, offer.ticket, EURO * 2, "key-of-two")
    house.clock.at = T0 + 180
    with pytest.raises(Forbidden):
        await house.walk_up.offer("P1", 1, totp)
    with pytest.raises(NotFound):
        await house.walk_up.enable(replace(NODE, tenant="other"), "P1", 1)


async def test_guessing_addresses_ends_soon(house):
    for n in range(20):
        with pytest.raises(Forbidden):
            await house.walk_up.offer("P1", 1, sign=f"{n:032}")
    with pytest.raises(TooMany):
        await house.walk_up.offer("P1", 1, sign="0" * 32)
    with pytest.raises(NotFound):
        await house.walk_up.offer("P9", 1)


async def test_amounts_and_tickets_are_checked(house):
    given = await house.ticket()
    for nano in (0, EURO - 1, 501 * EURO):
        with pytest.raises(InputInvalid):
            await house.walk_up.begin("P1", 1, given, nano, "key-of-one")
    with pytest.raises(Forbidden):
        await house.walk_up.begin("P1", 1, given + "0", EURO, "key-of-one")
    house.clock.at += 900
    with pytest.raises(Forbidden):
        await house.walk_up.begin("P1", 1, given, EURO, "key-of-one")


async def test_who_has_paid_is_let_in_before_the_plug_says_where(house):
    hold = await house.pay()
    answer = await house.tell(started("t", 0, T0, None, tag=hold.token, evse=0))
    assert answer.authorisation.status == "Accepted"
    assert answer.limit.cost_nano == 10 * EURO
