"""What the town's misbehaving participants send is answered as it should be by the piles' real door."""

from collections.abc import AsyncIterator

import pytest

from chargers.fakes import PASSWORD, Book, Inbox, StillClock
from sunpile.basics.errors import InputInvalid
from sunpile.basics.ids import Address, PointId
from sunpile.basics.keys import Key
from sunpile.basics.reading import Reading, SignedReading
from sunpile.basics.typed_data import Domain
from sunpile.basics.units import Wh
from sunpile.chargers.server import Csms
from sunpile.town import faults

DOMAIN = Domain("sunpile", 1, Address("0x" + "11" * 20))


@pytest.fixture
async def door() -> AsyncIterator[tuple[str, Inbox]]:
    """A management system with one station in its book."""
    inbox = Inbox()
    csms = Csms(Book("SP-1"), inbox, StillClock(), insecure=(1,))
    await csms.start("127.0.0.1", 0)
    yield f"ws://127.0.0.1:{csms.port}/ocpp", inbox
    await csms.stop()


@pytest.mark.parametrize("wrong", faults.WRONG_FRAMES, ids=lambda wrong: wrong.name)
async def test_a_wrong_call_gets_the_right_error(door: tuple[str, Inbox], wrong: faults.WrongFrame):
    socket = await faults.open_socket(door[0], "SP-1", PASSWORD)
    answer = await faults.answer_to(socket, wrong.frame)
    await socket.close()
    assert answer is not None
    assert (answer[0], answer[1]) == (4, "wrong-1")
    assert answer[2] in wrong.codes


def signer(body: dict[str, object]) -> Address:
    """Who signed a reading as it is sent."""
    salt, signature = (bytes.fromhex(str(body[name])[2:]) for name in ("salt", "signature"))
    reading = Reading(PointId(int(str(body["point"]))), int(str(body["interval"])), Wh(int(str(body["wh"]))), salt)
    try:
        return SignedReading(reading, signature).signer(DOMAIN)
    except InputInvalid:
        return Address("nobody")


def test_forged_readings_are_not_the_meters():
    meter = Key.from_seed("meter")
    good = faults.forged(DOMAIN, 1, 10, 500, meter)
    assert signer(good) == meter.address
    bad = [faults.forged(DOMAIN, 1, 10, 500), *faults.replayed([good]), *faults.one_more_wh([good])]
    assert all(signer(body) != meter.address for body in bad)


def test_two_differing_readings_are_both_the_meters():
    meter = Key.from_seed("meter")
    both = faults.twice_differing(meter, DOMAIN, 1, 10, 500)
    assert [signer(body) for body in both] == [meter.address] * 2
    assert both[0]["wh"] != both[1]["wh"]


def test_a_silent_meter_leaves_the_others_alone():
    assert faults.silent({1})([{"point": 1}, {"point": 2}]) == [{"point": 2}]
