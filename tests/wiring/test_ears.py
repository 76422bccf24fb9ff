"""What is durable is answered, whatever happens to those who only listen."""

from typing import Any, cast

from sunpile.basics.ids import StationId
from sunpile.chargers import Csms
from sunpile.chargers.commands import Command, CommandResult, RemoteStop
from sunpile.chargers.events import TransactionAnswer
from sunpile.wiring.ears import Ears, Transactional
from sunpile.wiring.piles import PileCommands


class Said:
    """Stands for any event."""

    station = "SP-1"


async def test_a_listener_that_breaks_neither_stops_the_others_nor_the_answer() -> None:
    heard: list[Any] = []
    event = cast("Transactional", Said())

    def breaks(_event: Any) -> None:
        raise KeyError("a row nobody thought of")

    ears = Ears(hear=[breaks, heard.append])
    await ears.heard(event)
    assert heard == [event]


async def test_what_cannot_be_added_to_an_answer_is_left_out() -> None:
    event, answer = cast("Transactional", Said()), TransactionAnswer(None, "7")

    async def breaks(_event: Any, _answer: TransactionAnswer) -> TransactionAnswer:
        raise RuntimeError("the tariff is gone")

    async def cost(_event: Any, answer: TransactionAnswer) -> TransactionAnswer:
        return TransactionAnswer(None, answer.ocpp_transaction, 5)

    assert await Ears(on_transaction=[breaks, cost]).transaction(event, answer) == TransactionAnswer(None, "7", 5)


async def test_what_a_station_has_done_is_done_whoever_stumbles_over_it() -> None:
    result, told = CommandResult("Accepted", accepted=True), list[str]()

    class Door:
        async def command(self, _station: StationId, _command: Command) -> CommandResult:
            return result

    async def breaks(*_: object) -> None:
        raise KeyError("a row nobody thought of")

    async def hears(station: StationId, *_: object) -> None:
        told.append(station)

    commands = PileCommands()
    commands.csms = cast("Csms", Door())
    commands.commanded += [breaks, hears]
    assert await commands.command(StationId("SP-1"), RemoteStop("7")) == result
    assert told == ["SP-1"]
